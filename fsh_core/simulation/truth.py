"""What is true of two simulated visits: lesions, voxel by voxel, and the table of changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.simulation.plan_changes import PlannedLesion
from fsh_core.simulation.rescan import Rescan
from fsh_core.volume.boxes import Box, crop, label_boxes
from fsh_core.volume.components import equivalent_diameter_mm
from fsh_core.volume.volume import Volume

CHANGE_COLUMNS: dict[str, str] = {
    "change": "number of the row",
    "kind": "new, enlarging, shrinking, resolved, merged, split or stable",
    "labels_before": "numbers of the lesion's parts at the first visit, with commas; none if new",
    "labels_after": "the same at the second visit; none if resolved",
    "volume_before_mm3": "true volume at the first visit, partial voxels counted by their share",
    "volume_after_mm3": "the same at the second visit",
    "diameter_mm": "diameter of the sphere of the larger of the two volumes",
    "planted": "whether it was planted; false for the scan's own lesions",
    "contrast": "mean brightness of a planted lesion's voxels that are at least half lesion, above "
    "the white matter around, in units of white matter, at the visit at which it is larger",
}
"""Columns of the table of true changes, and what they hold."""

_SEPARATOR = ","


@dataclass(frozen=True)
class TrueLesion:
    """One connected part of a lesion at one visit.

    Attributes
    ----------
    label : int
        Its number in the label map.
    box : Box
        Where it lies, in voxels of the source scan's RAS grid.
    fraction : (A, B, C) float32 in [0, 1]
        Share of each voxel of the box that is lesion.
    """

    label: int
    box: Box
    fraction: NDArray[np.float32]

    @property
    def voxels(self) -> float:
        """Volume in voxels of the source scan."""
        return float(self.fraction.sum(dtype=np.float64))


@dataclass(frozen=True)
class Truth:
    """What is true of two visits.

    Attributes
    ----------
    visits : tuple of two lists of TrueLesion
        The lesions of each visit.
    changes : DataFrame
        One row a lesion or group of lesions, with the columns of `CHANGE_COLUMNS`.
    """

    visits: tuple[list[TrueLesion], list[TrueLesion]]
    changes: pd.DataFrame

    @classmethod
    def collect(
        cls,
        own_labels: NDArray[np.int32],
        own_kinds: Mapping[int, str],
        planned: Sequence[PlannedLesion],
        contrasts: Sequence[float],
        voxel_volume_mm3: float,
    ) -> "Truth":
        """Number all lesions of both visits and list the changes.

        Parameters
        ----------
        own_labels : (I, J, K) int32
            The scan's own lesions on its RAS grid.
        own_kinds : mapping of int to str
            For each of their numbers ``stable``, ``new`` or ``resolved``.
        planned : sequence of PlannedLesion
            The planted ones.
        contrasts : sequence of float
            Their contrasts.
        voxel_volume_mm3 : float
            Volume of a voxel of that grid.
        """
        visits: tuple[list[TrueLesion], list[TrueLesion]] = ([], [])
        rows: list[dict[str, Any]] = []
        for number, box in label_boxes(own_labels).items():
            kind = own_kinds[number]
            lesion = TrueLesion(number, box, (own_labels[box] == number).astype(np.float32))
            states = ([], [lesion]) if kind == "new" else ([lesion], [])
            before, after = ([lesion], [lesion]) if kind == "stable" else states
            rows.append(_row(kind, before, after, voxel_volume_mm3, None))
            visits[0].extend(before)
            visits[1].extend(after)
        next_label = max(own_kinds, default=0) + 1
        for change, contrast in zip(planned, contrasts, strict=True):
            before = [
                TrueLesion(next_label + place, change.box, fraction)
                for place, fraction in enumerate(change.before)
            ]
            # A lesion that stays one keeps its number; parts and wholes have numbers of their own.
            keeps = len(change.before) == len(change.after)
            start = next_label if keeps else next_label + len(before)
            after = [
                TrueLesion(start + place, change.box, fraction)
                for place, fraction in enumerate(change.after)
            ]
            next_label = start + len(after)
            rows.append(_row(change.kind, before, after, voxel_volume_mm3, contrast))
            visits[0].extend(before)
            visits[1].extend(after)
        table = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
        table["change"] = np.arange(1, len(table) + 1)
        return cls(visits, table)


def _row(
    kind: str,
    before: Sequence[TrueLesion],
    after: Sequence[TrueLesion],
    voxel_volume_mm3: float,
    contrast: float | None,
) -> dict[str, Any]:
    """One row of the table of changes."""
    volumes_mm3 = [
        sum(lesion.voxels for lesion in lesions) * voxel_volume_mm3 for lesions in (before, after)
    ]
    return {
        "kind": kind,
        "labels_before": _SEPARATOR.join(str(lesion.label) for lesion in before),
        "labels_after": _SEPARATOR.join(str(lesion.label) for lesion in after),
        "volume_before_mm3": volumes_mm3[0],
        "volume_after_mm3": volumes_mm3[1],
        "diameter_mm": equivalent_diameter_mm(max(volumes_mm3)),
        "planted": contrast is not None,
        "contrast": contrast,
    }


def labels_in(cell: Any) -> list[int]:
    """Read the numbers in a cell of ``labels_before`` or ``labels_after``.

    Parameters
    ----------
    cell : str, int or missing
        As in the table, in memory or read back from a file.

    Returns
    -------
    list of int
        Empty where nothing is written.
    """
    if pd.isna(cell) or cell == "":
        return []
    return [int(float(part)) for part in str(cell).split(_SEPARATOR)]


def label_map(
    lesions: Sequence[TrueLesion],
    source: Volume,
    shape: tuple[int, int, int],
    rescan: Rescan | None = None,
) -> NDArray[np.int32]:
    """Say of each voxel to which lesion it belongs.

    A lesion is the voxels that hold the largest shares of it, as many as have its volume
    and at least one. A level of one half would leave the small ones out where slices are
    thick: a sphere of 2.5 mm between two slices of 3 mm fills half of no voxel, but it is
    seen. Of two lesions in one voxel the smaller has it.

    Parameters
    ----------
    lesions : sequence of TrueLesion
        On the grid of ``source``.
    source : Volume
        The source scan on its RAS grid.
    shape : three ints
        Of the map.
    rescan : Rescan or None
        The second scan, whose grid is wanted; the grid of ``source`` if None.

    Returns
    -------
    (I, J, K) int32
        0 where there is no lesion.
    """
    labels = np.zeros(shape, dtype=np.int32)
    for lesion in sorted(lesions, key=lambda lesion: -lesion.voxels):
        box, fraction, voxels = lesion.box, lesion.fraction, lesion.voxels
        if rescan is not None:
            part = crop(source, box).with_data(fraction)
            box, fraction = rescan.resample_part(part)
            voxels *= source.voxel_volume_mm3 / float(abs(np.linalg.det(rescan.affine[:3, :3])))
        flat = fraction.ravel()
        largest_first = np.argsort(-flat, kind="stable")[: max(1, round(voxels))]
        held = np.zeros(flat.shape, dtype=bool)
        held[largest_first[flat[largest_first] > 0]] = True
        labels[box][held.reshape(fraction.shape)] = lesion.label
    return labels
