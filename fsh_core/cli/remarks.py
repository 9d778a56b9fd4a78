"""What the package remarks while a command runs: a file that is not used, something assumed."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def saying_remarks_once() -> Iterator[None]:
    """Print each remark once, on standard error, until the end of the block."""
    remarks = logging.getLogger("fsh_core")
    handler = _Remarks()
    remarks.addHandler(handler)
    try:
        yield
    finally:
        remarks.removeHandler(handler)


class _Remarks(logging.Handler):
    """Prints each message the first time that it comes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._said:
            self._said.add(text)
            print(f"fsh: {text}", file=sys.stderr)
