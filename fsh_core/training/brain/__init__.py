"""Training of the bundled network that finds the brain."""
