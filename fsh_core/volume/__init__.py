"""Scans in memory and on disk: voxels, the affine that places them, and slices through them."""
