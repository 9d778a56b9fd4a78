"""Inserting lesions into the voxels of a target scan, one after the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.render import render
from fsh_core.simulation.shape_bank import LesionShapeBank, Shape
from fsh_core.simulation.target import CONTRAST_SCALE_RANGE, TargetScan, contrast_growth
from fsh_core.volume.boxes import Box, box_at, first_voxel, voxels_across, widen
from fsh_core.volume.components import dilate
from fsh_core.volume.volume import MASK_LEVEL

CONTRAST_RANGE = (0.12, 0.9)
"""Mean brightness of a lesion above the white matter around: least and most.

In units of white matter.
Fluid or grey matter within a lesion's outline may move a single lesion out of it.
"""

# How these were measured on real lesions is in docs/simulation.md.
_CONTRAST_SCALE_MEDIAN = 0.38  # over scanners, of the contrast of a lesion of 120 mm3
_CONTRAST_SCALE_SPREAD = 0.25  # over scanners, of its logarithm
_LESION_SPREAD = 0.2  # between lesions of one scan, of the logarithm
_FAINT_FRACTION, _FAINT_SCALE = 0.15, (0.45, 0.7)  # how many lesions are faint, and how faint
_SATURATED_FRACTION, _SATURATED_SCALE = 0.15, 1.25  # how many are bright and flat, and how bright
_UNEVENNESS = (0.08, 0.2)  # of a lesion's brightness: standard deviation over its mean
_SATURATED_UNEVENNESS = 0.03
_LARGEST_PEAK = 1.5
_EDGE_MM = (0.35, 0.8)  # standard deviation of the blur of a lesion's edge, from scan to scan
_EDGE_SPREAD = 0.15  # between lesions of one scan, of the logarithm
_RISE_FRACTION = 0.3  # how much dimmer than its core a lesion is at its edge
_RISE_MM = 2.0  # how deep that goes
_SMOOTH_MM = 1.2  # what is finer is noise of the target, and stays
_TEXTURE_MM = 1.5
_MOST_TEXTURE = 2.0  # standard deviations
_BLUR_MARGIN_MM = 3.0  # around a lesion: its blurred edge and the smoothing go no further
_GAUSSIAN_TRUNCATE = 3.0  # standard deviations
_LEAST_ALPHA = 0.02  # a smaller share of lesion changes nothing that could be seen
_FLUID, _TISSUE = 0.35, 0.7  # of white matter: a lesion fades out between the two
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
        self._spacing = target.flair.spacing_mm
        # Drawn even where the target's own is known, so that the numbers after it stay the same.
        contrast_scale = _CONTRAST_SCALE_MEDIAN * np.exp(rng.normal(0, _CONTRAST_SCALE_SPREAD))
        self._contrast_scale = target.contrast_scale or float(
            np.clip(contrast_scale, *CONTRAST_SCALE_RANGE)
        )
        self._edge_mm = float(rng.uniform(*_EDGE_MM))
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
        rendered = render(shape, self._spacing, self._target.slice_mm, mirror, self._rng)
        found = self._find_place(rendered.fraction, position_mm / self._spacing - rendered.centre)
        if found is None:
            return None
        box, fraction = found
        voxel_mm3 = self._target.flair.voxel_volume_mm3
        volume_mm3 = float(fraction.sum()) * voxel_mm3
        truth_mm3 = np.count_nonzero(fraction >= MASK_LEVEL) * voxel_mm3
        contrast = self._paint(box, fraction, *self._draw_contrast(volume_mm3))
        self._fraction[box] = np.maximum(self._fraction[box], fraction)
        if not self._overlap:
            grown = dilate(np.pad(fraction >= MASK_LEVEL, 1))
            around, part = _shifted(box, self._data.shape, (1, 1, 1))
            self._taken[around] |= grown[part]
        i, j, k = [(side.start + side.stop - 1) // 2 for side in box]
        return InsertedLesion(number, (i, j, k), volume_mm3, truth_mm3, contrast)

    def _find_place(
        self, fraction: NDArray[np.float32], corner: NDArray[np.float64]
    ) -> tuple[Box, NDArray[np.float32]] | None:
        """Try the lesion's own place, then ever farther ones; cut off what would lie in fluid."""
        total, shape = float(fraction.sum()), np.asarray(self._data.shape)
        for attempt in range(_TRIES_PER_SHAPE):
            wander = self._rng.normal(0, 1, 3) * _WANDER_MM / 2 * attempt / (_TRIES_PER_SHAPE - 1)
            start = np.rint(corner + wander / self._spacing).astype(int)
            if (start < 0).any() or (start + fraction.shape > shape).any():
                continue
            box = box_at(start, fraction.shape)
            white = self._target.white
            if float(fraction[white.margin[box]].sum()) < _IN_MARGIN_FRACTION * total:
                continue
            if float(fraction[white.mask[box]].sum()) < _IN_WHITE_FRACTION * total:
                continue
            kept = fraction * white.allowed_tissue[box]
            if not (kept >= MASK_LEVEL).any() or ((kept > 0) & self._taken[box]).any():
                continue
            return box, kept
        return None

    def _draw_contrast(self, volume_mm3: float) -> tuple[float, float]:
        """Draw a lesion's mean contrast, and how uneven it is; small lesions are fainter."""
        contrast = (
            self._contrast_scale
            * float(contrast_growth(volume_mm3))
            * np.exp(self._rng.normal(0, _LESION_SPREAD))
        )
        kind, uneven = self._rng.random(), self._rng.uniform(*_UNEVENNESS)
        if kind < _FAINT_FRACTION:
            contrast *= self._rng.uniform(*_FAINT_SCALE)
        elif kind > 1 - _SATURATED_FRACTION:
            contrast, uneven = contrast * _SATURATED_SCALE, _SATURATED_UNEVENNESS
        return float(np.clip(contrast, *CONTRAST_RANGE)), float(uneven)

    def _paint(
        self, box: Box, fraction: NDArray[np.float32], contrast: float, uneven: float
    ) -> float:
        """Turn white matter into lesion, keeping noise and dark fluid; return the mean contrast."""
        margin = voxels_across(_BLUR_MARGIN_MM, self._spacing)
        around, part = _shifted(box, self._data.shape, margin)
        padded = np.pad(fraction, [(size, size) for size in margin])[part]
        scan, level = self._data[around], self._target.white.level[around]
        edge_mm = self._edge_mm * float(np.exp(self._rng.normal(0, _EDGE_SPREAD)))
        alpha = ndimage.gaussian_filter(
            padded, [edge_mm / size for size in self._spacing], truncate=_GAUSSIAN_TRUNCATE
        )
        smooth = ndimage.gaussian_filter(
            scan, [_SMOOTH_MM / size for size in self._spacing], truncate=_GAUSSIAN_TRUNCATE
        )
        profile = self._profile(padded, uneven)
        truth = padded >= MASK_LEVEL
        peak = min(_LARGEST_PEAK, contrast / float((alpha * profile)[truth].mean()))
        tissue = np.clip((scan / level - _FLUID) / (_TISSUE - _FLUID), 0, 1)
        alpha = np.where(alpha < _LEAST_ALPHA, 0, alpha) * tissue
        if not self._overlap:
            alpha = np.where(self._target.lesions[around], 0, alpha)
        # The difference to the smoothed scan: what is finer, the scan's noise, stays as it is.
        self._data[around] = scan + alpha * np.maximum(level * (1 + peak * profile) - smooth, 0)
        return peak * float((alpha * profile)[truth].mean())

    def _profile(self, fraction: NDArray[np.float32], uneven: float) -> NDArray[np.float32]:
        """Brightness within a lesion: rising from the edge to the core, and uneven."""
        depth_mm = ndimage.distance_transform_edt(fraction >= MASK_LEVEL, sampling=self._spacing)
        noise = self._rng.standard_normal(fraction.shape, dtype=np.float32)
        texture = ndimage.gaussian_filter(noise, [_TEXTURE_MM / size for size in self._spacing])
        texture /= max(float(texture.std()), 1e-6)
        rise = 1 - _RISE_FRACTION * np.exp(-depth_mm / _RISE_MM)
        return np.asarray(
            rise * (1 + uneven * np.clip(texture, -_MOST_TEXTURE, _MOST_TEXTURE)), dtype=np.float32
        )


def _shifted(
    box: Box, shape: tuple[int, ...], margin_voxels: tuple[int, int, int]
) -> tuple[Box, Box]:
    """Widen a box; return it, and the same part of the box's content padded by the margin."""
    around = widen(box, margin_voxels, shape)
    padded_first = first_voxel(box) - margin_voxels
    part = box_at(first_voxel(around) - padded_first, [side.stop - side.start for side in around])
    return around, part
