"""Settings of the tracker, each with its origin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackConfig:
    """What counts as a change.

    Attributes
    ----------
    minimum_diameter_mm : float
        A new or resolved lesion is at least so long (MSSEG-2 and MAGNIMS: 3 mm).
    minimum_change : float
        A lesion that grew or shrank by less is stable (30 %).
    linked_share : float
        Share of a lesion, grown by one voxel, that must lie on another to be the same one.
    difference_sd : float
        A voxel changed from so many robust standard deviations of unchanged tissue.
    confirmed_sd : float
        Mean difference, in the same unit, that a new or resolved lesion needs.
    rescued_sd : float
        Mean difference from which a change counts although no visit's own lesions hold it (of the
        simulated pairs that tune: 11 of 14 such changes were found with it, and no false one).
    lowest_probability : float
        Where the probability of both visits is below, nothing is looked for.
    """

    minimum_diameter_mm: float = 3.0
    minimum_change: float = 0.3
    linked_share: float = 0.1
    difference_sd: float = 3.0
    confirmed_sd: float = 2.0
    rescued_sd: float = 6.0
    lowest_probability: float = 0.15
