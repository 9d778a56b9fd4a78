"""Whether lesions were recognised again at the next visit."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.evaluation.overlap import Overlaps, measure_overlaps
from fsh_core.evaluation.ratio import ratio


@dataclass(frozen=True)
class IdentityMetrics:
    """How well lesions were recognised again at the next visit.

    A link joins a lesion of one visit with what it is at the next; a merged or split
    lesion has several.

    Attributes
    ----------
    links : int
        True links.
    seen : int
        Those of them whose lesions were both found by the segmentation.
    kept : int
        Those of the seen ones that are among the found links.
    kept_fraction : float in [0, 1]
        ``kept / seen``; NaN where none was seen.
    wrong : int
        Found links between lesions that overlap true ones, but none that are linked.
    """

    links: int
    seen: int
    kept: int
    kept_fraction: float
    wrong: int


Links = Collection[tuple[int, int]]
"""Pairs of numbers: a lesion at one visit, and what it is at the next."""


def identity_kept(
    reference: tuple[NDArray[np.int32], NDArray[np.int32]],
    reference_links: Links,
    found: tuple[NDArray[np.int32], NDArray[np.int32]],
    found_links: Links,
) -> IdentityMetrics:
    """Measure how many true links between two visits were found.

    Parameters
    ----------
    reference, found : two of (I, J, K) int
        True and found lesions of the first visit and of the second, each visit on its own
        grid.
    reference_links, found_links : collection of pairs of int
        Which lesion is which at the next visit.

    Returns
    -------
    IdentityMetrics
        A true link is kept if a found link joins a lesion that touches its one end with a
        lesion that touches its other.

    Raises
    ------
    ValueError
        If shapes differ, or if masks are given instead of labels.
    """
    before, after = (
        _touching(measure_overlaps(true, seen)) for true, seen in zip(reference, found, strict=True)
    )
    joined = set(found_links)
    seen = [link for link in reference_links if link[0] in before and link[1] in after]
    kept = [
        link
        for link in seen
        if any((one, other) in joined for one in before[link[0]] for other in after[link[1]])
    ]
    return IdentityMetrics(
        links=len(reference_links),
        seen=len(seen),
        kept=len(kept),
        kept_fraction=ratio(len(kept), len(seen)),
        wrong=_wrong(set(reference_links), joined, before, after),
    )


def _touching(overlaps: Overlaps) -> dict[int, set[int]]:
    """For each true lesion that was found, the found ones that touch it."""
    touching: dict[int, set[int]] = {}
    for pair in overlaps.pairs[["reference", "prediction"]].to_numpy().tolist():
        touching.setdefault(pair[0], set()).add(pair[1])
    return touching


def _wrong(
    reference_links: set[tuple[int, int]],
    found_links: set[tuple[int, int]],
    before: dict[int, set[int]],
    after: dict[int, set[int]],
) -> int:
    """Count found links that join what is known, but not what belongs together."""
    wrong = 0
    for one, other in found_links:
        firsts = [label for label, touching in before.items() if one in touching]
        seconds = [label for label, touching in after.items() if other in touching]
        known = bool(firsts) and bool(seconds)
        right = any((first, second) in reference_links for first in firsts for second in seconds)
        wrong += known and not right
    return wrong
