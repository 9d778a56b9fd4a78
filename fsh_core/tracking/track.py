"""Lesions followed over the visits of one patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.tracking.changes import Group, judge_groups, rescued_groups
from fsh_core.tracking.columns import CHANGE_COLUMNS, LESION_COLUMNS
from fsh_core.tracking.comparability import Comparability, compare_visits
from fsh_core.tracking.config import TrackConfig
from fsh_core.tracking.difference import Difference, find_difference
from fsh_core.tracking.halfway import Halfway, find_halfway
from fsh_core.tracking.links import Node, connected, link_lesions
from fsh_core.tracking.regions import find_changed_places, longest_mm
from fsh_core.tracking.repeatability import bundled_repeatability
from fsh_core.tracking.visit import Visit
from fsh_core.volume.boxes import label_boxes

FEWEST_VISITS, MOST_VISITS = 2, 10


@dataclass(frozen=True)
class Pair:
    """Two visits that follow each other.

    Attributes
    ----------
    halfway : Halfway
        The registration.
    difference : Difference
        Of the two scans, in the half-way space.
    comparability : Comparability
        Whether the changes can be relied on.
    change_numbers : (I, J, K) int32
        Which change a voxel belongs to (column ``change``), in the half-way space; 0 = none, or
        a stable lesion.
    """

    halfway: Halfway
    difference: Difference
    comparability: Comparability
    change_numbers: NDArray[np.int32]


@dataclass(frozen=True)
class Track:
    """What happened over the visits of a patient.

    Attributes
    ----------
    visits : tuple of Visit
        In order.
    pairs : tuple of Pair
        One less than the visits.
    lesions : DataFrame
        A row a lesion and visit, see `LESION_COLUMNS`.
    changes : DataFrame
        A row a change, see `CHANGE_COLUMNS`.
    """

    visits: tuple[Visit, ...]
    pairs: tuple[Pair, ...]
    lesions: pd.DataFrame
    changes: pd.DataFrame


def track_visits(visits: Sequence[Visit], config: TrackConfig | None = None) -> Track:
    """Follow the lesions of a patient from visit to visit.

    Every two visits that follow each other are registered half-way, subtracted, and their
    lesions are matched. Lesions that are linked over any number of visits share a ``track``.

    Parameters
    ----------
    visits : sequence of Visit
        Two to ten, in the order in which they were scanned.
    config : TrackConfig, optional
        What counts as a change.

    Raises
    ------
    InputError
        If there are fewer or more visits, or two of them have nothing in common.
    """
    if not FEWEST_VISITS <= len(visits) <= MOST_VISITS:
        raise InputError(
            f"expected two to {MOST_VISITS} visits of one patient, got {len(visits)}; "
            "name the scans of the visits to compare"
        )
    config = config or TrackConfig()
    halfways = [find_halfway(first, second) for first, second in pairwise(visits)]
    links = [
        link_lesions(first, second, halfway.first_to_second, config.linked_share)
        for (first, second), halfway in zip(pairwise(visits), halfways, strict=True)
    ]
    measured = [_measure(visit) for visit in visits]
    tracks = _number_tracks(measured, links)
    pairs, rows = [], []
    for position, halfway in enumerate(halfways):
        two = (visits[position], visits[position + 1])
        groups = _groups(measured[position : position + 2], links[position])
        pair, changes = _compare(two, halfway, groups, config)
        pairs.append(pair)
        for row in changes:
            names = {"from_visit": two[0].name, "to_visit": two[1].name}
            rows.append(row | names | {"track": _track_of(row, position, tracks)})
    changes_table = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
    without = changes_table["track"] == 0  # seen in the difference alone: a track of its own
    changes_table.loc[without, "track"] = (
        max(tracks.values(), default=0) + 1 + np.arange(np.count_nonzero(without))
    )
    return Track(
        tuple(visits), tuple(pairs), _lesion_table(visits, measured, tracks), changes_table
    )


class _Lesion(NamedTuple):
    """What of a visit's lesion is needed more than once, measured on the visit's own grid."""

    volume_mm3: float
    longest_mm: float


_Lesions = dict[int, _Lesion]  # by label


def _measure(visit: Visit) -> _Lesions:
    lesions = {}
    for label, box in label_boxes(visit.labels).items():
        own = visit.labels[box] == label
        volume_mm3 = np.count_nonzero(own) * visit.flair.voxel_volume_mm3
        lesions[label] = _Lesion(volume_mm3, longest_mm(own, visit.flair.spacing_mm))
    return lesions


def _number_tracks(
    visits: Sequence[_Lesions], links: Sequence[Sequence[tuple[int, int]]]
) -> dict[Node, int]:
    """Number the tracks: those of the first visit in the order of its labels, then later ones."""
    nodes = [(position, label) for position, lesions in enumerate(visits) for label in lesions]
    edges = [
        ((position, label), (position + 1, other))
        for position, pair in enumerate(links)
        for label, other in pair
    ]
    return {
        node: number
        for number, group in enumerate(connected(nodes, edges), start=1)
        for node in group
    }


def _groups(visits: Sequence[_Lesions], links: Sequence[tuple[int, int]]) -> list[Group]:
    """Group the lesions of two visits that hang together between these two alone."""
    nodes = [(position, label) for position in (0, 1) for label in visits[position]]
    edges = [((0, label), (1, other)) for label, other in links]
    groups = []
    for number, members in enumerate(connected(nodes, edges), start=1):
        labels = [tuple(label for at, label in members if at == position) for position in (0, 1)]
        volumes = [sum(visits[at][label].volume_mm3 for label in labels[at]) for at in (0, 1)]
        longest = max(visits[at][label].longest_mm for at, label in members)
        groups.append(Group(number, labels[0], labels[1], volumes[0], volumes[1], longest))
    return groups


def _compare(
    visits: tuple[Visit, Visit], halfway: Halfway, groups: list[Group], config: TrackConfig
) -> tuple[Pair, list[dict[str, Any]]]:
    """Judge what changed between two visits."""
    difference = find_difference(halfway, *visits)
    comparability = compare_visits(*visits, halfway, difference)
    numbers = (
        _numbers_by_label(visits[0], [(group.number, group.before) for group in groups]),
        _numbers_by_label(visits[1], [(group.number, group.after) for group in groups]),
    )
    places = find_changed_places(halfway, visits, numbers, difference, config)
    rows = judge_groups(groups, places, halfway, difference, bundled_repeatability(), config)
    may_appear = (not visits[0].is_reviewed, not visits[1].is_reviewed)
    rescued, where = rescued_groups(
        places, halfway, difference, may_appear, config, len(groups) + 1
    )
    differs = places.brighter | places.darker | (places.before != places.after)
    differs &= np.isin(places.owner, [row["change"] for row in rows if row["kind"] != "stable"])
    maps = np.where(differs, places.owner, where)
    return Pair(halfway, difference, comparability, maps), [*rows, *rescued]


def _numbers_by_label(
    visit: Visit, groups: Sequence[tuple[int, tuple[int, ...]]]
) -> NDArray[np.int32]:
    """Return the group of each label of a visit; 0 for the background."""
    numbers = np.zeros(int(visit.labels.max(initial=0)) + 1, dtype=np.int32)
    for number, labels in groups:
        numbers[list(labels)] = number
    return numbers


def _track_of(row: dict[str, Any], position: int, tracks: dict[Node, int]) -> int:
    """Return the track of a change; 0 where no visit's own lesions hold it."""
    nodes = [(position, label) for label in row["labels_before"]]
    nodes += [(position + 1, label) for label in row["labels_after"]]
    return tracks[nodes[0]] if nodes else 0


def _lesion_table(
    visits: Sequence[Visit], measured: Sequence[_Lesions], tracks: dict[Node, int]
) -> pd.DataFrame:
    rows = [
        {
            "track": tracks[position, label],
            "visit": visits[position].name,
            "label": label,
            "volume_mm3": lesion.volume_mm3,
        }
        for position, lesions in enumerate(measured)
        for label, lesion in lesions.items()
    ]
    table = pd.DataFrame(rows, columns=list(LESION_COLUMNS)[:4])
    table["track_volume_mm3"] = table.groupby(["track", "visit"])["volume_mm3"].transform("sum")
    places = {visit.name: position for position, visit in enumerate(visits)}
    at = table["visit"].map(places)
    by_track = at.groupby(table["track"])
    for column, found in (
        ("first_visit", by_track.transform("min")),
        ("last_visit", by_track.transform("max")),
    ):
        table[column] = [visits[int(position)].name for position in found]
    order = np.lexsort((table["label"], at, table["track"]))
    return table.iloc[order].reset_index(drop=True)
