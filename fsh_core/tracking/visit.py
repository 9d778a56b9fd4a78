"""One visit of a patient, as it is followed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.volume.volume import Volume


@dataclass(frozen=True)
class Visit:
    """One visit, on the grid (I, J, K) of its own scan.

    Attributes
    ----------
    name : str
        What it is called in tables and pictures.
    flair : Volume
        The FLAIR, (I, J, K) float32, with air at 0.
    labels : (I, J, K) int
        Its lesions as they were found in this visit alone; 0 = background.
    brain : (I, J, K) bool
        Where the brain is.
    probability : (I, J, K) float32 in [0, 1] or None
        Lesion probability; without it no lesion below the threshold is looked for.
    is_reviewed : bool
        A reader corrected the lesions: what they do not hold, the reader did not want.
    """

    name: str
    flair: Volume
    labels: NDArray[np.integer]
    brain: NDArray[np.bool_]
    probability: NDArray[np.float32] | None = None
    is_reviewed: bool = False

    def __post_init__(self) -> None:
        """Check the shapes."""
        maps = {"labels": self.labels, "brain": self.brain, "probability": self.probability}
        for name, data in maps.items():
            if data is not None and data.shape != self.flair.shape:
                raise ValueError(
                    f"{name} must have the shape of the FLAIR {self.flair.shape}, got {data.shape}"
                )
