"""A command or a review, stopped at a write: campaigns.stopped kill|full NUMBER WORDS...

``kill`` ends the process, as ``kill -9`` does, just before a write; ``full`` lets it and every
later write fail, as a full disk does. With 0 nothing is stopped, and the last line of the output
is the number of writes.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from campaigns import reviewing
from fsh_core.cli import main

_WRITES = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link")
_NEEDS_ROOM = ("fsync", "mkdir", "link")  # a full disk still renames and removes


def stop_at(how: str, number: int) -> Callable[[], int]:
    """Stop this process at a write; returns a function that counts them."""
    made = [0]

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*given: Any, **named: Any) -> Any:
            made[0] += 1
            if how == "kill" and made[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "full" and number and made[0] >= number and name in _NEEDS_ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*given, **named)

        return write

    for name in _WRITES:
        setattr(os, name, watched(name, getattr(os, name)))
    return lambda: made[0]


if __name__ == "__main__":
    count = stop_at(sys.argv[1], int(sys.argv[2]))
    words = sys.argv[3:]
    code = reviewing.main(words[1:]) if words[0] == "review" else main(words)
    print(count())
    sys.exit(code)
