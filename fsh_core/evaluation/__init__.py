"""Evaluation: how well a prediction agrees with a reference, by voxel, surface and lesion."""
