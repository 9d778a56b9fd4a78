"""The bytes of a NIfTI file, plain or packed by gzip: all of them, or a sentence."""

import io
import logging
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib

from fsh_core.cases.names import is_nifti_name
from fsh_core.errors import InputError

Promised = Callable[[bytes], float]

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 2**24  # unpacked at a time, before the size is looked at again
_SPARE_BYTES = 2**20  # some programs pad their files; more than this is not the file it says

_GZIP_LEVEL = 1  # results are mostly zeros: level 1 is three times faster and 5 % larger
_GZIP_BITS = 31  # one gzip member with its check sum, and no time stamp
_log = logging.getLogger(__name__)


def read_whole(path: Path, header_bytes: int, promised: Promised) -> bytearray:
    """Read the content of a NIfTI file, unpacked to its last byte.

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz.
    header_bytes : int
        How many bytes say how long the file is.
    promised : callable
        Given so many bytes, returns how many the file has.

    Raises
    ------
    InputError
        If it is missing, unreadable, empty, damaged, or goes on beyond what its header says.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file; check the name")
        if path.is_dir():
            raise InputError(
                f"{path}: expected a NIfTI file, found a folder; name a file inside it"
            )
        if not is_nifti_name(path):
            raise InputError(
                f"{path}: expected a NIfTI file (.nii or .nii.gz), found another kind; convert "
                "it first"
            )
        payload = bytearray(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    if not payload:
        raise InputError(f"{path}: expected a NIfTI file, found an empty one; copy it again")
    if not path.name.lower().endswith(".gz"):
        return payload
    if not payload.startswith(_GZIP_MAGIC):
        raise InputError(
            f"{path}: expected a gzip file, its content is something else; "
            "copy it again, or rename it if it is not compressed"
        )
    try:
        return _unpack(path, payload, header_bytes, promised)
    except (EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: expected a complete gzip file, found one that ends early or is damaged "
            f"({error}); copy it again"
        ) from None


def _unpack(
    path: Path, payload: bytes | bytearray, header_bytes: int, promised: Promised
) -> bytearray:
    """Unpack every member of a gzip file, and no more than its NIfTI header says.

    Bytes after the last member are ignored, as gzip itself does, with a word in the log.
    """
    unpacked = bytearray()
    most: float | None = None
    while payload:
        member = zlib.decompressobj(wbits=_GZIP_BITS)
        while not member.eof:
            chunk = member.decompress(payload, _CHUNK_BYTES)
            payload = member.unconsumed_tail
            unpacked += chunk
            if not chunk and not payload and not member.eof:
                raise EOFError("it stops before its end")
            if most is None and len(unpacked) >= header_bytes:
                most = promised(bytes(unpacked[:header_bytes]))
            if most is not None and len(unpacked) > most + _SPARE_BYTES:
                raise InputError(
                    f"{path}: expected {most:.0f} bytes, as its header says, found a gzip stream "
                    "that goes on beyond; copy it again"
                )
        payload = member.unused_data
        if payload and not payload.startswith(_GZIP_MAGIC):
            _log.warning("%s: ignored %d bytes after the end of the gzip file", path, len(payload))
            break
    return unpacked


def packed(image: nib.Nifti1Image) -> bytes:
    """Return the bytes of an image as a gzip file, packed slice by slice.

    So its voxels are never in memory a second time, and a third, as bytes.
    """
    packer = _Packer()
    image.to_stream(packer)
    return packer.end()


class _Packer(io.RawIOBase):
    """A file, written from its first byte to its last, that keeps only what is packed."""

    def __init__(self) -> None:
        self._gzip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_BITS)
        self._packed = bytearray()
        self._at = 0

    def write(self, payload: Any) -> int:
        self._packed += self._gzip.compress(payload)
        self._at += len(payload)
        return len(payload)

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go on with zeros, as a file on disk does; never back."""
        if whence != io.SEEK_SET or place < self._at:
            raise OSError("what is packed cannot be changed")
        self.write(bytes(place - self._at))
        return self._at

    def end(self) -> bytes:
        self._packed += self._gzip.flush()
        return bytes(self._packed)
