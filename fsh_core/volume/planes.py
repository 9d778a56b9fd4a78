"""The three anatomical planes, and which way round each is shown.

Radiological display convention: the patient is seen from the feet and faces the reader, so the
patient's right is on the left of the picture. In the neurological one it is on the right. In
sagittal pictures the face is on the left in both.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONVENTIONS = ("radiological", "neurological")
"""On which side of the picture the patient's right is: on the left, on the right."""

_R_AXIS = 0


@dataclass(frozen=True)
class Plane:
    """One of the three ways to cut a RAS volume.

    Attributes
    ----------
    name : str
        What radiologists call it.
    through, across, up : int
        The axes of the RAS volume along the line of sight, from right to left in the
        radiological picture, and upwards.
    """

    name: str
    through: int
    across: int
    up: int

    @property
    def coordinate(self) -> str:
        """Name of the world coordinate that is the same all over a slice."""
        return "xyz"[self.through]

    def is_mirrored(self, convention: str) -> bool:
        """Whether left and right are swapped against the radiological picture.

        Raises
        ------
        ValueError
            If it is none of `CONVENTIONS`.
        """
        if convention not in CONVENTIONS:
            raise ValueError(f"convention must be one of {CONVENTIONS}, got {convention!r}")
        return convention == "neurological" and self.across == _R_AXIS

    def letters(self, convention: str = "radiological") -> tuple[str, str, str, str]:
        """Anatomical directions of the left, right, lower and upper edge."""
        left, right = "RAS"[self.across], "LPI"[self.across]
        if self.is_mirrored(convention):
            left, right = right, left
        return left, right, "LPI"[self.up], "RAS"[self.up]

    def cut(self, data: NDArray[Any], index: int) -> NDArray[Any]:
        """Take a slice of a RAS volume, as the radiological picture shows it.

        Parameters
        ----------
        data : (I, J, K) array
            Axes towards R, A and S.
        index : int
            Which slice.

        Returns
        -------
        (up, across) array
            The first row is the lowest, the first column the leftmost.
        """
        return np.asarray(np.take(data, index, axis=self.through).T[:, ::-1])


AXIAL = Plane("Axial", through=2, across=0, up=1)
CORONAL = Plane("Coronal", through=1, across=0, up=2)
SAGITTAL = Plane("Sagittal", through=0, across=1, up=2)
PLANES = (AXIAL, CORONAL, SAGITTAL)
