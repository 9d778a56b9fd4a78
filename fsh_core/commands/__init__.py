"""What each command does and shows; `fsh_core.cli` only parses."""
