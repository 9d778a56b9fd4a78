"""The one exception for input that F.sh cannot use, and a sentence for any other."""

import errno
import logging
from pathlib import Path

_log = logging.getLogger(__name__)


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one sentence that names the file or option, what was expected,
    what was found and what to do; the command line prints it and exits with 2.
    """


def sentence_of(error: Exception, about: object) -> str:
    """Say in one sentence why a case of many failed, whatever was raised.

    Batch work goes on with the other cases after any error, not only after those that were
    foreseen. The traceback of one that was not goes to the log.

    Parameters
    ----------
    error : Exception
        What was raised.
    about : object
        The file or case, named where the error does not name it.
    """
    if isinstance(error, InputError):
        return str(error)
    text = " ".join(str(error).split())
    # OpenVINO, torch and ITK pass on the allocator's own exception as a RuntimeError.
    if isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY):
        return f"{about}: not enough memory; close other programs or choose a smaller --patch-size"
    if isinstance(error, OSError):
        file = error.filename or about
        return f"{file}: cannot be used ({error.strerror or text}); check the disk and try again"
    _log.debug("%s failed", about, exc_info=error)
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{about}: failed in a way that was not foreseen ({what}); please report this"


def cannot_be_written(path: Path, error: OSError) -> InputError:
    """Say that a file or folder cannot be written, why, and what helps against just that.

    Parameters
    ----------
    path : Path
        What should have been written; it may not exist.
    error : OSError
        Why not.
    """
    file = next((place for place in (path, *path.parents) if _is_file(place)), None)
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and file is not None:
        name = "this" if file == path else str(file)
        advice = f"{name} is a file where a folder is expected; choose another folder"
    else:
        advice = _AGAINST.get(error.errno or 0, "check the disk, or choose another folder")
    return InputError(f"{path}: cannot be written ({error.strerror or error}); {advice}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long, or a folder above may not be entered
        return False


_FULL = "free some space, or choose a folder on another disk"
_NOT_ALLOWED = "change its permissions, or choose another folder"
_A_FOLDER = "a folder has that name; move it away, or choose another folder"
_AGAINST = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "the disk takes no files of this size; choose a folder on another disk",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: "the disk is read-only; choose a folder on another disk",
    errno.ENAMETOOLONG: "shorten the name",
    errno.EISDIR: _A_FOLDER,
    errno.ENOTEMPTY: _A_FOLDER,
    errno.ELOOP: "links lead in a circle; choose another folder",
}


def reason_of(error: Exception) -> str:
    """Say in a few words of one line why something failed, as a part of a sentence.

    Parameters
    ----------
    error : Exception
        What was raised; a library's may repeat a whole damaged file.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= _LONGEST_REASON else f"{shown[:_LONGEST_REASON]}…"


_LONGEST_REASON = 200
_OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "not enough memory", "can't allocate memory")


class Cancelled(Exception):
    """Raised from a progress callback to stop a computation."""
