"""A brain with balls for lesions, scanned on any grid, in any position."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.tracking import Visit
from fsh_core.volume.volume import Volume

Ball = tuple[tuple[float, float, float], float]
"""Centre in the patient (R, A, S, mm), and radius in mm."""

_PARTS: tuple[tuple[tuple[float, float, float], float, float], ...] = (
    ((-12, 5, 8), 14, 40),  # fluid
    ((14, 12, 4), 10, 40),
    ((5, -50, -20), 12, 60),
    ((25, -30, 20), 9, 115),  # grey matter
    ((-30, 30, -15), 12, 115),
    ((-45, 0, 15), 8, 85),
    ((45, -5, -12), 9, 120),
)

ISOTROPIC = np.diag([1.0, 1.0, 1.0, 1.0])
ISOTROPIC[:3, 3] = -72, -88, -58
THICK = np.diag([-1.0, -1.0, 3.0, 1.0])
THICK[:3, 3] = 72, 88, -58


def make_visit(
    name: str,
    lesions: Sequence[Ball],
    *,
    affine: NDArray[np.float64] = ISOTROPIC,
    moved: NDArray[np.float64] | None = None,
    seed: int = 0,
    gain: float = 1.0,
    labelled: Sequence[Ball] | None = None,
    with_probability: bool = True,
    is_reviewed: bool = False,
) -> Visit:
    """Scan the phantom; ``labelled`` is what was segmented, if not the lesions that it has."""
    extent = np.array([145, 177, 117])
    shape = tuple(int(size) for size in extent / np.linalg.norm(affine[:3, :3], axis=0))
    grid = np.stack([*np.indices(shape).astype(float), np.ones(shape)], axis=-1)
    to_patient = np.linalg.inv(moved if moved is not None else np.eye(4)) @ affine
    r, a, s, _ = np.moveaxis(grid @ to_patient.T, -1, 0)
    brain = (r / 66) ** 2 + (a / 80) ** 2 + (s / 50) ** 2 < 1
    data = 100.0 * brain
    for (at_r, at_a, at_s), radius, grey in _PARTS:
        data[(r - at_r) ** 2 + (a - at_a) ** 2 + (s - at_s) ** 2 < radius**2] = grey
    places = np.stack([r, a, s], axis=-1)
    for centre, radius in lesions:
        data[_ball(places, centre, radius)] = 150
    noise = np.random.default_rng(seed).normal(0, 2, shape)
    data = gain * (ndimage.gaussian_filter(data, 0.5) + noise) * brain
    mask = np.zeros(shape, dtype=bool)
    for centre, radius in lesions if labelled is None else labelled:
        mask |= _ball(places, centre, radius)
    labels, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    probability = None
    if with_probability:  # of every lesion there is, segmented or not
        there = np.zeros(shape, dtype=bool)
        for centre, radius in lesions:
            there |= _ball(places, centre, radius + 1)
        probability = np.where(mask, 0.9, np.where(there, 0.3, 0.0)).astype(np.float32)
    return Visit(
        name,
        Volume(data.astype(np.float32), affine),
        labels.astype(np.int32),
        brain,
        probability,
        is_reviewed,
    )


def _ball(
    places: NDArray[np.float64], centre: tuple[float, float, float], radius: float
) -> NDArray[np.bool_]:
    return np.asarray(((places - np.asarray(centre)) ** 2).sum(axis=-1) < radius**2)


def turned(degrees: float, shift_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Turn about S, then shift."""
    angle = np.radians(degrees)
    moved = np.eye(4)
    moved[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    moved[:3, 3] = shift_mm
    return moved
