"""From two folders of masks to tables: which file belongs to which, and what is written."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from fsh_core.cli import main
from fsh_core.errors import Cancelled, InputError
from fsh_core.evaluation.regions import REGION_COLUMNS
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.evaluate import (
    CASE_COLUMNS,
    STUDY_COLUMNS,
    evaluate_case,
    evaluate_folders,
    was_trained_on,
    write_evaluation,
)
from fsh_core.studies.paired import PAIRED_COLUMNS
from fsh_core.studies.pairs import match_masks
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.studies.statistics import SUMMARY_COLUMNS
from fsh_core.studies.volume_agreement import VOLUME_COLUMNS
from fsh_core.tables import read_table
from fsh_core.volume.volume import Volume, save_like
from tests.conftest import REPOSITORY

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
    assert (row["prediction_lesions_3_to_10mm"], row["false_lesions_3_to_10mm"]) == (1, 0)
    assert row["lesion_precision_3_to_10mm"] == 1.0
    # Four of five slices in common: an overlap of 80 %, an intersection over union of 4/6.
    assert [row[f"lesion_f1_{rule}"] for rule in ("overlap10", "overlap25", "msseg", "iou50")] == [
        1,
        1,
        1,
        1,
    ]
    assert row["segmentation_quality"] == row["panoptic_quality"] == pytest.approx(4 / 6)


def test_normalised_dice_by_hand():
    # 100 of 6,400 voxels are lesion, 80 are found, 20 are false; 0.1 % would be a mean case.
    scale = (100 / 6300) / (0.001 / 0.999)
    assert evaluate_case(mask(5), mask(6)).row()["normalised_dice"] == pytest.approx(
        160 / (160 + 20 + 20 * scale)
    )


@pytest.mark.parametrize("length", [1, 5, 12])
def test_calling_everything_a_lesion_is_worth_the_same_at_every_load(length):
    reference = np.zeros(SHAPE, dtype=bool)
    reference[2 : 2 + length, 5:10, 5:9] = True
    everything = np.ones(SHAPE, dtype=bool)
    assert voxel_metrics(reference, everything).normalised_dice == pytest.approx(2 * 0.001 / 1.001)


def test_normalised_dice_is_dice_at_the_mean_load():
    reference, prediction = mask(5).data, mask(7).data
    found = voxel_metrics(reference, prediction, lesion_fraction=100 / 6400)
    assert found.normalised_dice == pytest.approx(found.dice) == pytest.approx(0.6)
    with pytest.raises(ValueError, match="lesion_fraction must be between 0 and 1, got 1"):
        voxel_metrics(reference, prediction, lesion_fraction=1)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"), [(0, 0, 1.0), (0, 1, 0.0), (1, 0, 0.0), (1, 1, 1.0)]
)
def test_normalised_dice_of_empty_and_full_masks(reference, prediction, expected):
    full = [np.full((2, 2, 2), bool(value)) for value in (reference, prediction)]
    assert voxel_metrics(*full).normalised_dice == expected


def test_every_column_of_two_empty_masks_is_defined():
    empty = Volume(np.zeros(SHAPE, dtype=bool), AFFINE)
    row = evaluate_case(empty, empty).row()
    undefined = {column for column, value in row.items() if np.isnan(value)}
    assert undefined == {
        column
        for column in CASE_COLUMNS
        if column.startswith(("lesion_sensitivity_", "lesion_prec"))
    } - {"lesion_precision"}
    assert all(
        row[column] == 1
        for column in row
        if column.startswith("lesion_f1") or column.endswith("quality")
    )


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
    assert (
        evaluate_case(mask(5), mask(6), minimum_overlap_fraction=0.9).row()["detected_lesions"] == 0
    )


def test_masks_on_other_grids_are_refused():
    with pytest.raises(InputError, match="prediction: must have the affine of reference"):
        evaluate_case(mask(), Volume(mask().data, np.eye(4)))


def test_bids_masks_match_by_subject_and_session_at_any_depth(tmp_path):
    for name in ("sub-01_ses-1", "sub-01_ses-2", "sub-02"):
        put(tmp_path / "refs" / name.split("_")[0] / "anat" / f"{name}_label-L_mask.nii.gz")
        put(
            tmp_path / "out" / "fsh" / name.split("_")[0] / f"{name}_space-orig_label-L_mask.nii.gz"
        )
    put(tmp_path / "refs" / "sub-01" / "anat" / "sub-01_ses-1_label-brain_mask.nii.gz")
    put(
        tmp_path / "out" / "fsh" / "sub-01" / "sub-01_ses-1_space-orig_label-L_desc-raw_mask.nii.gz"
    )
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
    prediction, reference = (
        put(tmp_path / "p.nii.gz", mask(6)),
        put(tmp_path / "P39_label-L_mask.nii.gz"),
    )
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

    monkeypatch.setattr("fsh_core.studies.mask_files.niftis_in", refuse)
    with pytest.raises(
        InputError, match=r"p: cannot be read \(Permission denied\); check its permissions"
    ):
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
    assert [path.name for path in written] == [
        "cases.csv",
        "summary.csv",
        "volumes.csv",
        "failures.csv",
        "columns.json",
    ]
    cases = pd.read_csv(written[0])
    assert list(cases.columns) == list(STUDY_COLUMNS)
    assert cases["dice"].tolist() == pytest.approx([1.0, 0.6])
    assert cases["lesion_sensitivity_below_3mm"].isna().all()
    assert "n/a" in written[0].read_text()
    summary = pd.read_csv(written[1], index_col="metric")
    assert summary.loc["dice", "mean"] == pytest.approx(0.8)
    assert summary.loc["dice", "median"] == pytest.approx(0.8)
    assert summary.loc["dice", ["ci_low", "ci_high"]].isna().all()  # two patients
    assert pd.read_csv(written[3])["case"].tolist() == ["c"]
    assert json.loads(written[4].read_text())["cases.csv"] == STUDY_COLUMNS


@pytest.fixture
def trained_on_two(tmp_path, segmentation_record):
    """Six patients of two visits; the weights learned from sub-0 and sub-1, on which they shine."""
    for subject in range(6):
        for visit in "ab":
            name = f"sub-{subject}_ses-{visit}"
            put(tmp_path / "r" / f"{name}_label-L_mask.nii.gz")
            start = 5 if subject < 2 else 6
            folder = tmp_path / "p" / f"sub-{subject}" / f"ses-{visit}" / "anat"
            put(folder / f"{name}_space-orig_label-L_mask.nii.gz", mask(start))
            segmentation_record(folder, str(subject), visit, ["0", "sub-1", "elsewhere"])
    return tmp_path


def test_patients_that_the_weights_learned_from_are_marked_and_out_of_means(trained_on_two, capsys):
    paths = [str(trained_on_two / name) for name in "pr"]
    out = trained_on_two / "out"
    assert main(["evaluate", *paths, "-o", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "4 patients, 8 scans" in said
    assert "The weights learned from the patients of 4 cases (sub-0_ses-a," in said
    cases = read_table(out / "cases.csv")
    assert cases["trained_on"].tolist() == [True] * 4 + [False] * 8
    summary = read_table(out / "summary.csv").set_index("metric")
    assert summary.loc["dice", ["n", "n_patients"]].tolist() == [8, 4]
    assert summary.loc["dice", "mean"] == pytest.approx(0.8)
    volumes = read_table(out / "volumes.csv")
    assert volumes["n_patients"].iloc[0] == 4
    page = (out / "evaluation.html").read_text()
    assert "sub-0_ses-a (trained on)" in page
    assert "left out of all means" in page
    assert main(["evaluate", *paths, "-o", str(out), "--with-training-patients"]) == 0
    assert "which makes these too good" in " ".join(capsys.readouterr().out.split())
    summary = read_table(out / "summary.csv").set_index("metric")
    assert summary.loc["dice", ["n", "n_patients"]].tolist() == [12, 6]
    assert summary.loc["dice", "mean"] == pytest.approx((2 * 1 + 4 * 0.8) / 6)


def test_a_comparison_leaves_them_out_too(trained_on_two, capsys):
    out = trained_on_two / "out"
    for subject in range(6):
        put(trained_on_two / "q" / f"sub-{subject}_ses-a_label-L_mask.nii.gz", mask(5))
    paths = [str(trained_on_two / name) for name in "pqr"]
    main(["evaluate", "--compare", *paths, "-o", str(out)])
    comparison = read_table(out / "comparison.csv").set_index("metric")
    assert comparison.loc["dice", ["n", "n_patients"]].tolist() == [4, 4]
    assert comparison.loc["dice", "mean_difference"] == pytest.approx(0.2)
    assert (
        "The weights learned from the patients of 4 cases" in (out / "comparison.html").read_text()
    )


def test_the_screen_says_patients_and_scans(tmp_path, capsys, monkeypatch):
    """14 patients of 4 visits are not 56 patients."""
    for case in (f"sub-{number:02d}_ses-{visit}" for number in range(7) for visit in "abcd"):
        for folder, start in (("p", 6), ("q", 7), ("r", 5)):
            put(tmp_path / folder / f"{case}_label-L_mask.nii.gz", mask(start))
    first, second, references = (str(tmp_path / name) for name in "pqr")
    monkeypatch.setenv("COLUMNS", "80")
    for words, sizes in (
        ([first, references], ["7", "28"]),
        (["--compare", first, second, references], ["7", "(28)"]),
    ):
        assert main(["evaluate", *words, "-o", str(tmp_path / "out")]) == 0
        lines = capsys.readouterr().out.replace("│", " ").splitlines()
        assert lines[0].strip().startswith("7 patients, 28 scans")
        dice = next(line for line in lines if line.split()[:1] == ["dice"]).split()
        assert dice[-len(sizes) :] == sizes or dice[-len(sizes) - 1 : -1] == sizes
        assert not any("…" in line for line in lines)  # no number is cut off


def test_a_mask_without_a_record_is_of_unknown_weights(tmp_path):
    assert was_trained_on(put(tmp_path / "sub-1_space-orig_label-L_mask.nii.gz")) is None
    (tmp_path / "sub-1_seg-lesions_dseg.json").write_text("{")
    assert was_trained_on(tmp_path / "sub-1_space-orig_label-L_mask.nii.gz") is None


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


@pytest.fixture
def two_methods(tmp_path):
    """Eight references, a method off by one voxel, and one off by two in half of them."""
    for number in range(8):
        name = f"case{number}.nii.gz"
        put(tmp_path / "refs" / name, mask(5))
        put(tmp_path / "unet" / name, mask(6))
        put(tmp_path / "fsh" / name, mask(5 if number < 4 else 7))
    return tmp_path


def test_the_command_writes_a_page_that_loads_nothing(two_methods, capsys):
    out = two_methods / "out"
    assert (
        main(["evaluate", str(two_methods / "unet"), str(two_methods / "refs"), "-o", str(out)])
        == 0
    )
    assert "panoptic_quality" in capsys.readouterr().out
    page = (out / "evaluation.html").read_text()
    assert "default-src 'none'" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<td>case") == 8
    assert "Volume difference (ml)" in page


def test_two_methods_are_compared(two_methods, capsys):
    paths = [str(two_methods / name) for name in ("unet", "fsh", "refs")]
    out = two_methods / "out"
    assert main(["evaluate", "--compare", *paths, "-o", str(out)]) == 0
    assert "unet (first) and fsh (second)" in capsys.readouterr().out
    table = pd.read_csv(out / "comparison.csv", index_col="metric")
    assert [table.index.name, *table.columns] == list(PAIRED_COLUMNS)
    dice = table.loc["dice"]
    assert (dice["n"], dice["n_higher"], dice["n_lower"]) == (8, 4, 4)
    assert (dice["mean_first"], dice["mean_second"]) == pytest.approx((0.8, 0.8))
    assert dice["mean_difference"] == pytest.approx(0)
    assert dice["wilcoxon_p"] == pytest.approx(1)
    assert pd.read_csv(out / "first" / "cases.csv")["dice"].tolist() == pytest.approx([0.8] * 8)
    assert pd.read_csv(out / "second" / "cases.csv")["dice"].tolist() == pytest.approx(
        [1.0] * 4 + [0.6] * 4
    )
    page = (out / "comparison.html").read_text()
    assert "fsh minus unet" in page
    assert page.count("data:image/png;base64,") == 1


def test_a_case_that_one_method_lacks_is_not_compared_but_named(two_methods, capsys):
    (two_methods / "fsh" / "case3.nii.gz").unlink()
    paths = [str(two_methods / name) for name in ("unet", "fsh", "refs")]
    assert main(["evaluate", "--compare", *paths, "-o", str(two_methods / "out")]) == 2
    assert "case3: has no prediction in" in capsys.readouterr().err
    assert pd.read_csv(two_methods / "out" / "comparison.csv")["n"].max() == 7
    assert "case3: has no prediction in" in (two_methods / "out" / "comparison.html").read_text()


def test_a_comparison_without_a_common_case_is_one_sentence(two_methods, capsys):
    put(two_methods / "other" / "case9.nii.gz")
    put(two_methods / "refs" / "case9.nii.gz")
    paths = [str(two_methods / name) for name in ("unet", "other", "refs")]
    assert main(["evaluate", "--compare", *paths, "-o", str(two_methods / "out")]) == 2
    assert "no case could be evaluated in both" in capsys.readouterr().err
    assert not (two_methods / "out").exists()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["unet"], "evaluate needs predictions and references, got 1 path"),
        (["unet", "fsh", "refs"], "got 3 paths; to compare two methods add --compare"),
        (
            ["--compare", "unet", "refs"],
            "evaluate needs two methods' predictions and the references .*, got 2 paths",
        ),
        (["--compare", "unet", "unet", "refs"], "unet: is named as both methods"),
        (["--compare", "unet", "gone", "refs"], "gone: no such file or folder"),
    ],
)
def test_the_wrong_paths_are_one_sentence(two_methods, capsys, names, expected):
    paths = [name if name.startswith("--") else str(two_methods / name) for name in names]
    assert main(["evaluate", *paths, "-o", str(two_methods / "out")]) == 2
    assert re.search(expected, capsys.readouterr().err)
    assert not (two_methods / "out").exists()


def test_a_page_is_written_even_when_every_case_fails(tmp_path):
    put(tmp_path / "r" / "a.nii.gz")
    put(tmp_path / "p" / "a.nii.gz", Volume(np.zeros((20, 20, 17), bool), AFFINE))
    assert (
        main(["evaluate", str(tmp_path / "p"), str(tmp_path / "r"), "-o", str(tmp_path / "out")])
        == 2
    )
    assert "must have the shape" in (tmp_path / "out" / "evaluation.html").read_text()


def test_the_docs_explain_every_column():
    text = (REPOSITORY / "docs" / "evaluation.md").read_text()
    tables = (
        STUDY_COLUMNS,
        PAIRED_COLUMNS,
        REGION_COLUMNS,
        MATRIX_COLUMNS,
        PAIR_COLUMNS,
        RATING_COLUMNS,
    )
    for columns in (*tables, REPEATABILITY_COLUMNS, SUMMARY_COLUMNS, VOLUME_COLUMNS):
        for name, meaning in columns.items():
            assert f"| `{name}` | {meaning} |" in text
