"""What the commands wrote is read back as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.cli import main
from fsh_core.errors import InputError
from fsh_core.studies.evaluate import evaluate_folders, write_evaluation
from fsh_core.studies.pooled import lesions_by_region, lesions_by_size, rater_means
from fsh_core.studies.written import kind_of_study, read_study
from fsh_core.volume.volume import Volume, save_like

GRID = Volume(np.zeros((24, 24, 16), dtype=bool), np.diag([1.0, 1.0, 3.0, 1.0]))


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Two patients: a large lesion that is found, and, in the second, a voxel that is not."""
    for name, small in (("sub-007", False), ("sub-8", True)):
        truth = GRID.data.copy()
        truth[2:6, 2:6, 2:4] = True
        save_like(truth, GRID, tmp_path / "found" / f"{name}_label-L_mask.nii.gz")
        truth[12, 12, 6] = small
        save_like(truth, GRID, tmp_path / "truth" / f"{name}_label-L_mask.nii.gz")
    return tmp_path


def test_an_evaluation_is_read_back_as_it_was(masks: Path) -> None:
    evaluation = evaluate_folders(masks / "found", masks / "truth")
    evaluation.cases["trained_on"] = np.array([True, None], dtype=object)
    write_evaluation(evaluation, masks / "scores")
    assert kind_of_study(masks / "scores") == "evaluation"
    study = read_study(masks / "scores")
    assert study.problems == ()
    for name, table in (("cases", evaluation.cases), ("summary", evaluation.summary)):
        pd.testing.assert_frame_equal(study.tables[name], table, check_dtype=False)
    pd.testing.assert_frame_equal(study.tables["volumes"], evaluation.volumes, check_dtype=False)
    assert study.evaluation is not None
    assert study.evaluation.trained_on == ["sub-007"]


@pytest.mark.parametrize("counts", [True, False])
def test_it_is_known_whether_training_patients_count(masks: Path, counts: bool) -> None:
    evaluation = evaluate_folders(masks / "found", masks / "truth")
    evaluation.cases["trained_on"] = np.array([True, False], dtype=object)
    kept = evaluation.cases if counts else evaluation.cases.iloc[1:]
    summary = evaluation.summary.assign(n=len(kept), n_missing=0)
    write_evaluation(evaluation._replace(summary=summary), masks / "scores")
    found = read_study(masks / "scores").evaluation
    assert found is not None
    assert found.with_training_patients is counts
    assert list(found.counted["case"]) == list(kept["case"])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("scale,load,n\nml,all,much\n", "could not convert string to float"),
        ("scale\nml\n", "expected the column load, found none of that name"),
        ('scale\n"ml\n', "expected a table with commas"),
        (None, "No such file"),
    ],
)
def test_a_broken_table_is_named_and_the_others_are_read(
    masks: Path, broken: str | None, said: str
) -> None:
    write_evaluation(evaluate_folders(masks / "found", masks / "truth"), masks / "scores")
    path = masks / "scores" / "volumes.csv"
    path.unlink()
    if broken is not None:
        path.write_text(broken)
    study = read_study(masks / "scores")
    assert len(study.problems) == 1
    assert str(path) in study.problems[0]
    assert said in study.problems[0]
    assert sorted(study.tables) == ["cases", "failures", "summary"]


def test_a_study_of_an_earlier_version_is_read_without_what_it_lacks(masks: Path) -> None:
    out = masks / "raters"
    assert main(["agreement", str(masks / "truth"), str(masks / "found"), "-o", str(out)]) == 0
    now = read_study(out).tables["matrix"]
    assert "volume_ccc" in now
    table = pd.read_csv(out / "matrix.csv")
    table.drop(columns=[name for name in table if "ccc" in name]).to_csv(
        out / "matrix.csv", index=False
    )
    study = read_study(out)
    assert study.problems == ()
    assert study.tables["matrix"]["volume_ccc"].isna().all()
    assert list(study.tables["matrix"]) == list(now)


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "columns.json").write_text("{}")
    assert kind_of_study(tmp_path) is None
    with pytest.raises(InputError, match="expected the tables of fsh evaluate or fsh agreement"):
        read_study(tmp_path)


def test_lesions_are_pooled_by_size_and_region(masks: Path) -> None:
    cases = evaluate_folders(masks / "found", masks / "truth").cases
    sizes = lesions_by_size(cases).set_index("size")
    counts = ["reference_lesions", "detected_lesions", "prediction_lesions", "false_lesions"]
    assert sizes.loc["below_3mm", counts].tolist() == [1, 0, 0, 0]
    assert sizes.loc["3_to_10mm", counts].tolist() == [2, 2, 2, 0]
    row = {"reference_lesions": 2, "detected_lesions": 1, "prediction_lesions": 3}
    row |= {"false_lesions": 2, "reference_ml": 0.5, "prediction_ml": 1.0}
    regions = pd.DataFrame(
        [row | {"case": name, "region": "deep", "dice": dice, "note": ""} for name, dice in
         (("a", 0.5), ("b", np.nan))]
        + [{"case": "c", "region": "", "note": "no scan"}]
    )  # fmt: skip
    found = lesions_by_region(regions).set_index("region").loc["deep"]
    assert found.tolist() == [4, 2, 6, 4, 1.0, 2.0, 0.5]


def test_raters_are_averaged_over_cases_in_their_order() -> None:
    ratings = pd.DataFrame({"case": list("aabb"), "rater": ["z", "a"] * 2})
    ratings["volume_ml"], ratings["consensus_dice"] = [1.0, 2, 3, 6], [0.5, 1, 0.7, np.nan]
    ratings["staple_sensitivity"] = ratings["staple_specificity"] = 1.0
    found = rater_means(ratings).set_index("rater")
    assert list(found.index) == ["z", "a"]
    assert found["volume_ml"].tolist() == [2, 4]
    assert found["consensus_dice"].tolist() == pytest.approx([0.6, 1.0])
    assert found["n_cases"].tolist() == [2, 2]
