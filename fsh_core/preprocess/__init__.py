"""From a scan to the image that the network sees: the brain mask, intensities, spacing."""
