"""What belongs to a FLAIR is found beside it, and brought onto its grid."""

from pathlib import Path

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.follow_up.companions import Companion, find_companions, place_companion
from fsh_core.volume.volume import Volume, save_like


@pytest.fixture
def dataset(phantom, tmp_path):
    """A patient with three visits; T1w at the second, on voxels twice as long along I."""
    for session in ("m2", "m12", "m3"):
        save(phantom.flair, tmp_path, session, "FLAIR")
    affine = phantom.flair.affine @ np.diag([2.0, 1.0, 1.0, 1.0])
    save(Volume(phantom.flair.data[::2], affine), tmp_path, "m12", "T1w")
    return tmp_path


def save(volume: Volume, root: Path, session: str, channel: str) -> Path:
    path = root / f"sub-01/ses-{session}/anat/sub-01_ses-{session}_{channel}.nii.gz"
    save_like(volume.data, volume, path)
    return path


def flair_of(root: Path, session: str) -> Path:
    return root / f"sub-01/ses-{session}/anat/sub-01_ses-{session}_FLAIR.nii.gz"


def test_contrasts_and_earlier_visits_the_latest_first(dataset) -> None:
    there = find_companions(flair_of(dataset, "m12"), "01", "m12")
    assert [(one.name, one.is_visit) for one in there.found] == [
        ("T1w", False),
        ("FLAIR ses-m3", True),
        ("FLAIR ses-m2", True),
    ]
    assert there.missing == (f"no T2w in {dataset / 'sub-01'}",)


def test_what_is_not_there_is_named(dataset) -> None:
    there = find_companions(flair_of(dataset, "m2"), "01", "m2")
    assert there.found == ()
    assert there.missing == (f"no T1w and no T2w and no earlier visit in {dataset / 'sub-01'}",)


def test_dates_count_before_names(dataset) -> None:
    rows = (
        "session_id\tacq_time",
        "ses-m2\t2020-03-01",
        "ses-m12\t2020-02-01",
        "ses-m3\t2020-01-01",
    )
    (dataset / "sub-01" / "sub-01_sessions.tsv").write_text("\n".join(rows) + "\n")
    there = find_companions(flair_of(dataset, "m12"), "01", "m12")
    assert [one.name for one in there.found] == ["T1w", "FLAIR ses-m3"]


def test_a_visit_that_cannot_be_used_is_said(dataset, phantom) -> None:
    second = flair_of(dataset, "m3").with_name("sub-01_ses-m3_run-2_FLAIR.nii.gz")
    save_like(phantom.flair.data, phantom.flair, second)
    there = find_companions(flair_of(dataset, "m12"), "01", "m12")
    assert [one.name for one in there.found] == ["T1w", "FLAIR ses-m2"]
    assert any("must be the only FLAIR" in sentence for sentence in there.missing)


def test_in_a_plain_folder_names_tell(phantom, tmp_path) -> None:
    for name in ("a_FLAIR", "a_T2w", "b_FLAIR", "b_T1w"):
        save_like(phantom.flair.data, phantom.flair, tmp_path / f"{name}.nii.gz")
    there = find_companions(tmp_path / "a_FLAIR.nii.gz", "a", None)
    assert [one.path.name for one in there.found] == ["a_T2w.nii.gz"]


def test_on_the_same_grid_it_stays_as_it_is(phantom, tmp_path) -> None:
    path = save(phantom.flair, tmp_path, "1", "T2w")
    placed = place_companion(Companion("T2w", path), phantom.flair)
    np.testing.assert_array_equal(placed.volume.data, phantom.flair.data)
    assert placed.placed == "same grid"


def test_on_another_grid_it_lies_where_its_affine_says(dataset, phantom) -> None:
    path = flair_of(dataset, "m12").with_name("sub-01_ses-m12_T1w.nii.gz")
    placed = place_companion(Companion("T1w", path), phantom.flair)
    assert placed.placed == "not registered"
    flair, moved = phantom.flair.data, placed.volume.data
    np.testing.assert_allclose(moved[::2], flair[::2], atol=1e-3)
    np.testing.assert_allclose(moved[1:-1:2], (flair[:-2:2] + flair[2::2]) / 2, atol=1e-3)


def test_a_visit_is_registered(phantom, tmp_path) -> None:
    elsewhere = phantom.flair.affine.copy()
    elsewhere[:3, 3] += (6.0, -4.0, 5.0)
    path = save(Volume(phantom.flair.data, elsewhere), tmp_path, "0", "FLAIR")
    placed = place_companion(Companion("FLAIR ses-0", path, is_visit=True), phantom.flair)
    assert placed.placed == "registered"
    lesion = placed.volume.data[phantom.reference].mean()
    assert lesion > 150  # 180 in the phantom, 100 around


def test_a_scan_of_another_place_is_refused_by_name(phantom, tmp_path) -> None:
    far = phantom.flair.affine.copy()
    far[:3, 3] += 1000
    path = save(Volume(phantom.flair.data, far), tmp_path, "1", "T1w")
    with pytest.raises(InputError, match=r"_T1w\.nii\.gz: lies nowhere in the FLAIR"):
        place_companion(Companion("T1w", path), phantom.flair)
