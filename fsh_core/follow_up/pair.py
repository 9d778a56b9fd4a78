"""Two followed visits with their images, as they are looked at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.derivatives import find_scan, read_segmentation
from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_core.follow_up.read import StoredTrack
from fsh_core.follow_up.record import RecordedPair, RecordedVisit
from fsh_core.follow_up.visits import StoredVisit, on_grid_of
from fsh_core.tracking import Visit
from fsh_core.volume.nifti import read_nifti


@dataclass(frozen=True)
class LoadedPair:
    """Two visits that follow each other, each on the grid of its own scan.

    Attributes
    ----------
    pair : RecordedPair
        What was found about the two.
    earlier, later : Visit
        Scan, lesions, brain and probability.
    changes_before, changes_after : (I, J, K) int
        Number of the change that a voxel of the earlier, or later, visit belongs to; 0 = none.
    difference_before, difference_after : (I, J, K) float32
        Later minus earlier, in robust standard deviations of normal-appearing tissue.
    """

    pair: RecordedPair
    earlier: Visit
    later: Visit
    changes_before: NDArray[np.int32]
    changes_after: NDArray[np.int32]
    difference_before: NDArray[np.float32]
    difference_after: NDArray[np.float32]


def load_pair(stored: StoredTrack, pair: RecordedPair) -> LoadedPair:
    """Read the images of two visits.

    Raises
    ------
    InputError
        If one is gone or cannot be read, or is not the one that was followed.
    """
    by_name = {visit.name: visit for visit in stored.record.visits}
    earlier = _load_visit(by_name[pair.earlier], stored.folder)
    later = _load_visit(by_name[pair.later], stored.folder)
    return LoadedPair(
        pair,
        earlier,
        later,
        _map(stored, pair, "changes_before", earlier).astype(np.int32),
        _map(stored, pair, "changes_after", later).astype(np.int32),
        _map(stored, pair, "difference_before", earlier).astype(np.float32),
        _map(stored, pair, "difference_after", later).astype(np.float32),
    )


def _load_visit(recorded: RecordedVisit, folder: Path) -> Visit:
    segmented = read_segmentation(folder / recorded.record)
    labels = folder / recorded.labels
    if not labels.is_file() or sha256_of(labels) != recorded.labels_sha256:
        raise InputError(
            f"{labels}: expected the lesions that were followed, they are gone or changed since; "
            "follow the visits again (fsh track)"
        )
    scan = find_scan(segmented)
    if scan is None:
        raise InputError(
            f"{segmented.record.flair.path}: the scan of visit {recorded.name} is gone or changed; "
            "put it back to look at the changes"
        )
    return StoredVisit(recorded.name, segmented, scan, labels, recorded.reader, None).load()


def _map(stored: StoredTrack, pair: RecordedPair, key: str, visit: Visit) -> NDArray[Any]:
    path = stored.folder / pair.files[key]
    remedy = "follow the visits again (fsh track)"
    return on_grid_of(visit.flair, read_nifti(path)[0], path, remedy)
