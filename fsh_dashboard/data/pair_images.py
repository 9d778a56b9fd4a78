"""A visit of a compared pair as the browser's viewer wants it: scan, changes, difference."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras
from fsh_dashboard.data.volumes import pack, window_of

CODES = {"new": 1, "enlarging": 2, "shrinking": 3, "resolved": 4, "uncertain": 5, "stable": 6}
"""What stands in the outlines for each kind of change; the viewer knows the same numbers."""


class VisitFiles(NamedTuple):
    """The files that show a visit of a pair; all on the grid of its own scan.

    Attributes
    ----------
    flair : Path
        The scan.
    brain : Path or None
        Brain mask.
    labels : Path
        The lesions that were followed.
    changes, difference : Path
        The change map and the difference image of the pair.
    """

    flair: Path
    brain: Path | None
    labels: Path
    changes: Path
    difference: Path


class VisitLayers(NamedTuple):
    """What the viewer shows of a visit.

    Attributes
    ----------
    layers : dict of str to bytes
        Gzipped NIfTI: ``flair``, ``outlines`` (see `CODES`) and ``difference``, as far as it
        can be read.
    window : (float, float)
        FLAIR values that are black and white.
    problems : tuple of str
        One sentence for every map that cannot be shown.
    """

    layers: dict[str, bytes]
    window: tuple[float, float]
    problems: tuple[str, ...]


def pack_visit(files: VisitFiles, codes: Mapping[int, int]) -> VisitLayers:
    """Load a visit with the changes of a pair.

    Parameters
    ----------
    files : VisitFiles
        Where its images lie.
    codes : mapping of int to int
        Number of a change in the change map -> its code, from `codes_of`.

    Raises
    ------
    InputError
        If the scan cannot be used; a map that cannot is named in the problems.
    """
    flair = load_volume(files.flair)
    scan = to_ras(flair)
    problems: list[str] = []
    maps: dict[str, NDArray[np.float32]] = {}
    for name in ("labels", "changes", "difference"):
        try:
            maps[name] = _on_grid(getattr(files, name), flair)
        except InputError as error:
            problems.append(str(error))
    brain = np.ones(scan.shape, dtype=bool)
    if files.brain is not None:
        try:
            brain = to_ras(load_mask(files.brain, flair, files.flair)).data > 0
        except InputError as error:
            problems.append(str(error))
    outlines = np.zeros(scan.shape, dtype=np.uint8)
    if "labels" in maps:  # a lesion that is in no change is stable
        outlines[maps["labels"] > 0] = CODES["stable"]
    if "changes" in maps:
        outlines = _painted(outlines, maps["changes"], codes)
    layers = {
        "flair": pack(scan.data.astype(np.float32), scan.affine, np.int16),
        "outlines": pack(outlines, scan.affine, np.uint8),
    }
    if "difference" in maps:
        layers["difference"] = pack(maps["difference"], scan.affine, np.int16)
    return VisitLayers(layers, window_of(scan.data, brain), tuple(problems))


def codes_of(kinds: Mapping[int, tuple[str, str]]) -> dict[int, int]:
    """Give each change its code; a merged or split lesion that of how its size changed.

    Parameters
    ----------
    kinds : mapping of int to (str, str)
        Number of a change -> its ``kind`` and ``size_change``.
    """
    joined = ("merged", "split")
    return {
        number: CODES.get(size if kind in joined else kind, CODES["uncertain"])
        for number, (kind, size) in kinds.items()
    }


def _painted(
    outlines: NDArray[np.uint8], changes: NDArray[np.float32], codes: Mapping[int, int]
) -> NDArray[np.uint8]:
    """Lay the change map over the lesions; a number that no change has is uncertain."""
    table = np.full(max([0, *codes]) + 2, CODES["uncertain"], dtype=np.uint8)
    numbers = np.rint(np.clip(changes, 0, len(table) - 1)).astype(np.intp)
    for number, code in codes.items():
        table[number] = code
    painted = outlines.copy()
    painted[numbers > 0] = table[numbers[numbers > 0]]
    return painted


def _on_grid(path: Path, flair: Volume) -> NDArray[np.float32]:
    volume = Volume(*read_nifti(path))  # where nothing changed all voxels are the same
    if volume.shape != flair.shape:
        raise InputError(
            f"{path}: must have the shape of the FLAIR {flair.shape}, has {volume.shape}; "
            "follow the visits again"
        )
    return np.nan_to_num(to_ras(volume).data.astype(np.float32))
