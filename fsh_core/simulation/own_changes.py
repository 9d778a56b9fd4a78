"""A scan's own lesions that are there at one of two simulated visits only."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.followup_config import FollowUpConfig
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.volume.boxes import Box, label_boxes, voxels_across, widen
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume

_REMOVED_MM3 = (14.0, 1000.0)  # what is painted over: from 3 mm in diameter to 1 ml
_APART_MM = 4.0  # from other lesions, whose rim would be painted over too


def choose_own_changes(
    scan: Volume, lesions: NDArray[np.bool_], config: FollowUpConfig, rng: np.random.Generator
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Number a scan's own lesions, and choose those that are new or resolved.

    Parameters
    ----------
    scan : Volume
        On a RAS grid.
    lesions : (I, J, K) bool
        Its own lesions.
    config : FollowUpConfig
        How many are wanted; fewer are chosen where few lie apart from the others.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    labels : (I, J, K) int32
        The lesions, 0 = background.
    kinds : dict of int to str
        ``stable``, ``new`` or ``resolved`` for each.
    """
    labels, count = label_components(lesions)
    kinds = dict.fromkeys(range(1, count + 1), "stable")
    wanted = ["new"] * config.own_new + ["resolved"] * config.own_resolved
    if not wanted:
        return labels, kinds
    low, high = _REMOVED_MM3
    volumes_mm3 = np.bincount(labels.ravel()) * scan.voxel_volume_mm3
    candidates = [
        number
        for number, box in label_boxes(labels).items()
        if low <= volumes_mm3[number] <= high and _is_apart(labels, number, box, scan.spacing_mm)
    ]
    for kind, number in zip(wanted, rng.permutation(candidates).tolist(), strict=False):
        kinds[int(number)] = kind
    return labels, kinds


def without_own(
    scan: Volume,
    brain: NDArray[np.bool_],
    labels: NDArray[np.int32],
    kinds: dict[int, str],
    absent: str,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Paint over those of a scan's own lesions that are not there at a visit.

    Parameters
    ----------
    scan : Volume
        On a RAS grid.
    brain : (I, J, K) bool
        Its brain.
    labels, kinds
        From `choose_own_changes`.
    absent : str
        ``new`` for the first visit, ``resolved`` for the second.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    (I, J, K) float32
        Voxels that may be written to.
    """
    numbers = [number for number, kind in kinds.items() if kind == absent]
    removed = remove_lesions(scan, np.isin(labels, numbers), brain, rng)
    return np.array(removed.data, dtype=np.float32)


def _is_apart(
    labels: NDArray[np.int32], number: int, box: Box, spacing_mm: tuple[float, float, float]
) -> bool:
    """Whether no other lesion lies near one."""
    around = labels[widen(box, voxels_across(_APART_MM, spacing_mm), labels.shape)]
    distance_mm = ndimage.distance_transform_edt(around != number, sampling=spacing_mm)
    others = (around > 0) & (around != number)
    return not bool((others & (distance_mm <= _APART_MM)).any())
