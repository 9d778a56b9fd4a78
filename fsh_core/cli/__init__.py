"""The command line, ``fsh`` and ``fsh-train``: `fsh_core.cli.app` parses, a file a command."""

from fsh_core.cli.app import main, train_main

__all__ = ["main", "train_main"]
