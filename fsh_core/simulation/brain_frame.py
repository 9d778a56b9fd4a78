"""The brain's own coordinates, in which the place of a lesion is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.volume.boxes import bounding_box


@dataclass(frozen=True)
class BrainFrame:
    """Where the brain lies, in mm along the axes of a RAS grid.

    The brain's lower end depends on how much of the neck was scanned, so height is
    measured from the top, in units of width and length.

    Attributes
    ----------
    middle_mm : (3,) float64
        Middle between right and left, middle between front and back, and the top.
    size_mm : (3,) float64
        Width, length, and their mean.
    """

    middle_mm: NDArray[np.float64]
    size_mm: NDArray[np.float64]

    @classmethod
    def of_box(cls, low_mm: Sequence[float], high_mm: Sequence[float]) -> "BrainFrame":
        """Make it from the box around a brain: its lowest and highest R, A and S."""
        low, high = np.asarray(low_mm, dtype=np.float64), np.asarray(high_mm, dtype=np.float64)
        width, length = float(high[0] - low[0]), float(high[1] - low[1])
        middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2]])
        return cls(middle, np.array([width, length, (width + length) / 2]))

    @classmethod
    def of_mask(cls, brain: NDArray[np.bool_], spacing_mm: Sequence[float]) -> "BrainFrame":
        """Make it from a brain mask on a RAS grid; mm count from the centre of the first voxel.

        Parameters
        ----------
        brain : (I, J, K) bool
            Not empty.
        spacing_mm : three floats
            Voxel size.

        Raises
        ------
        ValueError
            If the mask is empty.
        """
        if not brain.any():
            raise ValueError("a brain's frame needs a brain, the mask is empty")
        box = bounding_box(brain)
        # A voxel reaches half of its size beyond its centre.
        low = [(side.start - 0.5) * size for side, size in zip(box, spacing_mm, strict=True)]
        high = [(side.stop - 0.5) * size for side, size in zip(box, spacing_mm, strict=True)]
        return cls.of_box(low, high)

    def place_of(self, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn mm into fractions of the brain's size.

        Parameters
        ----------
        position_mm : (..., 3) float64
            Along the axes of the RAS grid.

        Returns
        -------
        (..., 3) float64
            0 is the middle between the sides, and the top.
        """
        return (position_mm - self.middle_mm) / self.size_mm

    def position_mm(self, place: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Turn fractions of the brain's size into mm: the inverse of `place_of`.

        Parameters
        ----------
        place : (..., 3) float
            In units of the brain's size.

        Returns
        -------
        (..., 3) float64
            Along the axes of the RAS grid, in mm.
        """
        return np.asarray(self.middle_mm + place * self.size_mm, dtype=np.float64)


LJUBLJANA_FRAME = BrainFrame.of_box((-65.0, -98.0, -55.0), (65.0, 57.0, 68.0))
"""The brain of a Ljubljana patient: mean of the two patients (07, 19) whose scans are at hand.

The cohort was moved rigidly into the MNI frame: brains kept their size.
"""
