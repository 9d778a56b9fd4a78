"""The one exception for input that F.sh cannot use."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the file or option, what was expected,
    what was found and what to do; the command line prints it and exits with 2.
    """


class Cancelled(Exception):
    """Raised from a progress callback to stop a computation."""
