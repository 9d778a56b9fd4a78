"""One writer at a time: two commands on one output folder do not write into each other's files."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fsh_core.errors import InputError, cannot_be_written
from fsh_core.files import (
    HIDDEN,
    finish_move,
    hidden_files,
    making_folder,
    remove_leftovers,
    unfinished_moves,
)

_LOCK = ".lock"


class BeingWritten(InputError):
    """Another process is writing what this one wants to write."""


@contextmanager
def one_writer(folder: Path, what: str = "fsh", *, wait: bool = True) -> Iterator[None]:
    """Be the only process that writes something in a folder, until the end of the block.

    The system gives the lock back when a process ends, however it ends. Its hidden file is
    removed; so is the folder, if it was made for the lock and nothing came into it.

    Parameters
    ----------
    folder : Path
        Where it is written; made when missing.
    what : str
        What is written there, part of a file name: a case, or all of a command's output.
    wait : bool
        Wait for another writer to be done, instead of raising.

    Raises
    ------
    BeingWritten
        If another process is writing and ``wait`` is False.
    InputError
        If the folder cannot be written.
    """
    path = folder / f"{HIDDEN}{what}{_LOCK}"
    with making_folder(folder):
        lock = FileLock(path, is_singleton=True)  # the same thread may ask again
        try:
            lock.acquire(blocking=wait)
        except Timeout:
            raise BeingWritten(
                f"{folder}: another process is writing {_named(what)} there; wait until it is "
                "done, or choose another output folder"
            ) from None
        except OSError as error:
            raise cannot_be_written(folder, error) from None
        try:
            yield
        finally:
            if lock.lock_counter == 1:
                # Removed while it is held: whoever waits for this file sees that it has no name
                # any more, and begins again with a new one. On Windows an open file stays.
                with suppress(OSError):
                    path.unlink()
            lock.release()


def clear_after_killed(folder: Path, *, inside: bool = True) -> None:
    """Bring a folder, and those inside, in order after killed processes.

    What they half wrote is removed, what they had wholly written is moved into place, and the
    files of their locks go. What a living process holds stays.

    Parameters
    ----------
    folder : Path
        The folder.
    inside : bool
        Whether to look into the folders inside too. What segmenting leaves there lies in the
        folder itself.
    """
    hidden = hidden_files(folder, inside=inside)  # one walk: there may be thousands of cases
    remove_leftovers(hidden)
    for whole, what in unfinished_moves(hidden).items():
        with suppress(InputError, OSError), one_writer(whole.parent, what, wait=False):
            finish_move(whole)
    for path in (path for path in hidden if path.name.endswith(_LOCK)):
        what = path.name.removeprefix(HIDDEN).removesuffix(_LOCK)
        with suppress(InputError), one_writer(path.parent, what, wait=False):
            pass  # nobody holds it: it goes with this one


def _named(what: str) -> str:
    return "its results" if what == "fsh" else what
