"""Writing files so that a crash, a full disk or a second reader never sees half of one."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fsh_core.errors import InputError

# Device and inode of files that are read and must stay as they are: however a path is spelled,
# through links or in other cases, it is the same file. Of the process, since threads write too.
_guarded: set[tuple[int, int]] = set()


@contextmanager
def never_overwriting(paths: Iterable[Path]) -> Iterator[None]:
    """Refuse, until the end of the block, to write over any of these files.

    The one guard of all commands for the data that they read: `write_atomically` and
    `check_may_write` ask it.
    """
    identities = {_identity(path) for path in paths} - {None} - _guarded
    _guarded.update(identity for identity in identities if identity is not None)
    try:
        yield
    finally:
        _guarded.difference_update(identities)


def check_may_write(path: Path) -> None:
    """Refuse to write over a file that is read.

    Raises
    ------
    InputError
        If the file is guarded by `never_overwriting`.
    """
    if _guarded and _identity(path) in _guarded:
        raise InputError(
            f"{path}: belongs to the data that is read, and is never written over; "
            "choose another output folder, for example derivatives/fsh inside the dataset"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def write_atomically(path: str | Path, payload: bytes | str) -> None:
    """Write a file whole or not at all: beside it, flushed to the disk, then renamed.

    Raises
    ------
    InputError
        If it cannot be written (no permission, disk full), or is an input of the command;
        nothing is left behind.
    """
    path = Path(path)
    check_may_write(path)
    with _beside(path) as partial:
        with open(partial, "wb") as file:
            file.write(payload.encode() if isinstance(payload, str) else payload)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_UMASK)
        os.replace(partial, path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a temporary name next to ``path``; remove it when something fails."""
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free some space or choose another output folder"
        ) from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _current_umask()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
