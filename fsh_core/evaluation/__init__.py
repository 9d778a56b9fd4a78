"""One predicted mask against its reference: voxels, surfaces, lesions, regions."""
