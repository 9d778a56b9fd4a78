"""A patient who was followed over two visits, the second with another grid and position."""

from pathlib import Path

import pytest

from fsh_core.cli import main
from fsh_core.derivatives import write_cohort
from tests.core.follow_up.stored import copy_of_dataset, store_visit
from tests.core.tracking.phantom import THICK, make_visit, turned

STABLE, NEW = ((-40, -20, 10), 5.0), ((30, 45, 0), 3.5)
GONE, MISSED = ((20, -55, 8), 4.0), ((-35, 25, 12), 4.0)
MOVED = turned(4, (3, -2, 1))


@pytest.fixture(scope="session")
def followed(tmp_path_factory) -> Path:
    """A dataset; one lesion is stable, one new, one gone, and one new one was not segmented."""
    root = tmp_path_factory.mktemp("followed")
    out = root / "derivatives" / "fsh"
    store_visit(out, root, "01", "m6", make_visit("m6", [STABLE, GONE], with_probability=True))
    later = make_visit(
        "m12",
        [STABLE, NEW, MISSED],
        labelled=[STABLE, NEW],
        affine=THICK,
        moved=MOVED,
        seed=1,
        gain=3.0,
    )
    # Nothing below the threshold, else the missed lesion would be found by its difference.
    later.probability[later.labels == 0] = 0
    store_visit(out, root, "01", "m12", later)
    write_cohort(out)
    assert main(["track", str(out)]) == 0
    return root


@pytest.fixture
def out(followed, tmp_path) -> Path:
    """A copy of the results that a test may change."""
    return copy_of_dataset(followed, tmp_path / "dataset")


@pytest.fixture
def track_record(out) -> Path:
    """The record of the patient's visits."""
    return next(out.glob("sub-01/tracks/*_tracks.json"))
