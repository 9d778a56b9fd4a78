"""The network, its losses, its checkpoints."""
