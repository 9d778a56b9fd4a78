"""Writing files so that a crash, a full disk or a second reader never sees half of one."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsh_core.errors import InputError


def write_atomically(path: str | Path, payload: bytes | str) -> None:
    """Write a file whole or not at all: beside it, flushed to the disk, then renamed.

    Raises
    ------
    InputError
        If it cannot be written (no permission, disk full); nothing is left behind.
    """
    path = Path(path)
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
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose another output folder"
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
