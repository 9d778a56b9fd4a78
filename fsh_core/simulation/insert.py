"""Setting one lesion after the other into the voxels of a target."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.render import render
from fsh_core.simulation.shape_bank import LesionShapeBank, Shape
from fsh_core.simulation.target import CONTRAST_SCALE_RANGE, TargetScan, contrast_growth
from fsh_core.volume.boxes import Box, voxels_across, widen
from fsh_core.volume.components import dilate

CONTRAST_RANGE = (0.12, 0.9)
"""Mean brightness of a lesion above the white matter around, in units of white matter: least and most.

Fluid or grey matter within a lesion's outline may move a single lesion out of it.
"""

_CONTRAST_SCALE = (
    0.38,
    0.25,
)  # median over scanners of the contrast of a lesion of 120 mm3, and its spread (of the logarithm)
_SCATTER = 0.2  # between lesions of one scan, of the logarithm
_LARGEST_PEAK = 1.5
_EDGE_MM = (0.35, 0.8)  # blur of a lesion's edge
_RISE_FRACTION, _RISE_MM = (
    0.3,
    2.0,
)  # how much dimmer than its core a lesion is at the edge, and how deep that goes
_FAINT_FRACTION, _SATURATED_FRACTION = 0.15, 0.15
_TRIES_PER_LESION = 6
_TRIES_PER_SHAPE = 12
_WANDER_MM = 9.0  # how far from its place a lesion may go to find white matter
_IN_WHITE_FRACTION, _IN_REACH_FRACTION = (
    0.5,
    0.88,
)  # of a lesion; what is near the ventricles is hard to tell
_SMOOTH_MM = 1.2  # what is finer is noise, and stays
_TEXTURE_MM = 1.5
_BLUR_MARGIN_MM = 3.0  # around a lesion: its blurred edge and the smoothing reach no further
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
    """Sets lesions into voxels, one after the other.

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
        self._host, self._data, self._fraction, self._rng, self._overlap = (
            target,
            data,
            fraction,
            rng,
            overlap,
        )
        self._spacing = target.flair.spacing_mm
        contrast_scale = _CONTRAST_SCALE[0] * np.exp(rng.normal(0, _CONTRAST_SCALE[1]))
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
        """Set lesions drawn from a bank, or from ``among`` its numbers, every patient as likely as every other."""
        among = np.arange(len(bank)) if among is None else among
        of_patient = bank.patients[among]
        patients = np.bincount(of_patient)[of_patient].astype(np.float64)
        wanted_mm3 = np.inf if burden_ml is None else 1000 * burden_ml
        placed: list[InsertedLesion] = []
        done_mm3, tries = 0.0, 0
        limit = _TRIES_PER_LESION * (count if count is not None else len(among))
        order = self._rng.choice(
            among, len(among), replace=False, p=(1 / patients) / (1 / patients).sum()
        )
        while tries < limit and (
            len(placed) < count if count is not None else done_mm3 < wanted_mm3
        ):
            number = int(order[tries % len(order)])
            tries += 1
            shape = bank[number]
            if done_mm3 + shape.volume_mm3 > _BURDEN_TOLERANCE * wanted_mm3:
                continue
            lesion = self.plant_one(shape, number, self._host.frame.position_mm(shape.place))
            if lesion is not None:
                placed.append(lesion)
                done_mm3 += lesion.truth_mm3
        return placed

    def plant_one(
        self, shape: Shape, number: int, position_mm: NDArray[np.float64]
    ) -> InsertedLesion | None:
        """Set one lesion near a position, or return None where there is no place for it."""
        mirror = bool(self._rng.random() < 0.5)
        if mirror:
            position_mm = position_mm * [-1, 1, 1] + [2 * self._host.frame.middle_mm[0], 0, 0]
        rendered = render(shape, self._spacing, self._host.slice_mm, mirror, self._rng)
        found = self._find_place(rendered.fraction, position_mm / self._spacing - rendered.centre)
        if found is None:
            return None
        box, fraction = found
        voxel_mm3 = self._host.flair.voxel_volume_mm3
        volume_mm3, truth_mm3 = (
            float(fraction.sum()) * voxel_mm3,
            np.count_nonzero(fraction >= 0.5) * voxel_mm3,
        )
        contrast = self._paint(box, fraction, *self._draw_contrast(volume_mm3))
        self._fraction[box] = np.maximum(self._fraction[box], fraction)
        if not self._overlap:
            grown = dilate(np.pad(fraction >= 0.5, 1))
            around, part = _shifted(box, self._data.shape, (1, 1, 1))
            self._taken[around] |= grown[part]
        i, j, k = ((side.start + side.stop - 1) // 2 for side in box)
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
            i, j, k = (
                slice(int(low), int(low) + size)
                for low, size in zip(start, fraction.shape, strict=True)
            )
            white = self._host.white
            if float(fraction[white.margin[i, j, k]].sum()) < _IN_REACH_FRACTION * total:
                continue
            if float(fraction[white.mask[i, j, k]].sum()) < _IN_WHITE_FRACTION * total:
                continue
            kept = fraction * white.allowed_tissue[i, j, k]
            if not (kept >= 0.5).any() or ((kept > 0) & self._taken[i, j, k]).any():
                continue
            return (i, j, k), kept
        return None

    def _draw_contrast(self, volume_mm3: float) -> tuple[float, float]:
        """Draw a lesion's mean contrast, and how uneven it is; small lesions are fainter."""
        contrast = (
            self._contrast_scale
            * float(contrast_growth(volume_mm3))
            * np.exp(self._rng.normal(0, _SCATTER))
        )
        kind, uneven = self._rng.random(), self._rng.uniform(0.08, 0.2)
        if kind < _FAINT_FRACTION:
            contrast *= self._rng.uniform(0.45, 0.7)
        elif kind > 1 - _SATURATED_FRACTION:
            contrast, uneven = contrast * 1.25, 0.03
        return float(np.clip(contrast, *CONTRAST_RANGE)), float(uneven)

    def _paint(
        self, box: Box, fraction: NDArray[np.float32], contrast: float, uneven: float
    ) -> float:
        """Turn white matter into lesion, keeping the target's noise and dark fluid; return the mean contrast."""
        margin = voxels_across(_BLUR_MARGIN_MM, self._spacing)
        around, part = _shifted(box, self._data.shape, margin)
        padded = np.pad(fraction, [(size, size) for size in margin])[part]
        target, level = self._data[around], self._host.white.level[around]
        edge_mm = self._edge_mm * float(np.exp(self._rng.normal(0, 0.15)))
        alpha = ndimage.gaussian_filter(
            padded, [edge_mm / size for size in self._spacing], truncate=3.0
        )
        smooth = ndimage.gaussian_filter(
            target, [_SMOOTH_MM / size for size in self._spacing], truncate=3.0
        )
        profile = self._profile(padded, uneven)
        truth = padded >= 0.5
        peak = min(_LARGEST_PEAK, contrast / float((alpha * profile)[truth].mean()))
        tissue = np.clip((target / level - 0.35) / 0.35, 0, 1)
        alpha = np.where(alpha < 0.02, 0, alpha) * tissue
        if not self._overlap:
            alpha = np.where(self._host.lesions[around], 0, alpha)
        self._data[around] = target + alpha * np.maximum(level * (1 + peak * profile) - smooth, 0)
        return peak * float((alpha * profile)[truth].mean())

    def _profile(self, fraction: NDArray[np.float32], uneven: float) -> NDArray[np.float32]:
        """Brightness within a lesion: rising from the edge to the core, and uneven."""
        depth_mm = ndimage.distance_transform_edt(fraction >= 0.5, sampling=self._spacing)
        noise = self._rng.standard_normal(fraction.shape, dtype=np.float32)
        texture = ndimage.gaussian_filter(noise, [_TEXTURE_MM / size for size in self._spacing])
        texture /= max(float(texture.std()), 1e-6)
        rise = 1 - _RISE_FRACTION * np.exp(-depth_mm / _RISE_MM)
        return np.asarray(rise * (1 + uneven * np.clip(texture, -2, 2)), dtype=np.float32)


def _shifted(
    box: Box, shape: tuple[int, ...], margin_voxels: tuple[int, int, int]
) -> tuple[Box, Box]:
    """Widen a box; return it, and the same part of the box's content padded by the margin."""
    around = widen(box, margin_voxels, shape)
    i, j, k = (
        slice(outer.start - inner.start + margin, outer.stop - inner.start + margin)
        for outer, inner, margin in zip(around, box, margin_voxels, strict=True)
    )
    return around, (i, j, k)
