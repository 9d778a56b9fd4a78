"""Something is done in a process that dies at a rename, as one that is killed there."""

import os
from collections.abc import Callable


def lives_through(work: Callable[[], object], step: int) -> bool:
    """Do something in a forked process that dies at its n-th rename; tell whether it lived."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    real, left = os.replace, [step]

    def dying(*paths):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
        real(*paths)

    try:
        os.replace = dying
        work()
        os._exit(0)
    finally:
        os._exit(1)
