"""What happened to each lesion between two visits."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.tracking.columns import (
    BELOW_REPEATABILITY,
    NO_DIFFERENCE,
    ONLY_DIFFERENCE,
    TOO_SHORT,
)
from fsh_core.tracking.config import TrackConfig
from fsh_core.tracking.difference import Difference
from fsh_core.tracking.halfway import Halfway
from fsh_core.tracking.regions import ChangedPlaces, longest_mm
from fsh_core.tracking.repeatability import Repeatability
from fsh_core.volume.boxes import Box, label_boxes

_RIM_VOXELS = 4  # of the brain, where no lesion is taken from the difference alone
_FULL_SD = 6.0  # a mean difference at which nothing is left to doubt


@dataclass(frozen=True)
class Group:
    """Lesions of two visits that hang together; volumes in mm3, the largest diameter in mm."""

    number: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    volume_before_mm3: float
    volume_after_mm3: float
    longest_mm: float


@dataclass(frozen=True)
class _Evidence:
    """What the images say about a group, in the half-way space (volumes in mm3)."""

    gained_mm3: float
    lost_mm3: float
    seen_log_ratio: float  # of the volumes after and before, by the difference alone
    difference_sd: float
    centre_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Verdict:
    """A kind, what supports it, and how much."""

    kind: str
    size_change: str = ""
    evidence: str = ""
    confidence: float = 0.0
    reason: str = ""


def judge_groups(
    groups: list[Group],
    places: ChangedPlaces,
    halfway: Halfway,
    difference: Difference,
    repeatability: Repeatability,
    config: TrackConfig,
) -> list[dict[str, Any]]:
    """Say what happened to each group of lesions.

    The definitions are those of MSSEG-2 and MAGNIMS for new lesions; a lesion grew or shrank
    where its volume changed by more than ``config.minimum_change`` and by more than F.sh's own
    repeatability at that size. Two readings of the change are compared: the lesions that were
    segmented in each visit, and the voxels that differ between the scans. What only one of them
    sees is uncertain.

    Returns
    -------
    list of dict
        A row a group, with the columns of `CHANGE_COLUMNS` but for visits and track.
    """
    boxes = label_boxes(places.owner)
    rows = []
    for group in groups:
        evidence = _evidence(group.number, boxes[group.number], places, halfway, difference)
        limit = _limit(group, repeatability, config)
        verdict = _judge(group, evidence, limit, config)
        rows.append(_row(group, evidence, verdict, limit))
    return rows


def _evidence(
    number: int, box: Box, places: ChangedPlaces, halfway: Halfway, difference: Difference
) -> _Evidence:
    own = places.owner[box] == number
    before, after = places.before[box] & own, places.after[box] & own
    brighter, darker = places.brighter[box] & own, places.darker[box] & own
    lesion = before | after
    volume_mm3 = halfway.grid.voxel_volume_mm3
    whole = np.count_nonzero(own)
    now, then = (whole - np.count_nonzero(part) for part in (darker, brighter))
    centre = np.mean(np.argwhere(own), axis=0) + [side.start for side in box]
    world = halfway.to_second @ halfway.grid.affine @ [*centre, 1.0]
    return _Evidence(
        gained_mm3=np.count_nonzero(brighter) * volume_mm3,
        lost_mm3=np.count_nonzero(darker) * volume_mm3,
        seen_log_ratio=math.log((now + 0.5) / (then + 0.5)),
        difference_sd=float(difference.sd[box][lesion if lesion.any() else own].mean()),
        centre_mm=(float(world[0]), float(world[1]), float(world[2])),
    )


def _limit(group: Group, repeatability: Repeatability, config: TrackConfig) -> float:
    """Log ratio from which a change of volume is more than chance."""
    least = math.log1p(config.minimum_change)
    if not (group.before and group.after):
        return least
    middle = math.sqrt(group.volume_before_mm3 * group.volume_after_mm3)
    return max(least, repeatability.limit(middle))


def _judge(group: Group, evidence: _Evidence, limit: float, config: TrackConfig) -> Verdict:
    if not group.before or not group.after:
        return _appeared(group, evidence, config)
    size = _size_change(group, evidence, limit, config)
    if len(group.before) > len(group.after):
        return replace(size, kind="merged")
    if len(group.before) < len(group.after):
        return replace(size, kind="split")
    return size


def _appeared(group: Group, evidence: _Evidence, config: TrackConfig) -> Verdict:
    """Judge lesions that only one of the visits has."""
    kind = "new" if group.after else "resolved"
    toward = evidence.difference_sd if group.after else -evidence.difference_sd
    if group.longest_mm < config.minimum_diameter_mm:
        return Verdict("uncertain", evidence="segmentation", reason=TOO_SHORT)
    if toward < config.confirmed_sd:
        return Verdict("uncertain", evidence="segmentation", reason=NO_DIFFERENCE)
    return Verdict(kind, evidence="both", confidence=_support(toward))


def _size_change(group: Group, evidence: _Evidence, limit: float, config: TrackConfig) -> Verdict:
    """Compare the two readings of how much a lesion grew; symmetric in the visits."""
    segmented = math.log(group.volume_after_mm3 / group.volume_before_mm3)
    seen = evidence.seen_log_ratio
    least = math.log1p(config.minimum_change)
    strongest = max((segmented, seen), key=abs)
    direction = "enlarging" if strongest > 0 else "shrinking"
    if max(abs(segmented), abs(seen)) < least:
        return Verdict("stable", "stable", "both", confidence=1 - abs(strongest) / least)
    agree = segmented * seen > 0
    beyond = [abs(segmented) >= limit, abs(seen) >= limit]
    if all(beyond) and agree:
        return Verdict(direction, direction, "both", _support(evidence.difference_sd))
    if any(beyond) and agree and min(abs(segmented), abs(seen)) >= limit / 2:
        what = "segmentation" if beyond[0] else "difference"
        return Verdict(direction, direction, what, _support(evidence.difference_sd) / 2)
    reason = BELOW_REPEATABILITY
    if any(beyond):
        reason = NO_DIFFERENCE if beyond[0] else ONLY_DIFFERENCE
    return Verdict("uncertain", "uncertain", reason=reason)


def _support(difference_sd: float) -> float:
    """Turn a mean difference into a confidence: 1 from 6 standard deviations."""
    return min(abs(difference_sd) / _FULL_SD, 1.0)


def _row(group: Group, evidence: _Evidence, verdict: Verdict, limit: float) -> dict[str, Any]:
    before, after = group.volume_before_mm3, group.volume_after_mm3
    r, a, s = evidence.centre_mm
    return {
        "change": group.number,
        "kind": verdict.kind,
        "size_change": verdict.size_change,
        "labels_before": list(group.before),
        "labels_after": list(group.after),
        "volume_before_mm3": before,
        "volume_after_mm3": after,
        "volume_change_percent": 100 * (after / before - 1) if before else math.nan,
        "limit_percent": 100 * math.expm1(limit),
        "gained_mm3": evidence.gained_mm3,
        "lost_mm3": evidence.lost_mm3,
        "difference_sd": evidence.difference_sd,
        "longest_mm": group.longest_mm,
        "evidence": verdict.evidence,
        "confidence": verdict.confidence,
        "reason": verdict.reason,
        "centre_r_mm": r,
        "centre_a_mm": a,
        "centre_s_mm": s,
    }


def rescued_groups(
    places: ChangedPlaces,
    halfway: Halfway,
    difference: Difference,
    may_appear: tuple[bool, bool],
    config: TrackConfig,
    first_number: int,
) -> tuple[list[dict[str, Any]], NDArray[np.int32]]:
    """Find changes that no visit's own lesions hold, by the difference of the scans alone.

    Parameters
    ----------
    may_appear : (bool, bool)
        Whether a lesion of the first, and of the second, visit may have been missed: not where
        a reader has looked.
    first_number : int
        Number of the first of them.

    Returns
    -------
    rows : list of dict
        As those of `judge_groups`.
    numbers : (I, J, K) int32
        Where they are.
    """
    rows: list[dict[str, Any]] = []
    numbers = np.zeros_like(places.loose)
    deep = ndimage.binary_erosion(difference.brain, iterations=_RIM_VOXELS)
    for label, box in label_boxes(places.loose).items():
        own = places.loose[box] == label
        mean = float(difference.sd[box][own].mean())
        is_new = mean > 0
        if abs(mean) < config.rescued_sd or not may_appear[int(is_new)]:
            continue
        if not deep[box][own].all():  # at the rim of the brain, scans differ for other reasons
            continue
        length = longest_mm(own, halfway.grid.spacing_mm)
        if length < config.minimum_diameter_mm:
            continue
        number = first_number + len(rows)
        numbers[box][own] = number
        volume = np.count_nonzero(own) * halfway.grid.voxel_volume_mm3
        # No visit's own lesions hold it: its volume is what the difference shows.
        volumes = (0.0, volume) if is_new else (volume, 0.0)
        group = Group(number, (), (), volumes[0], volumes[1], length)
        alone = replace(places, owner=numbers)
        evidence = _evidence(number, box, alone, halfway, difference)
        verdict = Verdict(
            "new" if is_new else "resolved", evidence="difference", confidence=_support(mean) / 2
        )
        rows.append(_row(group, evidence, verdict, math.log1p(config.minimum_change)))
    return rows, numbers
