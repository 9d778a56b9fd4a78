"""A slice of the first validation scan, with its reference and what the network said of it.

Kept at a few validations of a run, so that one can see how the predictions change. It needs no
torch to be read.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.file_names import RUN_SAMPLES_FOLDER
from fsh_core.files import write_atomically

if TYPE_CHECKING:
    from fsh_core.training.training_case import WholeScan

_LARGEST_BYTES = 2**22  # of a file; a slice takes some tens of thousands
_LARGEST = 1024  # voxels along an edge
_NAMES = ("scan", "reference", "probability")
_WHITE = 255


@dataclass(frozen=True)
class Sample:
    """An axial slice on the network's grid, as the radiological picture shows it.

    Attributes
    ----------
    scan : (H, W) uint8
        The FLAIR as the network saw it; the first row is the lowest.
    reference : (H, W) bool
        Lesions of the reference.
    probability : (H, W) uint8
        Of the network, 255 = 1.
    """

    scan: NDArray[np.uint8]
    reference: NDArray[np.bool_]
    probability: NDArray[np.uint8]


def is_kept(validations: int, is_last: bool) -> bool:
    """Tell whether a validation is one of the few: the 1st, 2nd, 4th, 8th … and the last."""
    return is_last or validations & (validations - 1) == 0


def sample_of(case: "WholeScan", probability: NDArray[np.float32]) -> Sample:
    """Cut the slice in which the reference has most voxels; without one, the middle one.

    Parameters
    ----------
    case : WholeScan
        A validation scan.
    probability : (I, J, K) float32 in [0, 1]
        Of the network, on its grid.
    """
    from fsh_core.volume.planes import AXIAL

    reference = case.prepared.from_input_grid(case.reference)
    counts = reference.sum(axis=(0, 1))
    index = int(counts.argmax()) if counts.any() else reference.shape[2] // 2
    scan, said = (
        np.round(np.clip(AXIAL.cut(data, index), 0, 1) * _WHITE).astype(np.uint8)
        for data in (case.prepared.image[0], probability)
    )
    return Sample(scan, AXIAL.cut(reference, index), said)


def write_sample(run: Path, epoch: int, sample: Sample) -> None:
    """Keep a sample in a run folder; the same sample gives the same bytes.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: getattr(sample, name) for name in _NAMES})
    write_atomically(run / RUN_SAMPLES_FOLDER / f"epoch-{epoch:04}.npz", buffer.getvalue())


def read_sample(path: Path) -> Sample:
    """Read a sample back.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("it is too large")
        with ZipFile(path) as packed:
            for name in _NAMES:
                _check_header(packed, name)
        with np.load(path, allow_pickle=False) as content:
            arrays = [np.asarray(content[name]) for name in _NAMES]
        if len({array.shape for array in arrays}) > 1:
            raise ValueError("its arrays differ in size")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(
            f"{path}: expected a slice that fsh train kept, cannot be read ({error}); remove it"
        ) from None
    scan, reference, probability = arrays
    return Sample(scan.astype(np.uint8), reference.astype(np.bool_), probability.astype(np.uint8))


def _check_header(packed: ZipFile, name: str) -> None:
    """Refuse an array that is no picture of a sensible size, before it is unpacked."""
    with packed.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name} is of another format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    wanted = np.dtype(np.bool_ if name == "reference" else np.uint8)
    if len(shape) != len("HW") or not 0 < max(shape) <= _LARGEST or dtype != wanted:
        raise ValueError(f"{name} is {dtype} of shape {shape}")
