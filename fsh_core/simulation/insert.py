"""Inserting lesions into the voxels of a target scan, one after the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.simulation.paint import ScanLook, paint, with_margin
from fsh_core.simulation.render import render
from fsh_core.simulation.shape_bank import LesionShapeBank, Shape
from fsh_core.simulation.target import TargetScan
from fsh_core.volume.boxes import Box, box_at
from fsh_core.volume.components import dilate
from fsh_core.volume.volume import MASK_LEVEL

_WANDER_MM = 9.0  # how far from its place a lesion may go to find white matter
_IN_WHITE_FRACTION = 0.5  # of a lesion that must be in white matter
_IN_MARGIN_FRACTION = 0.88  # and in or near it; near the ventricles the two are hard to tell
_TRIES_PER_LESION = 6
_TRIES_PER_SHAPE = 12
_MIRRORED_FRACTION = 0.5
_BURDEN_TOLERANCE = 1.1


@dataclass(frozen=True)
class InsertedLesion:
    """One simulated lesion.

    Attributes
    ----------
    number : int
        Of the shape in the bank.
    centre : tuple of 3 int
        Middle of its box, in voxels of the RAS grid.
    volume_mm3 : float
        Volume, partial voxels counted by their fraction.
    truth_mm3 : float
        Volume of its voxels in the truth.
    contrast : float
        Mean brightness above the white matter around, in units of white matter.
    """

    number: int
    centre: tuple[int, int, int]
    volume_mm3: float
    truth_mm3: float
    contrast: float


class LesionInserter:
    """Inserts lesions into a scan's voxels, one after the other.

    Parameters
    ----------
    target : TargetScan
        What is known of the scan.
    data : (I, J, K) float32
        The scan's voxels in RAS; written to.
    fraction : (I, J, K) float32
        Share of each voxel that is added lesion; written to.
    rng : Generator
        Where chance comes from.
    overlap : bool
        Whether lesions may grow into each other.
    """

    def __init__(
        self,
        target: TargetScan,
        data: NDArray[np.float32],
        fraction: NDArray[np.float32],
        rng: np.random.Generator,
        overlap: bool = False,
    ) -> None:
        self._target = target
        self._data = data
        self._fraction = fraction
        self._rng = rng
        self._overlap = overlap
        self._look = ScanLook.draw(target, rng)
        self._taken = np.zeros_like(target.taken) if overlap else target.taken.copy()

    def insert(
        self,
        bank: LesionShapeBank,
        count: int | None,
        burden_ml: float | None,
        among: NDArray[np.integer[Any]] | None = None,
    ) -> list[InsertedLesion]:
        """Insert lesions of a bank, every patient of it as likely as every other.

        Parameters
        ----------
        bank : LesionShapeBank
            Where shapes and places come from.
        count : int or None
            How many lesions to insert; fewer where there is no place for more.
        burden_ml : float or None
            Without a count: the volume to reach, in ml.
        among : (N,) int or None
            Numbers of the bank's lesions to draw from; all of them when None.

        Returns
        -------
        list of InsertedLesion
            In the order in which they were inserted.
        """
        among = np.arange(len(bank)) if among is None else among
        of_patient = bank.patients[among]
        patients = np.bincount(of_patient)[of_patient].astype(np.float64)
        wanted_mm3 = np.inf if burden_ml is None else 1000 * burden_ml
        inserted: list[InsertedLesion] = []
        inserted_mm3, tries = 0.0, 0
        limit = _TRIES_PER_LESION * (count if count is not None else len(among))
        order = self._rng.choice(
            among, len(among), replace=False, p=(1 / patients) / (1 / patients).sum()
        )
        while tries < limit:
            enough = inserted_mm3 >= wanted_mm3 if count is None else len(inserted) >= count
            if enough:
                break
            number = int(order[tries % len(order)])
            tries += 1
            shape = bank[number]
            if inserted_mm3 + shape.volume_mm3 > _BURDEN_TOLERANCE * wanted_mm3:
                continue
            lesion = self.insert_one(shape, number, self._target.frame.position_mm(shape.place))
            if lesion is not None:
                inserted.append(lesion)
                inserted_mm3 += lesion.truth_mm3
        return inserted

    def insert_one(
        self, shape: Shape, number: int, position_mm: NDArray[np.float64]
    ) -> InsertedLesion | None:
        """Insert one lesion near a position, or return None where there is no place for it.

        Parameters
        ----------
        shape : Shape
            The lesion.
        number : int
            Its number in the bank.
        position_mm : (3,) float64
            Where its middle is wanted, in mm along the axes of the target's RAS grid.

        Returns
        -------
        InsertedLesion or None
        """
        mirror = bool(self._rng.random() < _MIRRORED_FRACTION)
        if mirror:
            position_mm = position_mm * [-1, 1, 1] + [2 * self._target.frame.middle_mm[0], 0, 0]
        spacing_mm = self._target.flair.spacing_mm
        rendered = render(shape, spacing_mm, self._target.slice_mm, mirror, self._rng)
        corner = position_mm / spacing_mm - rendered.centre
        found = find_place(self._target, self._taken, rendered.fraction, corner, self._rng)
        if found is None:
            return None
        box, fraction = found
        voxel_mm3 = self._target.flair.voxel_volume_mm3
        volume_mm3 = float(fraction.sum()) * voxel_mm3
        truth_mm3 = np.count_nonzero(fraction >= MASK_LEVEL) * voxel_mm3
        look = self._look.draw_lesion(volume_mm3, self._rng)
        painted = paint(
            self._target, self._data, box, fraction, look, self._rng, overlap=self._overlap
        )
        self._fraction[box] = np.maximum(self._fraction[box], fraction)
        if not self._overlap:
            grown = dilate(np.pad(fraction >= MASK_LEVEL, 1))
            around, part = with_margin(box, self._data.shape, (1, 1, 1))
            self._taken[around] |= grown[part]
        i, j, k = [(side.start + side.stop - 1) // 2 for side in box]
        return InsertedLesion(number, (i, j, k), volume_mm3, truth_mm3, painted.contrast)


def find_place(
    target: TargetScan,
    taken: NDArray[np.bool_],
    fraction: NDArray[np.float32],
    corner: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[Box, NDArray[np.float32]] | None:
    """Try a lesion's own place, then ever farther ones; cut off what would lie in fluid.

    Parameters
    ----------
    target : TargetScan
        What is known of the scan.
    taken : (I, J, K) bool
        Where no lesion may be put.
    fraction : (A, B, C) float32 in [0, 1]
        Share of each voxel that is lesion.
    corner : (3,) float64
        Where its first voxel is wanted, in voxels of the target's RAS grid.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    (Box, (A, B, C) float32) or None
        Its place, and what of it is left there; None where there is no place for it.
    """
    total, shape = float(fraction.sum()), np.asarray(taken.shape)
    white = target.white
    for attempt in range(_TRIES_PER_SHAPE):
        wander = rng.normal(0, 1, 3) * _WANDER_MM / 2 * attempt / (_TRIES_PER_SHAPE - 1)
        start = np.rint(corner + wander / target.flair.spacing_mm).astype(int)
        if (start < 0).any() or (start + fraction.shape > shape).any():
            continue
        box = box_at(start, fraction.shape)
        if float(fraction[white.margin[box]].sum()) < _IN_MARGIN_FRACTION * total:
            continue
        if float(fraction[white.mask[box]].sum()) < _IN_WHITE_FRACTION * total:
            continue
        kept = fraction * white.allowed_tissue[box]
        if not (kept >= MASK_LEVEL).any() or ((kept > 0) & taken[box]).any():
            continue
        return box, kept
    return None
