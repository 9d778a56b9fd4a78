"""The range of a brush: outside of it, in scan or probability, nothing is changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.review.correct import Surroundings

INTENSITY, PROBABILITY = "intensity", "probability"
LEAST_PROBABILITY = 0.1
"""Where the range of probabilities begins, unless the reader says otherwise."""


@dataclass(frozen=True)
class BrushRange:
    """Where a brush or an eraser works.

    Attributes
    ----------
    source : str
        `INTENSITY` or `PROBABILITY`.
    low, high : float
        The range, with both ends; in the units of the scan, or from 0 to 1.
    """

    source: str
    low: float
    high: float

    def holds(self, voxels: NDArray[np.int64], around: Surroundings) -> NDArray[np.bool_]:
        """Tell which voxels may be changed.

        Parameters
        ----------
        voxels : (N,) int64
            Flat indices (C order).
        around : Surroundings
            The scan.

        Returns
        -------
        (N,) bool
            All, where intensities are asked for and there is no scan.
        """
        values = around.probability if self.source == PROBABILITY else around.intensity
        if values is None:
            return np.ones(voxels.shape, dtype=bool)
        found = values[np.unravel_index(voxels, values.shape)]
        return np.asarray((found >= self.low) & (found <= self.high))

    @property
    def tool(self) -> str:
        """What the journal calls a stroke of this brush."""
        return f"paint within {self.source} {self.low:g} to {self.high:g}"


def suggested_ranges(around: Surroundings) -> dict[str, BrushRange]:
    """Suggest ranges to paint lesions in, by what they are of.

    Probabilities from `LEAST_PROBABILITY`; intensities from half-way between the medians of brain
    and lesions, or all where there is neither. Without a scan there is none of intensities.
    """
    ranges = {PROBABILITY: BrushRange(PROBABILITY, LEAST_PROBABILITY, 1.0)}
    if around.intensity is not None:
        lesions, low = around.labels > 0, float(around.intensity.min())
        if lesions.any() and around.brain.any():
            medians = [np.median(around.intensity[part]) for part in (around.brain, lesions)]
            low = float(np.mean(medians))
        ranges[INTENSITY] = BrushRange(INTENSITY, low, float(around.intensity.max()))
    return ranges
