"""The bridge to SimpleITK: the only place where volumes become ITK images and come back.

Two things differ. A volume's world is NIfTI's RAS+ (right, anterior, superior), ITK's is LPS+
(left, posterior, superior). An array is indexed (i, j, k) here and (k, j, i) there.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse

# A filter's own SetNumberOfThreads does nothing in SimpleITK 2.5, neither for a registration nor
# for demons: bytes and processor time were those of the process-wide default, whatever it was set
# to. Only that default counts. With it, the sums of a registration's metric change in their last
# bits (Mattes even from run to run), and one thread takes about twice as long as two.
_TAKING_TURNS = threading.RLock()  # the default is the whole process's


@contextmanager
def one_thread() -> Iterator[None]:
    """Let ITK work in one thread, for what must give the same bytes on every machine."""
    with _TAKING_TURNS:
        before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        try:
            yield
        finally:
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def lps_affine(volume: Volume) -> NDArray[np.float64]:
    """Return the affine from a volume's voxel indices to ITK's world, (4, 4), in mm."""
    return np.asarray(_RAS_TO_LPS @ volume.affine, dtype=np.float64)


def to_itk(volume: Volume) -> sitk.Image:
    """Return a volume as an ITK image.

    Parameters
    ----------
    volume : Volume
        (I, J, K) of a type that ITK has; bool becomes uint8.

    Returns
    -------
    sitk.Image
        The same voxels at the same places. ITK wants axes at right angles: a sheared affine
        counts by its nearest rotation.
    """
    data = volume.data
    if data.dtype == np.bool_:
        data = data.astype(np.uint8)
    image = sitk.GetImageFromArray(np.ascontiguousarray(data.T))
    _place(image, volume)
    return image


def grid_of(volume: Volume) -> sitk.Image:
    """Return an image of zeros on a volume's grid, to resample to."""
    grid = sitk.Image([int(size) for size in volume.shape], sitk.sitkUInt8)
    _place(grid, volume)
    return grid


def voxels_of(image: sitk.Image) -> NDArray[Any]:
    """Return an ITK image's voxels as a volume has them, (I, J, K)."""
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


def matrix_of(transform: sitk.AffineTransform | sitk.Euler3DTransform) -> NDArray[np.float64]:
    """Return an affine or rigid ITK transform as a (4, 4) matrix between RAS+ millimetres."""
    itk: Any = transform  # SimpleITK's methods have no types
    linear = np.array(itk.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(itk.GetCenter()), np.array(itk.GetTranslation())
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = linear, centre + shift - linear @ centre
    return np.asarray(_RAS_TO_LPS @ lps @ _RAS_TO_LPS, dtype=np.float64)


def transform_of(matrix: NDArray[np.float64]) -> sitk.AffineTransform:
    """Return a (4, 4) matrix between RAS+ millimetres as an ITK transform: of `matrix_of` back."""
    lps = _RAS_TO_LPS @ matrix @ _RAS_TO_LPS
    transform = sitk.AffineTransform(3)
    itk: Any = transform  # SimpleITK's methods have no types
    itk.SetMatrix(lps[:3, :3].ravel().tolist())
    itk.SetTranslation(lps[:3, 3].tolist())
    return transform


def read_affine_transform(path: Path) -> NDArray[np.float64]:
    """Read one affine from a transform file of ITK as a (4, 4) matrix between RAS+ millimetres.

    Raises
    ------
    InputError
        If the file holds no 3-D affine.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    transform: Any = sitk.AffineTransform(3)
    try:
        # By hand: sitk.ReadTransform refuses MatrixOffsetTransformBase, ITK's base of all affines.
        parameters = [float(number) for number in lines["Parameters"].split()]
        centre = [float(number) for number in lines["FixedParameters"].split()]
        transform.SetFixedParameters(centre)
        transform.SetParameters(parameters)
        return matrix_of(transform)
    except (KeyError, ValueError, RuntimeError):  # RuntimeError is ITK's, of a wrong number of them
        raise InputError(
            f"{path}: expected an ITK transform file with one 3-D affine, cannot read one; "
            "write it again with the tool that registered the scans"
        ) from None


def _place(image: sitk.Image, volume: Volume) -> None:
    """Give an image its place in the world."""
    affine, spacing_mm = lps_affine(volume), np.asarray(volume.spacing_mm)
    # Headers are rounded, and ITK refuses axes that are not exactly at right angles.
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing_mm)
    image.SetSpacing(spacing_mm.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((left @ right).ravel().tolist())
