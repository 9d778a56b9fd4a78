"""Images: volumes on their grids, intensities, the brain."""
