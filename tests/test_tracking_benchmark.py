"""The benchmark of the tracker: true lesions given as found ones score as they should."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import tracking
from benchmarks.tracking_pairs import CHANGED, STABLE, TEST, TUNING, conditions, visits_of
from fsh_core.cli import main
from fsh_core.cli.follow_up import follow_up_command
from fsh_core.tracking import Track, Visit, track_visits
from fsh_core.volume.nifti import read_labels
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like
from tests.core.simulation.test_simulate import SimulatedHead

SUBJECT = "tabriz101228"  # a patient of the tuning side


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pair with changes and one without, of a head of 2 mm."""
    root, head = tmp_path_factory.mktemp("pairs"), SimulatedHead((2.0, 2.0, 2.0))
    flair = root / "raw" / f"sub-{SUBJECT}" / "anat" / f"sub-{SUBJECT}_FLAIR.nii.gz"
    save_like(head.flair.data, head.flair, flair)
    words = ["simulate", str(flair), "--turn-degrees", "2", "--noise", "0.01"]
    for name, more in (("changed-mild", ["--follow-up"]), ("stable-noise", ["--stable"])):
        assert main([*words, "-o", str(root / "pairs" / name), *more]) == 0
    return root


def perfect(dataset: Path) -> Track:
    """Follow the true lesions."""
    truth, visits = dataset / "derivatives" / "truth", []
    for case in visits_of(dataset):
        flair = load_volume(case.flair)
        home = truth / f"sub-{SUBJECT}" / f"ses-{case.session}" / "anat"
        labels = read_labels(home / f"{case.name}_label-L_dseg.nii.gz")[0]
        brain = load_mask(home / f"{case.name}_label-brain_mask.nii.gz").data
        visits.append(Visit(str(case.session), flair, labels, brain))
    return track_visits(visits)


def test_true_lesions_score_well(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = pairs / "pairs" / "changed-mild"
    measured = tracking.measure_changed(dataset, SUBJECT, perfect(dataset))
    scores = measured["changes"].set_index("kind")
    assert scores.loc["new", "f1"] > 0.9
    assert scores.loc["resolved", "f1"] > 0.9
    (whole,) = measured["pairs"].to_dict("records")
    assert whole["links_merged_split"] == whole["kept_merged_split"] == 4
    assert whole["registration_error_mm"] < 1
    assert whole["dice"] > 0.4
    kinds = measured["kinds"]
    right = kinds.loc[kinds["true"] == kinds["found"], "lesions"].sum()
    assert right > 0.7 * kinds["lesions"].sum()
    sizes = measured["sizes"]
    assert sizes.loc[sizes["kind"] == "new", "true"].sum() == 8
    tables: dict[str, list[pd.DataFrame]] = {}
    tracking._keep(tables, measured, SUBJECT, "changed-mild", trained=True)
    tracking._write(tables, tmp_path)
    tracking.show(tmp_path)
    assert "As what true changes were found" in capsys.readouterr().out


def test_a_pair_without_change_is_counted(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = pairs / "pairs" / "stable-noise"
    measured = tracking.measure_stable(dataset, SUBJECT, perfect(dataset))
    (row,) = measured["stable"].to_dict("records")
    assert row["new"] == row["resolved"] == 0
    assert row["lesions"] >= 4
    assert (measured["lesions"][["volume_before_mm3", "volume_after_mm3"]] > 0).all(axis=None)
    tables: dict[str, list[pd.DataFrame]] = {}
    tracking._keep(tables, measured, SUBJECT, "stable-noise", trained=True)
    tracking._write(tables, tmp_path)
    tracking.show(tmp_path)
    assert "Found in a pair in which nothing changes" in capsys.readouterr().out


def test_what_is_not_segmented_is_left_out(pairs: Path, tmp_path: Path) -> None:
    tracking.simulated(pairs, tmp_path / "out", TUNING, "")
    assert not (tmp_path / "out").exists()


def test_patients_are_on_one_side() -> None:
    assert not set(TUNING) & set(TEST)
    assert "mslessegP39" in TEST  # nothing is ever tuned on it


def test_every_condition_is_a_command_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "fsh_core.cli.follow_up.follow_up_command", lambda *words: asked.append(words) or []
    )
    for _, options in conditions():
        assert main(["simulate", str(tmp_path), "-o", str(tmp_path / "out"), *options]) == 0
    assert len(asked) == len(CHANGED) + len(STABLE)
    assert follow_up_command is not None


def test_sampling_takes_the_voxel_at_the_same_place() -> None:
    labels = np.zeros((4, 4, 4), dtype=np.int32)
    labels[1, 2, 3] = 5
    grid = Volume(labels, np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 1.0  # from the other grid's world to this one's: one mm to the right
    like = Volume(np.zeros((8, 4, 4)), np.diag([0.5, 1.0, 1.0, 1.0]))
    found = tracking._sampled(labels, grid, shifted, like)
    assert np.argwhere(found).tolist() == [[0, 2, 3]]
    assert found.max() == 5


def test_limits_come_from_the_tuning_patients_alone(tmp_path: Path) -> None:
    rows = [
        {"subject": subject, "side": side, "condition": "stable-noise", "kind": "stable"}
        | {"volume_before_mm3": 50.0, "volume_after_mm3": after}
        for subject, side, after in (("a", "tuning", 60.0), ("b", "test", 500.0))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "lesions.csv", index=False)
    file = tmp_path / "limits.json"
    tracking.write_repeatability(tmp_path, file)
    assert '"log_ratio": [\n    null,\n    0.182,' in file.read_text()
    assert '"subjects": [\n    "a"\n  ]' in file.read_text()
