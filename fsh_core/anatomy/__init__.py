"""Where in the brain a voxel is: registration to MNI152 and between visits, and the atlas."""
