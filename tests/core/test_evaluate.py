"""From two folders of masks to tables: which file belongs to which, and what is written."""

import json

import numpy as np
import pandas as pd
import pytest

from fsh_core.errors import Cancelled, InputError
from fsh_core.evaluation.compare import CASE_COLUMNS, evaluate_case, evaluate_folders, write_evaluation
from fsh_core.evaluation.pairs import match_masks
from fsh_core.imaging.volume import Volume, save_like

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
SHAPE = (20, 20, 16)


def mask(start=5):
    """A lesion of 5 x 5 x 4 voxels of 3 mm3: 0.3 ml."""
    data = np.zeros(SHAPE, dtype=bool)
    data[start : start + 5, 5:10, 5:9] = True
    return Volume(data, AFFINE)


def put(path, volume=None):
    volume = volume or mask()
    save_like(volume.data, volume, path)
    return path


def names(pairs):
    return [pair.name for pair in pairs]


def test_one_case_in_numbers():
    row = evaluate_case(mask(5), mask(6)).row()
    assert list(row) == [column for column in CASE_COLUMNS if column != "case"]
    assert row["dice"] == row["f1"] == pytest.approx(0.8)
    assert row["reference_ml"] == row["prediction_ml"] == pytest.approx(0.3)
    assert row["volume_difference_ml"] == 0.0
    assert row["hd95_mm"] == pytest.approx(1.0)
    assert row["lesion_f1"] == 1.0
    assert (row["reference_lesions"], row["detected_lesions"], row["false_lesions"]) == (1, 1, 0)
    assert (row["reference_lesions_3_to_10mm"], row["lesion_sensitivity_3_to_10mm"]) == (1, 1.0)
    assert np.isnan(row["lesion_sensitivity_below_3mm"])


def test_lesions_below_the_minimum_volume_are_not_counted():
    reference, prediction = mask(), mask()
    prediction.data[18, 18, 14] = True
    assert evaluate_case(reference, prediction).row()["false_lesions"] == 1
    assert evaluate_case(reference, prediction, minimum_volume_mm3=4.0).row()["false_lesions"] == 0


def test_a_brain_mask_restricts_the_voxels():
    brain = np.zeros(SHAPE, dtype=bool)
    brain[5:11, 5:10, 5:9] = True
    assert evaluate_case(mask(5), mask(6), brain).voxel.true_negative_voxels == 0


def test_least_overlap_reaches_the_lesions():
    assert evaluate_case(mask(5), mask(6), minimum_overlap_fraction=0.9).row()["detected_lesions"] == 0


def test_masks_on_other_grids_are_refused():
    with pytest.raises(InputError, match="prediction: must have the affine of reference"):
        evaluate_case(mask(), Volume(mask().data, np.eye(4)))


def test_bids_masks_match_by_subject_and_session_at_any_depth(tmp_path):
    for name in ("sub-01_ses-1", "sub-01_ses-2", "sub-02"):
        put(tmp_path / "refs" / name.split("_")[0] / "anat" / f"{name}_label-L_mask.nii.gz")
        put(tmp_path / "out" / "fsh" / name.split("_")[0] / f"{name}_space-orig_label-L_mask.nii.gz")
    put(tmp_path / "refs" / "sub-01" / "anat" / "sub-01_ses-1_label-brain_mask.nii.gz")
    put(tmp_path / "out" / "fsh" / "sub-01" / "sub-01_ses-1_space-orig_label-L_desc-raw_mask.nii.gz")
    pairs, failures = match_masks(tmp_path / "out", tmp_path / "refs")
    assert names(pairs) == ["sub-01_ses-1", "sub-01_ses-2", "sub-02"]
    assert all("desc-raw" not in pair.prediction.name for pair in pairs)
    assert failures == []


def test_a_described_mask_counts_where_there_is_no_other(tmp_path):
    put(tmp_path / "refs" / "sub-01_label-L_desc-rater1_mask.nii.gz")
    put(tmp_path / "out" / "sub-01_label-L_mask.nii.gz")
    assert names(match_masks(tmp_path / "out", tmp_path / "refs")[0]) == ["sub-01"]


def test_plain_folders_match_by_file_name(tmp_path):
    for name in ("case_001.nii.gz", "case_002.nii"):
        put(tmp_path / "labelsTs" / name)
        put(tmp_path / "predicted" / name.replace(".nii.gz", ".nii"))
    (tmp_path / "predicted" / "dataset.json").write_text("{}")
    put(tmp_path / "predicted" / "deeper" / "case_003.nii.gz")
    (tmp_path / "predicted" / "._case_001.nii.gz").write_bytes(b"resource fork")
    pairs, failures = match_masks(tmp_path / "predicted", tmp_path / "labelsTs")
    assert names(pairs) == ["case_001", "case_002"]
    assert failures == []


@pytest.mark.parametrize("plain", ["case_01.nii.gz", "sub-case01.nii.gz"])
def test_output_of_fsh_matches_the_plain_references_it_was_made_from(tmp_path, plain):
    put(tmp_path / "labelsTs" / plain)
    put(tmp_path / "out" / "sub-case01" / "anat" / "sub-case01_space-orig_label-L_mask.nii.gz")
    assert names(match_masks(tmp_path / "out", tmp_path / "labelsTs")[0]) == ["sub-case01"]


def test_two_files_are_one_pair(tmp_path):
    prediction, reference = put(tmp_path / "p.nii.gz", mask(6)), put(tmp_path / "P39_label-L_mask.nii.gz")
    evaluation = evaluate_folders(prediction, reference)
    assert evaluation.cases["case"].tolist() == ["P39_label-L_mask"]
    assert evaluation.cases["dice"].tolist() == pytest.approx([0.8])


def test_no_case_is_dropped_in_silence(tmp_path):
    refs, out = tmp_path / "refs", tmp_path / "out"
    for name in ("both", "missing", "truncated", "shifted", "labels"):
        put(refs / f"{name}.nii.gz")
    for name in ("both", "extra", "truncated"):
        put(out / f"{name}.nii.gz")
    put(out / "shifted.nii.gz", Volume(mask().data, AFFINE + np.eye(4)[3] * 2))
    put(out / "labels.nii.gz", Volume(mask().data.astype(np.int16) * 7, AFFINE))
    whole = (out / "truncated.nii.gz").read_bytes()
    (out / "truncated.nii.gz").write_bytes(whole[: len(whole) // 2])
    seen = []
    evaluation = evaluate_folders(out, refs, on_case=lambda done, total: seen.append((done, total)))
    assert evaluation.cases["case"].tolist() == ["both"]
    reasons = dict(evaluation.failures)
    assert set(reasons) == {"missing", "extra", "truncated", "shifted", "labels"}
    assert "has no prediction" in reasons["missing"]
    assert "has no reference" in reasons["extra"]
    assert "ends early or is damaged" in reasons["truncated"]
    assert "must have the affine" in reasons["shifted"]
    assert "must hold only 0 and 1, found 7" in reasons["labels"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_several_masks_of_a_case_are_a_failure(tmp_path):
    put(tmp_path / "refs" / "sub-01_label-L_mask.nii.gz")
    for space in ("orig", "MNI"):
        put(tmp_path / "out" / f"sub-01_space-{space}_label-L_mask.nii.gz")
    pairs, failures = match_masks(tmp_path / "out", tmp_path / "refs")
    assert pairs == []
    assert failures[0][0] == "sub-01"
    assert "must have one prediction" in failures[0][1]
    assert "found 2" in failures[0][1]


def test_references_are_not_compared_with_themselves(tmp_path):
    manual = tmp_path / "derivatives" / "manual"
    reference = put(manual / "sub-01_label-L_mask.nii.gz")
    pairs, failures = match_masks(tmp_path, manual)
    assert pairs == []
    assert "is both prediction and reference" in failures[0][1]
    with pytest.raises(InputError, match="is both prediction and reference; name two files"):
        match_masks(reference, reference)


def test_paths_that_cannot_be_compared_are_refused(tmp_path):
    file, empty = put(tmp_path / "full" / "a.nii.gz"), tmp_path / "empty"
    empty.mkdir()
    put(tmp_path / "other" / "b.nii.gz")
    with pytest.raises(InputError, match="gone: no such file or folder"):
        match_masks(tmp_path / "gone", file)
    with pytest.raises(InputError, match="must be two files or two folders"):
        match_masks(file, tmp_path / "full")
    with pytest.raises(InputError, match=r"empty: expected masks .* found none"):
        match_masks(tmp_path / "full", empty)
    with pytest.raises(InputError, match=r"no mask here belongs to one in .* for example a and b"):
        match_masks(tmp_path / "full", tmp_path / "other")


def test_a_folder_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    put(tmp_path / "p" / "a.nii.gz")
    put(tmp_path / "r" / "a.nii.gz")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("fsh_core.evaluation.pairs.niftis_in", refuse)
    with pytest.raises(InputError, match=r"p: cannot be read \(Permission denied\); check its permissions"):
        match_masks(tmp_path / "p", tmp_path / "r")


def test_cancelling_from_the_callback(tmp_path):
    put(tmp_path / "p" / "a.nii.gz")
    put(tmp_path / "r" / "a.nii.gz")

    def stop(done, total):
        raise Cancelled("stopped by the user")

    with pytest.raises(Cancelled, match="stopped"):
        evaluate_folders(tmp_path / "p", tmp_path / "r", on_case=stop)


def test_tables_are_written_and_read_back(tmp_path):
    for name, start in (("a", 5), ("b", 7)):
        put(tmp_path / "r" / f"{name}.nii.gz")
        put(tmp_path / "p" / f"{name}.nii.gz", mask(start))
    put(tmp_path / "p" / "c.nii.gz")
    evaluation = evaluate_folders(tmp_path / "p", tmp_path / "r")
    written = write_evaluation(evaluation, tmp_path / "new" / "out")
    assert [path.name for path in written] == ["cases.csv", "summary.csv", "failures.csv", "columns.json"]
    cases = pd.read_csv(written[0])
    assert list(cases.columns) == list(CASE_COLUMNS)
    assert cases["dice"].tolist() == pytest.approx([1.0, 0.6])
    assert cases["lesion_sensitivity_below_3mm"].isna().all()
    assert "n/a" in written[0].read_text()
    summary = pd.read_csv(written[1], index_col="metric")
    assert summary.loc["dice", "mean"] == pytest.approx(0.8)
    assert summary.loc["dice", "median"] == pytest.approx(0.8)
    assert summary.loc["dice", "ci_low"] < 0.8 < summary.loc["dice", "ci_high"]
    assert pd.read_csv(written[2])["case"].tolist() == ["c"]
    assert json.loads(written[3].read_text())["cases.csv"] == CASE_COLUMNS


def test_no_failures_leave_no_older_list_behind(tmp_path):
    put(tmp_path / "p" / "a.nii.gz")
    put(tmp_path / "r" / "a.nii.gz")
    (tmp_path / "failures.csv").write_text("case,reason\nold,old\n")
    write_evaluation(evaluate_folders(tmp_path / "p", tmp_path / "r"), tmp_path)
    assert (tmp_path / "failures.csv").read_text() == "case,reason\n"


def test_when_every_case_fails_the_tables_are_empty_but_whole(tmp_path):
    put(tmp_path / "r" / "a.nii.gz")
    put(tmp_path / "p" / "a.nii.gz", Volume(np.zeros((20, 20, 17), bool), AFFINE))
    evaluation = evaluate_folders(tmp_path / "p", tmp_path / "r")
    assert len(evaluation.failures) == 1
    paths = write_evaluation(evaluation, tmp_path / "out")
    assert pd.read_csv(paths[0]).empty
    assert pd.read_csv(paths[1]).empty


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    put(tmp_path / "p" / "a.nii.gz")
    put(tmp_path / "r" / "a.nii.gz")
    (tmp_path / "file").write_text("")
    evaluation = evaluate_folders(tmp_path / "p", tmp_path / "r")
    with pytest.raises(InputError, match="cannot be written"):
        write_evaluation(evaluation, tmp_path / "file")
