"""A scan in memory: voxels and the affine that places them in the patient.

The affine is the only source of voxel size and orientation. World coordinates are
NIfTI's RAS+ millimetres.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.nifti_bytes import packed

MASK_LEVEL = 0.5
"""From which share of a voxel on a mask holds it, where a mask was averaged or resampled."""

_MM3_PER_ML = 1000


@dataclass(frozen=True)
class Volume:
    """Voxels on a grid.

    Attributes
    ----------
    data : (I, J, K) array
        Voxel values.
    affine : (4, 4) float64
        Voxel indices to RAS+ millimetres.
    header : nibabel NIfTI header or None
        Header of the file it came from, so that what is written back keeps the
        file's NIfTI version, codes and units.
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]
    header: Any = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along each axis."""
        i, j, k = self.data.shape
        return i, j, k

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along each axis, in mm: the lengths of the affine's columns."""
        i, j, k = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(i), float(j), float(k)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, in mm3: the affine's determinant."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def volume_ml(self, mask: NDArray[Any]) -> float:
        """Return the volume of a mask on this grid.

        Parameters
        ----------
        mask : (I, J, K) bool or int
            What is not 0 counts: of a label map, all lesions.

        Returns
        -------
        float
            In ml; 0 of an empty mask.

        Raises
        ------
        ValueError
            If the shape differs.
        """
        self._check_shape(mask, "mask")
        return int(np.count_nonzero(mask)) * self.voxel_volume_mm3 / _MM3_PER_ML

    def with_data(self, data: NDArray[Any]) -> "Volume":
        """Return other voxels on the same grid.

        Parameters
        ----------
        data : (I, J, K) array
            Of any type.

        Returns
        -------
        Volume
            With this one's affine and header.

        Raises
        ------
        ValueError
            If the shape differs.
        """
        self._check_shape(data, "data")
        return replace(self, data=data)

    def _check_shape(self, data: NDArray[Any], name: str) -> None:
        if data.shape != self.data.shape:
            raise ValueError(
                f"{name} must have the volume's shape {self.data.shape}, got {data.shape}"
            )


def load_volume(path: str | Path) -> Volume:
    """Read a 3-D image from a NIfTI-1 or NIfTI-2 file (.nii, .nii.gz).

    Parameters
    ----------
    path : path
        The file. A trailing axis of length 1 is accepted and dropped.

    Returns
    -------
    Volume
        ``data`` is (I, J, K) float32, in the file's own orientation.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not a NIfTI, truncated, not 3-D, complex
        or RGB, smaller than 16 voxels on an axis, without a usable affine, or if its
        values are not finite, or all the same.
    """
    path = Path(path)
    volume = Volume(*read_nifti(path))
    data = volume.data
    bad = int(data.size - np.isfinite(data).sum())
    if bad:
        raise InputError(
            f"{path}: every voxel must be a number, found {bad} NaN or infinite ones; "
            "replace them (for example by 0) and try again"
        )
    if data.min() == data.max():
        what = "all zeros" if data.flat[0] == 0 else f"constant (every voxel is {data.flat[0]:g})"
        raise InputError(
            f"{path}: an image must have contrast, this one is {what}; was the right file exported?"
        )
    return volume


def load_mask(
    path: str | Path, like: Volume | None = None, image: str | Path = "the image"
) -> Volume:
    """Read a binary mask, of any grid or on the grid of an image.

    Parameters
    ----------
    path : path
        The mask's file.
    like : Volume or None
        The image whose grid the mask must have; any grid when None.
    image : path
        The image's file, named in errors.

    Returns
    -------
    Volume
        ``data`` is (I, J, K) bool.

    Raises
    ------
    InputError
        As `load_volume`, or if shape or affine differ from the image's, or if a
        value is neither 0 nor 1. An empty mask is accepted.
    """
    path = Path(path)
    volume = Volume(*read_nifti(path))
    if like is not None:
        check_same_grid(volume, like, path, image)
    values = np.unique(volume.data)
    # A mask stored as 0 and 255 with a slope of 1/255 comes out as 1.0000001.
    odd = values[~(np.isclose(values, 0, atol=1e-6) | np.isclose(values, 1, atol=1e-6))]
    if odd.size:
        shown = ", ".join(f"{value:g}" for value in odd[:3])
        raise InputError(
            f"{path}: a mask must hold only 0 and 1, found {shown}; binarise it (value > 0) "
            "and try again"
        )
    return replace(volume, data=volume.data > MASK_LEVEL)


def check_same_grid(volume: Volume, like: Volume, path: str | Path, like_path: str | Path) -> None:
    """Check that two volumes share shape and affine.

    Raises
    ------
    InputError
        If they differ; the sentence says in what.
    """
    if volume.shape != like.shape:
        raise InputError(
            f"{path}: must have the shape {like.shape} of {like_path}, has {volume.shape}; "
            "resample it to that image"
        )
    if not np.allclose(volume.affine, like.affine, atol=1e-3):
        most = np.abs(volume.affine - like.affine).max()
        raise InputError(
            f"{path}: must have the affine of {like_path}, differs by up to {most:.3g}; "
            "resample it to that image"
        )


def to_ras(volume: Volume) -> Volume:
    """Return the volume with its axes nearest to R, A and S: flips and swaps only.

    Exactly undone by `from_ras`. An oblique affine stays oblique.
    """
    data = np.ascontiguousarray(as_ras(volume.data, volume))
    return Volume(data, ras_grid(volume)[1], volume.header)


def ras_grid(volume: Volume) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """Return shape and affine of ``to_ras(volume)``, without turning any voxels."""
    affine = volume.affine @ inv_ornt_aff(io_orientation(volume.affine), volume.shape)
    return as_ras(volume.data, volume).shape, np.asarray(affine, dtype=np.float64)


def as_ras(data: NDArray[Any], like: Volume) -> NDArray[Any]:
    """Return a view of voxels in the orientation of ``like``, with axes nearest to R, A and S.

    What is written into the view is written into ``data``.
    """
    return np.asarray(apply_orientation(data, io_orientation(like.affine)))


def from_ras(data: NDArray[Any], like: Volume) -> NDArray[Any]:
    """Take voxels from the RAS grid of ``like`` back to its own orientation.

    Parameters
    ----------
    data : (I, J, K) array
        Voxels on the grid of ``to_ras(like)``.
    like : Volume
        The volume in its original orientation.

    Returns
    -------
    (I', J', K') array
        The same voxels in the order of ``like``.
    """
    return np.ascontiguousarray(apply_orientation(data, _from_ras_to(like)))


def turned_like(volume: Volume, like: Volume) -> Volume:
    """Return a volume with its axes in the order and direction of another's.

    Parameters
    ----------
    volume : Volume
        Of any orientation and shape.
    like : Volume
        Whose orientation is wanted.

    Returns
    -------
    Volume
        The same voxels at the same places, flips and swaps only.
    """
    ras, back = to_ras(volume), _from_ras_to(like)
    affine = ras.affine @ inv_ornt_aff(back, ras.shape)
    data = np.ascontiguousarray(apply_orientation(ras.data, back))
    return Volume(data, np.asarray(affine, dtype=np.float64), volume.header)


def _from_ras_to(like: Volume) -> NDArray[Any]:
    """Orientation that takes RAS axes to those of a volume, as nibabel writes it."""
    orientation = io_orientation(like.affine)
    back = np.empty_like(orientation)
    for axis, (target, flip) in enumerate(orientation):
        back[int(target)] = axis, flip
    return np.asarray(back)


def save_like(data: NDArray[Any], like: Volume, path: str | Path) -> None:
    """Write voxels on the grid of ``like``: same shape, affine, codes and NIfTI version.

    The file appears whole or not at all, and its bytes depend on nothing but the
    arguments (no time stamp).

    Parameters
    ----------
    data : (I, J, K) array
        bool is written as uint8; whole numbers of more than 16 bits, such as labels, as int16
        where all of them fit, else as int32, which every program reads.
    like : Volume
        The grid.
    path : path
        Ends in .nii or .nii.gz.

    Raises
    ------
    InputError
        If the file cannot be written; nothing is left behind.
    """
    array = _stored(data)
    is_nifti2 = isinstance(like.header, nib.Nifti2Header)
    kind: Any = nib.Nifti2Image if is_nifti2 else nib.Nifti1Image
    header = like.header.copy() if like.header is not None else None
    image = kind(array, like.affine, header, dtype=array.dtype)
    image.header["cal_max"] = image.header["cal_min"] = 0
    image.header.set_intent("none")
    for free_text in {"descrip", "aux_file", "db_name"} & set(
        image.header
    ):  # they may name the patient
        image.header[free_text] = b""
    if array.dtype.kind in "iuf":
        image.header.set_slope_inter(1.0, 0.0)
    write_atomically(path, packed(image) if str(path).endswith(".gz") else image.to_bytes())


def _stored(data: NDArray[Any]) -> NDArray[Any]:
    """Convert to the type that is written."""
    if data.dtype == np.bool_:
        return data.astype(np.uint8)
    if data.dtype.kind not in "iu" or data.dtype.itemsize <= np.dtype(np.int16).itemsize:
        return data
    limits = np.iinfo(np.int16)
    fit = limits.min <= data.min(initial=0) and data.max(initial=0) <= limits.max
    return data.astype(np.int16 if fit else np.int32)
