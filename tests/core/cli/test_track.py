"""``fsh track`` from scans: which visits are meant, and what cannot be followed."""

from pathlib import Path

import pytest

from fsh_core.cli import main
from fsh_core.cli.track import choose_visits
from fsh_core.errors import InputError
from fsh_core.follow_up import find_tracks, read_track
from fsh_core.volume.volume import save_like
from tests.core.cli.test_app import FAST, weights  # noqa: F401  (a fixture)
from tests.core.tracking.phantom import THICK, make_visit, turned

STABLE = ((-40, -20, 10), 5.0)


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> Path:
    """Three scans of the same brain, named in several ways."""
    folder = tmp_path_factory.mktemp("scans")
    names = ("anna_2019.nii.gz", "anna_2021.nii.gz", "sub-01_ses-a_FLAIR.nii.gz")
    for seed, name in enumerate((*names, "sub-01_ses-b_FLAIR.nii.gz", "sub-02_FLAIR.nii.gz")):
        moved = turned(seed, (seed, 0, 0))
        visit = make_visit(name, [STABLE], affine=THICK, moved=moved, seed=seed)
        save_like(visit.flair.data, visit.flair, folder / name)
    return folder


@pytest.mark.parametrize(
    ("names", "subject", "sessions"),
    [
        (("anna_2021", "anna_2019"), "anna", ["1", "2"]),  # as given
        (("sub-01_ses-b_FLAIR", "sub-01_ses-a_FLAIR"), "01", ["b", "a"]),
        (("sub-02_FLAIR", "anna_2019"), "02", ["1", "2"]),
    ],
)
def test_which_visits_are_meant(scans, names, subject, sessions) -> None:
    failed: list[str] = []
    cases, order = choose_visits([scans / f"{name}.nii.gz" for name in names], failed)
    assert {case.subject for case in cases} == {subject}
    assert [case.session for case in cases] == order == sessions
    assert failed == []


def test_visits_of_two_patients(scans) -> None:
    two = [scans / "sub-01_ses-a_FLAIR.nii.gz", scans / "sub-02_FLAIR.nii.gz"]
    with pytest.raises(InputError, match="visits of one patient, found scans of sub-01, sub-02"):
        choose_visits(two, [])


def test_one_scan_alone(scans, tmp_path, capsys) -> None:
    scan = scans / "anna_2019.nii.gz"
    assert main(["track", str(scan), "-o", str(tmp_path / "out")]) == 2
    assert "expected two visits or more, got one scan" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_two_scans_are_segmented_and_followed(
    scans,
    weights: Path,  # noqa: F811
    tmp_path,
    capsys,
) -> None:
    out = tmp_path / "out"
    names = [str(scans / "anna_2021.nii.gz"), str(scans / "anna_2019.nii.gz")]
    words = ["--weights", str(weights), "--no-regions", *FAST, "-o", str(out)]
    assert main(["track", *names, *words]) == 0
    record = read_track(find_tracks(out)[0]).record
    assert (record.subject, record.order) == ("anna", "as given")
    assert [Path(visit.flair).name for visit in record.visits] == [Path(n).name for n in names]
    assert "Changes between visits" in capsys.readouterr().out
    alone = {path: path.read_bytes() for path in out.glob("sub-anna/ses-1/anat/*.nii.gz")}
    single = tmp_path / "single"
    scan = scans / "sub-anna_ses-1_FLAIR.nii.gz"
    scan.write_bytes((scans / "anna_2021.nii.gz").read_bytes())
    assert main(["segment", str(scan), *words[:-1], str(single)]) == 0
    for path, payload in alone.items():  # a visit is what it is alone
        assert (single / path.relative_to(out)).read_bytes() == payload


def test_a_dataset_of_single_visits(scans, weights: Path, tmp_path, capsys) -> None:  # noqa: F811
    home = tmp_path / "data" / "sub-01" / "anat"
    home.mkdir(parents=True)
    (home / "sub-01_FLAIR.nii.gz").write_bytes((scans / "sub-02_FLAIR.nii.gz").read_bytes())
    words = ["--weights", str(weights), "--no-regions", *FAST, "-o", str(tmp_path / "out")]
    assert main(["track", str(tmp_path / "data"), *words]) == 2
    said = capsys.readouterr()
    assert "expected at least two visits of a patient" in said.err
