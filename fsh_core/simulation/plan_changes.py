"""Lesions that change between two visits: their shapes before and after, and their places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.simulation.followup_config import FollowUpConfig
from fsh_core.simulation.insert import find_place
from fsh_core.simulation.paint import with_margin
from fsh_core.simulation.render import Rendered, render
from fsh_core.simulation.shape_bank import LesionShapeBank, Shape
from fsh_core.simulation.target import TargetScan
from fsh_core.volume.boxes import Box, box_at, voxels_across
from fsh_core.volume.components import equivalent_diameter_mm, label_components
from fsh_core.volume.volume import MASK_LEVEL

DIAMETERS_MM = {
    "2-3": (2.0, 3.0),
    "3-5": (3.0, 5.0),
    "5-8": (5.0, 8.0),
    "above 8": (8.0, 14.0),
}
"""Equivalent diameters that lesions are drawn from, each bin as often as every other."""

_CLEARANCE_MM = 3.0  # between planted lesions, and from the scan's own: they stay apart
_GAP_MM = 3.0  # between the two parts of a lesion that merges or splits
_LEAST_PART_MM3 = 14.0  # a part of 3 mm in equivalent diameter
_LARGEST_SCALE = 1.6  # the most by which a shape of the bank is scaled in diameter
_GROWTH_TOLERANCE = 0.95
_TRIES = 60
_MIRRORED_FRACTION = 0.5
_ONE_VISIT = {"new": (False, True), "resolved": (True, False)}  # whether it is there
_LEAST_KEPT = 0.9  # of a smaller shape that must lie within the larger one around it


@dataclass(frozen=True)
class PlannedLesion:
    """One planted lesion at both visits.

    Attributes
    ----------
    kind : str
        ``new``, ``enlarging``, ``shrinking``, ``resolved``, ``merged``, ``split`` or ``stable``.
    box : Box
        Where it lies, in voxels of the scan's RAS grid.
    before, after : tuple of (A, B, C) float32 in [0, 1]
        Share of each voxel of the box that is lesion, one array for each part; none where
        there is no lesion at that visit.
    """

    kind: str
    box: Box
    before: tuple[NDArray[np.float32], ...]
    after: tuple[NDArray[np.float32], ...]

    @property
    def larger(self) -> NDArray[np.float32]:
        """The lesion at the visit at which it is larger, (A, B, C) float32."""
        wholes = [sum(parts) for parts in (self.before, self.after) if parts]
        return np.asarray(max(wholes, key=np.sum), dtype=np.float32)


@dataclass
class ChangePlanner:
    """Finds shapes and places for lesions that change.

    Attributes
    ----------
    target : TargetScan
        What is known of the scan.
    bank : LesionShapeBank
        Where shapes and places come from.
    config : FollowUpConfig
        How many of each kind.
    rng : Generator
        Where chance comes from.
    """

    target: TargetScan
    bank: LesionShapeBank
    config: FollowUpConfig
    rng: np.random.Generator
    _taken: NDArray[np.bool_] = field(init=False)
    _diameters_mm: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the scan's own lesions clear, and measure the bank's."""
        self._taken = _grown(self.target.lesions, self.target.flair.spacing_mm)
        self._diameters_mm = np.array(
            [equivalent_diameter_mm(shape.volume_mm3) for shape in self.bank]
        )

    def plan(self) -> list[PlannedLesion]:
        """Plan all lesions.

        Returns
        -------
        list of PlannedLesion
            Fewer of a kind than wanted where there is no place for more.
        """
        config, largest_first = self.config, list(DIAMETERS_MM)[::-1]
        # A lesion of less than 3 mm cannot be followed to half of its volume.
        followed = largest_first[:-1]
        wanted = [
            *_spread("merged", config.merged, largest_first[:1]),
            *_spread("split", config.split, largest_first[:1]),
            *_spread("enlarging", config.enlarging, followed),
            *_spread("shrinking", config.shrinking, followed),
            *_spread("new", config.new, largest_first),
            *_spread("resolved", config.resolved, largest_first),
            *_spread("stable", config.unchanged, largest_first),
        ]
        planned = [self._plan_one(kind, size) for kind, size in wanted]
        return [lesion for lesion in planned if lesion is not None]

    def _plan_one(self, kind: str, size: str) -> PlannedLesion | None:
        """Try shapes until one of the right size has a place, and keep that place clear."""
        low_mm, high_mm = DIAMETERS_MM[size]
        spacing_mm = self.target.flair.spacing_mm
        margin = voxels_across(_CLEARANCE_MM, spacing_mm)
        for _ in range(_TRIES):
            placed = self._place(kind, self._draw_shape(low_mm, high_mm))
            if placed is None:
                continue
            volume_mm3 = float(placed.larger.sum()) * self.target.flair.voxel_volume_mm3
            if not low_mm <= equivalent_diameter_mm(volume_mm3) < high_mm:
                continue
            around, part = with_margin(placed.box, self._taken.shape, margin)
            padded = np.pad(placed.larger > 0, [(voxels, voxels) for voxels in margin])
            self._taken[around] |= _grown(padded, spacing_mm)[part]
            return placed
        return None

    def _draw_shape(self, low_mm: float, high_mm: float) -> Shape:
        """Draw a shape, every patient as likely as every other, and scale it to a diameter."""
        wanted_mm = self.rng.uniform(low_mm, high_mm)
        scales = wanted_mm / self._diameters_mm
        alike = np.flatnonzero(np.abs(np.log(scales)) < np.log(_LARGEST_SCALE))
        if not alike.size:  # a small bank of the user's own
            alike = np.arange(len(self.bank))
        patient = self.rng.choice(np.unique(self.bank.patients[alike]))
        number = int(self.rng.choice(alike[self.bank.patients[alike] == patient]))
        return _scaled(self.bank[number], float(scales[number]))

    def _place(self, kind: str, shape: Shape) -> PlannedLesion | None:
        """Find a place for a lesion, and what it is at both visits; None where that fails."""
        target = self.target
        position_mm = target.frame.position_mm(shape.place)
        mirror = bool(self.rng.random() < _MIRRORED_FRACTION)
        if mirror:
            position_mm = position_mm * [-1, 1, 1] + [2 * target.frame.middle_mm[0], 0, 0]
        seed = int(self.rng.integers(2**32))
        large = self._rendered(shape, mirror, seed)
        corner = position_mm / target.flair.spacing_mm - large.centre
        found = find_place(target, self._taken, large.fraction, corner, self.rng)
        if found is None:
            return None
        box, whole = found
        if kind in _ONE_VISIT or kind == "stable":
            states = _ONE_VISIT.get(kind, (True, True))
            before, after = [(whole,) if there else () for there in states]
            return PlannedLesion(kind, box, before, after)
        if kind in ("merged", "split"):
            parts = _cut(whole, target.flair.spacing_mm)
        else:
            parts = self._smaller(shape, mirror, seed, large, whole)
        if not parts:
            return None
        if kind in ("merged", "enlarging"):
            return PlannedLesion(kind, box, parts, (whole,))
        return PlannedLesion(kind, box, (whole,), parts)

    def _rendered(self, shape: Shape, mirror: bool, seed: int) -> Rendered:
        return render(
            shape,
            self.target.flair.spacing_mm,
            self.target.slice_mm,
            mirror,
            np.random.default_rng(seed),
        )

    def _smaller(
        self,
        shape: Shape,
        mirror: bool,
        seed: int,
        large: Rendered,
        whole: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], ...]:
        """Return the same lesion with less volume inside the larger; empty where that fails.

        The same seed turns and bends both alike; they share their middle.
        """
        logs = np.log((self.config.least_growth, self.config.most_growth))
        ratio = float(np.exp(self.rng.uniform(*logs)))
        small = self._rendered(_scaled(shape, ratio ** (-1 / 3)), mirror, seed)
        place = box_at(np.rint(large.centre - small.centre).astype(int), small.fraction.shape)
        fraction = np.zeros_like(whole)
        fraction[place] = small.fraction
        fraction = np.minimum(fraction, whole)
        kept = float(fraction.sum()) / float(small.fraction.sum())
        # Thick slices stretch small shapes, which then grow by less than was drawn.
        grown = float(whole.sum()) / max(float(fraction.sum()), np.finfo(float).tiny)
        grows_enough = grown > _GROWTH_TOLERANCE * self.config.least_growth
        if kept < _LEAST_KEPT or not grows_enough or fraction.max() < MASK_LEVEL:
            return ()
        return (fraction,)


def _spread(kind: str, count: int, sizes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give every lesion of a kind a size, each size in turn."""
    return ((kind, sizes[number % len(sizes)]) for number in range(count))


def _scaled(shape: Shape, factor: float) -> Shape:
    """Return a shape with larger or smaller voxels."""
    x, y, z = [size * factor for size in shape.spacing_mm]
    return replace(shape, spacing_mm=(x, y, z))


def _cut(
    whole: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], ...]:
    """Cut a lesion across its longest axis, with a gap; empty where a part is too small.

    Where slices are thick the gap lies within them: between two of them it could not be seen.
    """
    inside = whole >= MASK_LEVEL
    fine = [axis for axis in range(3) if spacing_mm[axis] <= _GAP_MM / 2] or [0, 1, 2]
    middles = np.array(ndimage.center_of_mass(inside))
    spans_mm = [np.ptp(np.nonzero(inside)[axis]) * spacing_mm[axis] for axis in fine]
    axis = fine[int(np.argmax(spans_mm))]
    half = max(1, round(_GAP_MM / 2 / spacing_mm[axis]))
    middle = round(middles[axis])
    parts = []
    for side in (slice(0, max(0, middle - half)), slice(middle + half, whole.shape[axis])):
        index = tuple(side if other == axis else slice(None) for other in range(3))
        part = np.zeros_like(whole)
        part[index] = whole[index]
        volume_mm3 = float(part.sum()) * float(np.prod(spacing_mm))
        if volume_mm3 < _LEAST_PART_MM3 or label_components(part >= MASK_LEVEL)[1] != 1:
            return ()
        parts.append(part)
    return tuple(parts)


def _grown(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Return a mask and what lies within the clearance of it."""
    if not mask.any():
        return mask.copy()
    distance_mm = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    return np.asarray(distance_mm <= _CLEARANCE_MM)
