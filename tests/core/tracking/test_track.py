"""Lesions are followed through visits: each kind of change, in both directions of time."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from fsh_core.errors import InputError
from fsh_core.tracking import CHANGE_COLUMNS, LESION_COLUMNS, Track, Visit, track_visits
from tests.core.tracking.phantom import THICK, make_visit, turned

STABLE = ((-40, -20, 10), 5.0)
GROWS, GROWN = ((35, 25, 5), 4.0), ((35, 25, 5), 6.0)
NEW = ((30, 45, 0), 3.5)
GONE = ((-25, -45, 10), 3.5)
PARTS = (((-38, 20, 25), 3.0), ((-38, 28, 25), 3.0))
WHOLE = (*PARTS, ((-38, 24, 25), 3.0))
TINY = ((10, -60, 20), 1.2)


@pytest.fixture(scope="module")
def visits():
    moved = turned(6, (5, -8, 3))
    first = make_visit("before", [STABLE, GROWS, GONE, *PARTS])
    lesions = [STABLE, GROWN, NEW, *WHOLE, TINY]
    second = make_visit("after", lesions, affine=THICK, moved=moved, seed=1, gain=3.0)
    return first, second


@pytest.fixture(scope="module")
def track(visits) -> Track:
    return track_visits(visits)


@pytest.fixture(scope="module")
def backwards(visits) -> Track:
    return track_visits(visits[::-1])


def at(track: Track, ball) -> pd.Series:
    """The change of a pair moved as the fixture's, whose place is that of a ball."""
    world = (turned(6, (5, -8, 3)) @ [*ball[0], 1.0])[:3]
    columns = ["centre_r_mm", "centre_a_mm", "centre_s_mm"]
    distances = np.linalg.norm(track.changes[columns].to_numpy(dtype=float) - world, axis=1)
    assert distances.min() < 3.0, f"nothing at {ball[0]}"
    return track.changes.iloc[int(distances.argmin())]


@pytest.mark.parametrize(
    ("ball", "kind", "size_change"),
    [
        (STABLE, "stable", "stable"),
        (GROWN, "enlarging", "enlarging"),
        (NEW, "new", ""),
        (GONE, "resolved", ""),
        (WHOLE[2], "merged", "enlarging"),
        (TINY, "uncertain", ""),
    ],
)
def test_each_kind_is_told(track, ball, kind, size_change) -> None:
    row = at(track, ball)
    assert (row["kind"], row["size_change"]) == (kind, size_change)


def test_swapping_the_visits_swaps_new_and_resolved_and_changes_nothing_else(
    track, backwards
) -> None:
    swapped = {"new": "resolved", "resolved": "new", "enlarging": "shrinking",
               "shrinking": "enlarging", "merged": "split", "split": "merged"}  # fmt: skip
    there = track.changes.set_index(track.changes["labels_before"].astype(str) + track.changes[
        "labels_after"].astype(str))  # fmt: skip
    back = backwards.changes.set_index(
        backwards.changes["labels_after"].astype(str)
        + backwards.changes["labels_before"].astype(str)
    )
    assert sorted(there.index) == sorted(back.index)
    back = back.loc[there.index]
    assert [swapped.get(kind, kind) for kind in there["kind"]] == back["kind"].tolist()
    assert [swapped.get(kind, kind) for kind in there["size_change"]] == back[
        "size_change"
    ].tolist()
    np.testing.assert_allclose(there["gained_mm3"], back["lost_mm3"])
    np.testing.assert_allclose(there["difference_sd"], -back["difference_sd"], atol=1e-3)
    np.testing.assert_allclose(there["longest_mm"], back["longest_mm"])
    np.testing.assert_allclose(there["confidence"], back["confidence"], atol=1e-3)
    assert there["reason"].tolist() == back["reason"].tolist()


def test_the_space_half_way_prefers_neither(track, backwards) -> None:
    there, back = track.pairs[0].halfway, backwards.pairs[0].halfway
    np.testing.assert_allclose(there.first_to_second @ back.first_to_second, np.eye(4), atol=1e-6)
    assert there.grid.shape == back.grid.shape
    np.testing.assert_allclose(there.grid.affine, back.grid.affine)
    np.testing.assert_allclose(there.to_first, back.to_second, atol=1e-6)
    np.testing.assert_allclose(there.first_to_second, turned(6, (5, -8, 3)), atol=1.0)


def test_identity_goes_on_through_a_merge(track) -> None:
    row = at(track, WHOLE[2])
    assert len(row["labels_before"]) == 2
    assert len(row["labels_after"]) == 1
    rows = track.lesions[track.lesions["track"] == row["track"]]
    assert rows["visit"].tolist() == ["before", "before", "after"]
    total = rows.loc[rows["visit"] == "before", "volume_mm3"].sum()
    assert set(rows.loc[rows["visit"] == "before", "track_volume_mm3"]) == {total}
    assert row["volume_before_mm3"] == pytest.approx(total)


def test_volumes_are_those_of_each_visit_alone(track, visits) -> None:
    for visit in visits:
        rows = track.lesions[track.lesions["visit"] == visit.name]
        labels, counts = np.unique(visit.labels[visit.labels > 0], return_counts=True)
        assert set(rows["label"]) == set(labels)
        by_label = dict(zip(rows["label"], rows["volume_mm3"], strict=True))
        for label, count in zip(labels, counts, strict=True):
            assert by_label[label] == pytest.approx(count * visit.flair.voxel_volume_mm3)


def test_the_columns(track) -> None:
    assert list(track.changes) == list(CHANGE_COLUMNS)
    assert list(track.lesions) == list(LESION_COLUMNS)
    assert track.changes["confidence"].between(0, 1).all()
    assert (track.changes.loc[track.changes["kind"] == "uncertain", "reason"] != "").all()


def test_the_change_map_holds_what_changed_and_nothing_of_the_stable_lesion(track) -> None:
    numbers = track.pairs[0].change_numbers
    new = numbers == at(track, NEW)["change"]
    volume = np.count_nonzero(new) * track.pairs[0].halfway.grid.voxel_volume_mm3
    smallest, largest = (4 / 3 * np.pi * radius**3 for radius in (3.0, 5.0))  # with its blurred rim
    assert smallest < volume < largest
    assert not (numbers == at(track, STABLE)["change"]).any()


def test_a_lesion_below_the_threshold_is_rescued_unless_a_reader_has_looked() -> None:
    before = make_visit("before", [STABLE])
    missed = make_visit("after", [STABLE, NEW], labelled=[STABLE], seed=1)
    found = track_visits([before, missed]).changes
    rescued = found[found["kind"] == "new"]
    assert rescued["evidence"].tolist() == ["difference"]
    assert rescued["labels_after"].tolist() == [[]]
    assert rescued["track"].item() not in found.loc[found["kind"] != "new", "track"].tolist()
    looked = make_visit("after", [STABLE, NEW], labelled=[STABLE], seed=1, is_reviewed=True)
    assert "new" not in set(track_visits([before, looked]).changes["kind"])


def test_a_lesion_that_was_missed_before_is_not_new() -> None:
    before = make_visit("before", [STABLE, NEW], labelled=[STABLE])
    after = make_visit("after", [STABLE, NEW], seed=1)
    changes = track_visits([before, after]).changes
    row = changes.set_index("kind").loc["uncertain"]
    assert row["reason"] == "no difference of the scans"


def test_a_pair_without_change_has_none() -> None:
    before = make_visit("a", [STABLE, GROWS])
    after = make_visit("b", [STABLE, GROWS], affine=THICK, moved=turned(3, (1, 2, 3)), seed=5)
    assert set(track_visits([before, after]).changes["kind"]) == {"stable"}


def test_three_visits_share_a_track_and_masks_alone_are_enough() -> None:
    visits = [
        make_visit(name, lesions, seed=seed, with_probability=False)
        for seed, (name, lesions) in enumerate(
            {"a": [STABLE], "b": [STABLE, NEW], "c": [STABLE]}.items()
        )
    ]
    track = track_visits(visits)
    kinds = track.changes.groupby(["from_visit", "to_visit"])["kind"].apply(sorted).to_dict()
    assert kinds == {("a", "b"): ["new", "stable"], ("b", "c"): ["resolved", "stable"]}
    stable, new = track.lesions.groupby("track")
    assert stable[1]["visit"].tolist() == ["a", "b", "c"]
    assert (new[1]["first_visit"].item(), new[1]["last_visit"].item()) == ("b", "b")
    assert len(set(track.changes["track"])) == 2


def test_no_lesions_at_all() -> None:
    track = track_visits([make_visit("a", []), make_visit("b", [], seed=1)])
    assert track.changes.empty
    assert track.lesions.empty
    assert list(track.changes) == list(CHANGE_COLUMNS)


def test_visits_that_look_different_are_told_so() -> None:
    first = make_visit("a", [STABLE])
    other = make_visit("b", [STABLE], seed=1)
    inverted = np.where(other.brain, 200 - other.flair.data, 0).astype(np.float32)
    other = type(other)(
        "b", other.flair.with_data(inverted), other.labels, other.brain, other.probability
    )
    comparability = track_visits([first, other]).pairs[0].comparability
    assert comparability.verdict == "fail"
    assert "another scanner or sequence" in comparability.reasons[-1]
    thick = make_visit("c", [STABLE], affine=THICK, seed=2)
    comparability = track_visits([first, thick]).pairs[0].comparability
    assert (comparability.verdict, len(comparability.reasons)) == ("caution", 1)
    assert comparability.reasons[0] == "the voxels differ: 1 x 1 x 1 and 1 x 1 x 3 mm"


@pytest.mark.parametrize("count", [0, 1, 11])
def test_too_few_and_too_many_visits(count) -> None:
    visit = make_visit("a", [])
    with pytest.raises(InputError, match=f"two to 10 visits of one patient, got {count}"):
        track_visits([visit] * count)


def test_scans_without_anything_in_common() -> None:
    visit = make_visit("a", [])
    empty = make_visit("b", [])
    empty = type(visit)("b", visit.flair.with_data(visit.flair.data * 0), visit.labels, visit.brain)
    with pytest.raises(InputError, match="cannot be laid over each other"):
        track_visits([visit, empty])


def test_a_more_blurred_scan_resolves_no_small_lesion() -> None:
    small = ((30, 45, 0), 2.0)
    first = make_visit("a", [STABLE, small])
    sharp = make_visit("b", [STABLE, small], labelled=[STABLE], seed=1)
    blurred = sharp.flair.with_data(ndimage.gaussian_filter(sharp.flair.data, 1.0))
    second = Visit("b", blurred, sharp.labels, sharp.brain, sharp.probability)
    kinds = track_visits([first, second]).changes["kind"]
    assert "resolved" not in set(kinds)
