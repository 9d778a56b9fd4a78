"""Lesions of known shape in a real FLAIR: training pairs with exact truth.

The idea is that of CarveMix (Zhang et al., NeuroImage 2023) and LesionMix (Basaran et al.,
2023), but only the shape and the place of a lesion come from another patient; its
intensities are made from the target's own white matter. How that was chosen and how well it
does is in ``docs/simulation.md``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.simulation.insert import InsertedLesion, LesionInserter
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.target import TargetScan
from fsh_core.volume.volume import MASK_LEVEL, Volume, from_ras

__all__ = ["InsertedLesion", "Simulated", "simulate_lesions"]


@dataclass(frozen=True)
class Simulated:
    """A scan with simulated lesions and the truth about them.

    Attributes
    ----------
    flair : Volume
        The scan, float32, on the target's grid.
    mask : (I, J, K) bool
        All lesions: the target's own, where they were given, and the added ones.
    added : (I, J, K) bool
        The added lesions: voxels at least half of which are lesion.
    lesions : tuple of InsertedLesion
        One for each added lesion, in the order in which they were inserted.
    """

    flair: Volume
    mask: NDArray[np.bool_]
    added: NDArray[np.bool_]
    lesions: tuple[InsertedLesion, ...]


def simulate_lesions(
    flair: Volume,
    brain: NDArray[np.bool_],
    bank: LesionShapeBank,
    rng: np.random.Generator,
    *,
    count: int | None = None,
    burden_ml: float | None = None,
    reference: NDArray[np.bool_] | None = None,
    overlap: bool = False,
) -> Simulated:
    """Insert lesions of a bank into the white matter of a scan.

    Parameters
    ----------
    flair : Volume
        The target, (I, J, K), any orientation and voxel size.
    brain : (I, J, K) bool
        Its brain.
    bank : LesionShapeBank
        Where shapes and places come from.
    rng : Generator
        Where chance comes from; the same state gives the same lesions.
    count : int or None
        How many lesions; fewer if there is no place for more.
    burden_ml : float or None
        Volume to reach instead, in ml, within 10 % where shapes allow.
    reference : (I, J, K) bool or None
        The target's own lesions: kept free, unless ``overlap``, and copied in contrast.
    overlap : bool
        Whether lesions may grow into each other and into the target's own.

    Returns
    -------
    Simulated
        The scan with its lesions, and the truth about them.

    Raises
    ------
    InputError
        If neither or both of count and burden are given, if they are negative, or if
        the scan shows no white matter.
    """
    if (count is None) == (burden_ml is None):
        raise InputError(
            "give either a number of lesions or a burden in ml, not both and not neither"
        )
    wanted = float(count if count is not None else burden_ml or 0.0)
    if not 0 <= wanted < np.inf:
        raise InputError(
            f"the number of lesions or their burden must not be negative, got {wanted:g}"
        )
    own = np.zeros(flair.shape, dtype=bool) if reference is None else reference
    target = TargetScan.of(flair, brain, own)
    data = target.flair.data.astype(np.float32)
    fraction = np.zeros(data.shape, np.float32)
    inserter = LesionInserter(target, data, fraction, rng, overlap)
    inserted = inserter.insert(bank, count, burden_ml)
    added = from_ras(fraction >= MASK_LEVEL, flair)
    return Simulated(flair.with_data(from_ras(data, flair)), own | added, added, tuple(inserted))
