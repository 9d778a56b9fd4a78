"""A NIfTI file, read whole and checked, or refused in one sentence.

The file is taken into memory and unpacked to its last byte, so that a truncated or
corrupt one (the gzip check sum is the last thing in it) fails here, with its name, and
not in the middle of a run. A gzip stream is unpacked no further than its header says.
Header extensions are never read: they may name the patient, and a damaged one costs nothing.
"""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.nifti_bytes import read_whole

SMALLEST_AXIS_VOXELS = 16
LARGEST_SPACING_MM = 20.0
SMALLEST_SPACING_MM = 0.05

_SPATIAL_AXES = 3
_LONGEST_HEADER = Nifti2Header.sizeof_hdr
_LEAST_RELATIVE_VOLUME = 1e-6  # below it, the axes lie in one plane

_log = logging.getLogger(__name__)
_SILENT = logging.Logger("header checks", level=logging.CRITICAL + 1)  # nibabel's own prints


def read_nifti(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64], Any]:
    """Read one 3-D image from a NIfTI-1 or NIfTI-2 file.

    Parameters
    ----------
    path : Path
        Ends in .nii or .nii.gz. Trailing axes of length 1 are dropped.

    Returns
    -------
    data : (I, J, K) float32
        Voxels in the file's order, slope and intercept applied.
    affine : (4, 4) float64
        Voxel indices to RAS+ millimetres.
    header : Nifti1Header or Nifti2Header
        Without extensions, which may name the patient.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not a NIfTI, truncated, not 3-D, complex or
        RGB, smaller than 16 voxels on an axis, or without a usable affine.
    """
    stored, affine, header = _read_stored(path)
    return _scaled(stored, header), affine, header


def read_labels(path: Path) -> tuple[NDArray[np.integer[Any]], NDArray[np.float64], Any]:
    """Read numbered voxels, as of lesions or a mask, into as little memory as they need.

    Parameters
    ----------
    path : Path
        As for `read_nifti`.

    Returns
    -------
    data : (I, J, K) int16, or int32 where a number needs it
        In C order; a fraction is cut off.
    affine, header
        As of `read_nifti`.

    Raises
    ------
    InputError
        As `read_nifti` does.
    """
    stored, affine, header = _read_stored(path)
    is_whole = stored.dtype.kind in "iu" and _is_unscaled(header)
    values = stored if is_whole else _scaled(stored, header)
    largest = max(values.max(initial=0), -values.min(initial=0))
    kind = np.int16 if largest <= np.iinfo(np.int16).max else np.int32
    return values.astype(kind, order="C"), affine, header


def _read_stored(path: Path) -> tuple[NDArray[Any], NDArray[np.float64], Any]:
    """Return voxels as the file has them, in its own memory: nothing is copied."""
    payload = read_whole(
        path, _LONGEST_HEADER, lambda beginning: _promised_bytes(_parse_header(path, beginning))
    )
    header = _parse_header(path, payload)
    shape = _check_shape(path, header)
    _check_size(path, payload, header)
    affine = _read_affine(path, header)
    stored: NDArray[Any] = np.ndarray(
        shape,
        header.get_data_dtype(),
        buffer=payload,
        offset=int(header["vox_offset"]),
        order="F",
    )
    if not stored.flags.aligned:
        stored = stored.copy(order="F")
    return stored, affine, header


def _scaled(stored: NDArray[Any], header: Nifti1Header) -> NDArray[np.float32]:
    """Apply slope and intercept, as nibabel does, one slice after another."""
    with np.errstate(over="ignore"):  # what is too large for float32 counts as infinite later
        if _is_unscaled(header):
            return np.asarray(stored, dtype=np.float32)
        slope, intercept = header.get_slope_inter()
        scaled = np.empty(stored.shape, dtype=np.float32, order="F")
        for place in range(stored.shape[-1]):
            scaled[..., place] = apply_read_scaling(stored[..., place], slope, intercept)
    return scaled


def _is_unscaled(header: Nifti1Header) -> bool:
    return header.get_slope_inter() in ((None, None), (1.0, 0.0))


def _parse_header(path: Path, payload: bytes | bytearray) -> Nifti1Header:
    """Return the header, with what can be repaired safely repaired."""
    header: Nifti1Header
    beginning = bytes(payload[:_LONGEST_HEADER])
    try:
        if Nifti1Header.may_contain_header(beginning):
            header = Nifti1Header(beginning[: Nifti1Header.sizeof_hdr], check=False)
        elif Nifti2Header.may_contain_header(beginning):
            header = Nifti2Header(beginning[: Nifti2Header.sizeof_hdr], check=False)
        else:
            raise InputError(
                f"{path}: expected a NIfTI file, its content is something else; convert it first"
            )
        if not np.isfinite(float(header["vox_offset"])):
            raise HeaderDataError(f"voxels start at byte {float(header['vox_offset'])}")
        _check_scaling(header)
        if int(header["sform_code"]) == 0 and not (np.abs(header["pixdim"][1:4]) > 0).all():
            raise _absurd_spacing(path, np.abs(header["pixdim"][1:4]))
        header.check_fix(logger=_SILENT)
        kind = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected a NIfTI file, its header makes no sense ({reason}); convert it again"
        ) from None
    if kind.kind not in "iuf":
        named = "RGB colours" if kind.names else str(kind)
        raise InputError(
            f"{path}: voxels must be plain numbers, found {named}; export a magnitude image"
        )
    return header


def _check_scaling(header: Nifti1Header) -> None:
    """Refuse an intercept that is no number.

    A slope of 0 or NaN means that there is no scaling (NIfTI-1 standard, and nibabel).
    """
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if np.isfinite(slope) and slope != 0 and not np.isfinite(intercept):
        raise HeaderDataError(f"intensities are scaled by {slope:g} and shifted by {intercept}")


def _promised_bytes(header: Nifti1Header) -> float:
    """Return where the header says that the voxels end."""
    voxels = math.prod(map(int, header.get_data_shape()))
    item_bytes = int(header.get_data_dtype().itemsize)
    return float(header["vox_offset"]) + voxels * item_bytes


def _check_shape(path: Path, header: Nifti1Header) -> tuple[int, int, int]:
    """Refuse what is not one 3-D image of a sensible size."""
    shape = tuple(int(size) for size in header.get_data_shape())
    spatial = shape
    while len(spatial) > _SPATIAL_AXES and spatial[-1] == 1:
        spatial = spatial[:-1]
    if len(spatial) != _SPATIAL_AXES:
        raise InputError(
            f"{path}: expected one 3-D image, found {len(shape)}-D with shape {shape}; extract "
            "a single volume"
        )
    if min(spatial) < SMALLEST_AXIS_VOXELS:
        raise InputError(
            f"{path}: expected at least {SMALLEST_AXIS_VOXELS} voxels on each axis, found "
            f"shape {spatial}; "
            "use the whole scan, not a localiser or a crop"
        )
    return spatial[0], spatial[1], spatial[2]


def _check_size(path: Path, payload: bytes | bytearray, header: Nifti1Header) -> None:
    """Refuse a file shorter than its header promises, before any memory is reserved."""
    offset = float(header["vox_offset"])
    if not offset >= header.sizeof_hdr:
        raise InputError(
            f"{path}: expected a NIfTI file, its header makes no sense (voxels start at byte "
            f"{offset:g}); "
            "convert it again"
        )
    needed = _promised_bytes(header)
    if needed > len(payload):
        raise InputError(
            f"{path}: expected a complete NIfTI file of {needed:.0f} bytes, found one that "
            "ends early or is damaged "
            f"({len(payload)} bytes); copy it again"
        )


def _read_affine(path: Path, header: Nifti1Header) -> NDArray[np.float64]:
    """Return the affine; refuse one that cannot place the voxels in the patient."""
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise InputError(
            f"{path}: has no affine (sform and qform codes are 0), so left and right are unknown; "
            "convert the scan again from DICOM"
        )
    affine = _affine_of(header, "sform" if int(header["sform_code"]) else "qform")
    if affine is None and int(header["sform_code"]) and int(header["qform_code"]):
        affine = _affine_of(header, "qform")
        if affine is not None:
            _log.warning("%s: its sform is singular; the qform is used to place the voxels", path)
    if affine is None:
        raise InputError(
            f"{path}: has a singular affine, so voxels have no volume; "
            "convert the scan again from DICOM"
        )
    spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if spacing.min() < SMALLEST_SPACING_MM or spacing.max() > LARGEST_SPACING_MM:
        raise _absurd_spacing(path, spacing)
    return affine


def _affine_of(header: Nifti1Header, form: str) -> NDArray[np.float64] | None:
    """Return the affine of one form; None if it cannot place voxels."""
    try:
        found = header.get_sform() if form == "sform" else header.get_qform()
    except (ValueError, HeaderDataError):  # a quaternion longer than 1
        return None
    affine = np.asarray(found, dtype=np.float64)
    with np.errstate(all="ignore"):
        spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        # The volume of a voxel relative to a box with the same edges: units do not matter.
        relative_volume = abs(np.linalg.det(affine[:3, :3] / spacing))
    is_usable = np.isfinite(affine).all() and relative_volume > _LEAST_RELATIVE_VOLUME
    return affine if is_usable else None


def _absurd_spacing(path: Path, spacing_mm: NDArray[np.floating[Any]]) -> InputError:
    shown = " x ".join(f"{value:.3g}" for value in spacing_mm)
    return InputError(
        f"{path}: expected voxels of {SMALLEST_SPACING_MM} to {LARGEST_SPACING_MM:g} mm, found "
        f"{shown} mm; "
        "check the header's units"
    )
