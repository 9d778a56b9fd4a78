"""Training: patches, augmentation, the training loop, calibration, the run folder."""
