"""The command line: ``fsh`` and ``fsh-train``. `fsh_core.cli.app` parses, one file for each command does."""

from fsh_core.cli.app import main, train_main

__all__ = ["main", "train_main"]
