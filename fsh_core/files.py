"""Writing files so that a crash, a full disk or a second reader never sees half of one."""

import hashlib
import os
import platform
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import psutil

from fsh_core.errors import InputError, cannot_be_written

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
        handle, name = tempfile.mkstemp(prefix=HIDDEN, suffix=_ending(), dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
    except OSError as error:
        raise cannot_be_written(path, error) from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


@contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder inside ``folder``; whatever happens, it is gone afterwards.

    Raises
    ------
    InputError
        If something cannot be written there; the sentence names ``folder``.
    """
    with making_folder(folder):
        staging: Path | None = None
        try:
            staging = Path(tempfile.mkdtemp(prefix=HIDDEN, suffix=_ending(), dir=folder))
            yield staging
        except InputError as error:
            raise InputError(str(error).replace(str(staging), str(folder))) from None
        except OSError as error:
            raise cannot_be_written(folder, error) from None
        finally:
            if staging is not None:
                rmtree(staging, ignore_errors=True)


@contextmanager
def making_folder(folder: Path) -> Iterator[None]:
    """Make a folder; afterwards remove what was made here and stayed empty."""
    try:
        made_here = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_be_written(folder, error) from None
    try:
        yield
    finally:
        for path in made_here:
            with suppress(OSError):
                path.rmdir()


def move_together(staging: Path, folder: Path, name: str) -> None:
    """Move files that belong together from a staging folder into place: all of them or none.

    The staging folder first gets a name that says that everything is in it, in one step. If the
    process dies after that, the next one finds the folder by `unfinished_moves` and does
    `finish_move`. Meanwhile nobody takes old and new files for one result: JSON files, which
    speak of the others, go first and come last.

    Parameters
    ----------
    staging : Path
        A folder inside ``folder`` that holds the files, in folders or not, and nothing else.
    folder : Path
        Where they belong, in the same folders; files of the same names are replaced.
    name : str
        What is written, part of a file name. One process at a time may write it.

    Raises
    ------
    InputError
        If they cannot be moved.
    """
    whole = folder / f"{HIDDEN}{name}{_WHOLE}"
    try:
        if whole.is_dir():
            finish_move(whole)
        os.replace(staging, whole)
        finish_move(whole)
    except OSError as error:
        raise cannot_be_written(folder, error) from None


def hidden_files(folder: Path, *, inside: bool = True) -> list[Path]:
    """List what F.sh hides in a folder, and in those ``inside``: unfinished files, and locks."""
    return list(folder.rglob(f"{HIDDEN}*") if inside else folder.glob(f"{HIDDEN}*"))


def unfinished_moves(hidden: Iterable[Path]) -> dict[Path, str]:
    """Find what was wholly written among hidden files, with what it is called."""
    return {
        path: path.name.removeprefix(HIDDEN).removesuffix(_WHOLE)
        for path in hidden
        if path.name.endswith(_WHOLE)
    }


def finish_move(whole: Path) -> None:
    """Move what was wholly written to where it belongs; one process at a time."""
    moves = {
        path: whole.parent / path.relative_to(whole)
        for path in sorted(whole.rglob("*"), key=lambda path: (path.suffix == ".json", path))
        if path.is_file()
    }
    for path, target in moves.items():
        if path.suffix == ".json":
            target.unlink(missing_ok=True)
    for path, target in moves.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    rmtree(whole, ignore_errors=True)  # of folders alone


def remove_leftovers(hidden: Iterable[Path]) -> None:
    """Remove what killed processes of this machine half wrote among hidden files.

    What a living process is writing stays: the names say whose they are.
    """
    for partial in (path for path in hidden if path.name.endswith(_PARTIAL)):
        machine, _, process = partial.suffixes[-2].removeprefix(".").partition("-")
        if machine == _MACHINE and process.isdigit() and not psutil.pid_exists(int(process)):
            with suppress(OSError):
                rmtree(partial) if partial.is_dir() else partial.unlink()


HIDDEN = ".fsh-"
"""How the names of hidden files begin: other programs have theirs."""
_PARTIAL, _WHOLE = ".partial", ".whole"  # how they end
_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"  # a network drive has files of several


def _ending() -> str:
    """End of the name of what is being written: by which machine and process."""
    return f".{_MACHINE}-{os.getpid()}{_PARTIAL}"


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _current_umask()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:  # in pieces: a file may be larger than the memory
        return hashlib.file_digest(file, "sha256").hexdigest()
