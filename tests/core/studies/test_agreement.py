"""Several raters, or several scans: which masks belong together, and what the command writes."""

import json
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from fsh_core.cli import main
from fsh_core.errors import Cancelled, InputError
from fsh_core.studies.agreement import measure_agreement
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.consensus import staple
from fsh_core.studies.raters import distinct_names, match_raters, match_sessions
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.volume.volume import Volume, load_mask, save_like

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
SHAPE = (20, 20, 16)
EMPTY = np.zeros(SHAPE, dtype=bool)


def lesion(start=5, length=5):
    """A box of ``length`` x 5 x 4 voxels of 3 mm3: 0.06 ml a slice."""
    data = EMPTY.copy()
    data[start : start + length, 5:10, 5:9] = True
    return data


def voxel():
    data = EMPTY.copy()
    data[9, 9, 9] = True
    return data


def put(path, data, affine=AFFINE):
    save_like(data, Volume(data, affine), path)
    return path


@pytest.fixture
def three_raters(tmp_path):
    """Raters r1, r2, r3: r2 draws a slice more, r3 moves by one; case b is half as long."""
    for name, length in (("a", 10), ("b", 5)):
        put(tmp_path / "r1" / f"{name}.nii.gz", lesion(3, length))
        put(tmp_path / "r2" / f"{name}.nii.gz", lesion(3, length + 1))
        put(tmp_path / "r3" / f"{name}.nii.gz", lesion(4, length))
    return [tmp_path / name for name in ("r1", "r2", "r3")]


def test_folders_match_by_case(three_raters):
    put(three_raters[0] / "c.nii.gz", lesion())
    study = match_raters(three_raters)
    assert study.raters == ("r1", "r2", "r3")
    assert [case.name for case in study.cases] == ["a", "b"]
    assert [path.parent.name for path in study.cases[0].masks] == ["r1", "r2", "r3"]
    assert study.failures[0][0] == "c"
    assert "has no mask in" in study.failures[0][1]


def test_files_are_one_case_called_by_what_they_share(tmp_path):
    paths = [
        put(tmp_path / f"sub-01_label-L_desc-{who}_mask.nii.gz", lesion())
        for who in ("anna", "ben")
    ]
    study = match_raters(paths)
    assert study.cases[0].name == "sub-01_label-L"
    assert study.raters == ("sub-01_label-L_desc-anna_mask", "sub-01_label-L_desc-ben_mask")
    same = [put(tmp_path / who / "sub-01.nii.gz", lesion()) for who in ("anna", "ben")]
    assert match_raters(same).cases[0].name == "sub-01"
    assert match_raters(same).raters == ("anna", "ben")
    other = [put(tmp_path / f"{who}.nii.gz", lesion()) for who in ("x", "y")]
    assert match_raters(other).cases[0].name == "case"


def test_names_hold_as_much_of_the_path_as_keeps_them_apart(tmp_path):
    def named(*paths):
        return distinct_names([tmp_path / path for path in paths])

    assert named("a/fsh", "b/other") == ("fsh", "other")
    assert named("a/fsh", "b/fsh") == ("a", "b")
    assert named("a/x/fsh", "b/x/fsh", "b/y/fsh") == ("a/x", "b/x", "b/y")
    with pytest.raises(ValueError, match="paths must differ"):
        named("a", "a")


def test_one_rater_is_one_sentence(tmp_path, capsys):
    put(tmp_path / "r1" / "a.nii.gz", lesion())
    assert main(["agreement", str(tmp_path / "r1"), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(
        r"fsh: agreement needs the masks of at least two raters, found only .*r1; name another",
        said,
    )
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="found none"):
        match_raters([])


def test_what_cannot_be_a_study_is_refused(tmp_path, three_raters):
    file = three_raters[0] / "a.nii.gz"
    with pytest.raises(InputError, match="gone: no such file or folder"):
        match_raters([tmp_path / "gone", file])
    with pytest.raises(InputError, match="is named twice, and would agree with itself"):
        match_raters([file, three_raters[1] / "a.nii.gz", file])
    with pytest.raises(InputError, match="must be all files or all folders, found the file"):
        match_raters([file, three_raters[1]])
    put(tmp_path / "r4" / "z.nii.gz", lesion())
    with pytest.raises(InputError, match="no case has one mask in each of these folders"):
        match_raters([three_raters[0], tmp_path / "r4"])


def test_sessions_of_a_subject_are_its_scans(tmp_path):
    for subject, sessions in (("01", "ab"), ("02", "xy"), ("03", "a")):
        for session in sessions:
            put(
                tmp_path / f"sub-{subject}" / f"sub-{subject}_ses-{session}_label-L_mask.nii.gz",
                lesion(),
            )
    study = match_sessions(tmp_path)
    assert study.raters == ("scan 1", "scan 2")
    assert [case.name for case in study.cases] == ["sub-01", "sub-02"]
    assert [path.name[7:12] for path in study.cases[1].masks] == ["ses-x", "ses-y"]
    assert study.failures == [("sub-03", "sub-03: must have 2 sessions as the others, has 1")]


def test_no_repeated_scan_is_one_sentence(tmp_path):
    put(tmp_path / "sub-01_ses-a_label-L_mask.nii.gz", lesion())
    with pytest.raises(InputError, match="expected masks of two or more sessions of a subject"):
        match_sessions(tmp_path)
    with pytest.raises(InputError, match="expected a folder with masks of several sessions"):
        match_sessions(tmp_path / "gone")


def test_three_raters_in_numbers(three_raters, tmp_path):
    seen = []
    found = measure_agreement(
        match_raters(three_raters),
        tmp_path / "c",
        on_case=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 2), (2, 2)]
    assert list(found.pairs.columns) == list(PAIR_COLUMNS)
    first = found.pairs.iloc[0]
    assert (first["case"], first["rater_1"], first["rater_2"]) == ("a", "r1", "r2")
    assert first["dice"] == pytest.approx(2 * 10 / 21)
    assert first["lesion_f1"] == 1.0
    assert (first["volume_1_ml"], first["volume_2_ml"]) == pytest.approx((0.6, 0.66))
    assert first["volume_difference_ml"] == pytest.approx(0.06)
    matrix = found.matrix.set_index(["rater_1", "rater_2"])
    assert list(found.matrix.columns) == list(MATRIX_COLUMNS)
    assert matrix.loc[("r1", "r2"), "dice"] == pytest.approx((20 / 21 + 10 / 11) / 2)
    assert matrix.loc[("r1", "r3"), "volume_bias_ml"] == 0
    # Two patients have no limits and no interval: they would be their minimum and maximum.
    assert np.isnan(matrix.loc[("r1", "r2"), ["volume_upper_ml", "dice_low"]].astype(float)).all()
    # Two of the three say slices 3 to 12 and 13: the consensus of a is r2, of b as well.
    ratings = found.ratings.set_index(["case", "rater"])
    assert list(found.ratings.columns) == list(RATING_COLUMNS)
    consensus = load_mask(tmp_path / "c" / "a_label-L_desc-staple_mask.nii.gz").data
    assert ratings.loc[("a", "r2"), "consensus_ml"] == pytest.approx(consensus.sum() * 0.003)
    assert (consensus == lesion(3, 11)).all()
    assert ratings.loc[("a", "r1"), "consensus_dice"] == pytest.approx(2 * 10 / 21)
    assert ratings.loc[("a", "r1"), "staple_sensitivity"] == pytest.approx(10 / 11, abs=0.01)
    assert [path.name[0] for path in found.consensus] == ["a", "b"]
    volumes = found.repeatability.set_index("quantity").loc["lesion volume (ml)"]
    assert volumes["n_cases"] == 2
    # 0.60, 0.66, 0.60 and 0.30, 0.36, 0.30 differ by constants only.
    assert volumes["icc_3_1"] == pytest.approx(1)
    assert volumes["within_case_sd"] == pytest.approx(np.std([0.6, 0.66, 0.6], ddof=1))


def test_agreement_is_the_same_from_both_sides(three_raters):
    here = measure_agreement(match_raters(three_raters[:2]))
    there = measure_agreement(match_raters(three_raters[1::-1]))
    for column in ("dice", "lesion_f1"):
        assert here.pairs[column].tolist() == there.pairs[column].tolist()
    assert (
        here.pairs["volume_difference_ml"].tolist()
        == (-there.pairs["volume_difference_ml"]).tolist()
    )


def test_empty_masks_and_single_voxels(tmp_path):
    for name, one, other in (
        ("both", EMPTY, EMPTY),
        ("one", EMPTY, lesion()),
        ("voxel", voxel(), voxel()),
    ):
        put(tmp_path / "r1" / f"{name}.nii.gz", one)
        put(tmp_path / "r2" / f"{name}.nii.gz", other)
    found = measure_agreement(match_raters([tmp_path / "r1", tmp_path / "r2"]))
    pairs = found.pairs.set_index("case")
    assert pairs["dice"].to_dict() == {"both": 1.0, "one": 0.0, "voxel": 1.0}
    assert pairs["lesion_f1"].to_dict() == {"both": 1.0, "one": 0.0, "voxel": 1.0}
    ratings = found.ratings.set_index(["case", "rater"])
    assert ratings.loc[("both", "r1"), ["lesions", "consensus_ml", "consensus_dice"]].tolist() == [
        0,
        0,
        1,
    ]
    assert np.isnan(ratings.loc[("both", "r1"), "staple_sensitivity"])
    assert ratings.loc[("voxel", "r2"), ["lesions", "consensus_dice"]].tolist() == [1, 1]


def test_other_grids_are_a_failure_of_raters_but_not_of_scans(tmp_path):
    put(tmp_path / "r1" / "a.nii.gz", lesion())
    put(tmp_path / "r2" / "a.nii.gz", lesion(), np.diag([1.0, 1.0, 2.0, 1.0]))
    study = match_raters([tmp_path / "r1", tmp_path / "r2"])
    raters = measure_agreement(study)
    assert raters.ratings.empty
    assert "must have the affine" in raters.failures[0][1]
    scans = measure_agreement(study, repeated_scans=True)
    assert scans.failures == []
    assert np.isnan(scans.pairs.loc[0, "dice"])
    assert scans.pairs.loc[0, "volume_difference_ml"] == pytest.approx(-0.1)
    assert scans.ratings["consensus_ml"].isna().all()
    volumes = scans.repeatability.iloc[0]
    assert volumes["cv_fraction"] == pytest.approx(np.std([0.3, 0.2], ddof=1) / 0.25)


def test_cancelling_from_the_callback(three_raters):
    def stop(done, total):
        raise Cancelled("stopped by the user")

    with pytest.raises(Cancelled, match="stopped"):
        measure_agreement(match_raters(three_raters), on_case=stop)


def test_the_command_writes_tables_page_and_consensus(three_raters, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["agreement", *map(str, three_raters), "-o", str(out), "--consensus"]) == 0
    said = capsys.readouterr()
    assert "3 masks each of 2 patients, 2 scans" in said.out
    assert said.err == ""
    names = {
        "matrix.csv",
        "repeatability.csv",
        "pairs.csv",
        "ratings.csv",
        "failures.csv",
        "columns.json",
    }
    assert {path.name for path in out.iterdir()} == names | {"agreement.html", "consensus"}
    meanings = json.loads((out / "columns.json").read_text())
    for name, columns in (
        ("matrix.csv", MATRIX_COLUMNS),
        ("repeatability.csv", REPEATABILITY_COLUMNS),
    ):
        assert list(pd.read_csv(out / name).columns) == list(columns) == list(meanings[name])
    page = (out / "agreement.html").read_text()
    assert 'src="http' not in page
    assert "default-src 'none'" in page
    assert page.count("data:image/png;base64,") == 1
    assert "Agreement of raters" in page


def test_the_same_input_gives_the_same_bytes(three_raters, tmp_path):
    for name in ("one", "two"):
        assert (
            main(["agreement", *map(str, three_raters), "-o", str(tmp_path / name), "--consensus"])
            == 0
        )
    files = [
        path.relative_to(tmp_path / "one")
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
    ]
    assert len(files) == 9
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_repeated_scans_have_no_consensus(tmp_path, capsys):
    for session, length in (("a", 10), ("b", 9)):
        put(tmp_path / "in" / f"sub-01_ses-{session}_label-L_mask.nii.gz", lesion(3, length))
    out = tmp_path / "out"
    assert main(["agreement", str(tmp_path / "in"), "--retest", "--consensus", "-o", str(out)]) == 0
    page = (out / "agreement.html").read_text()
    assert "Repeated scans" in page
    assert "STAPLE" not in page
    assert not (out / "consensus").exists()
    # One case: a coefficient of variation, but no correlation.
    assert (
        "coefficient of variation 7.4 %; intraclass correlations need cases that differ"
        in capsys.readouterr().out
    )
    assert "Limits of agreement need at least five patients." in page


def test_a_case_that_cannot_be_used_is_named_everywhere(three_raters, tmp_path, capsys):
    put(three_raters[1] / "a.nii.gz", lesion().astype(np.int16) * 7)
    out = tmp_path / "out"
    assert main(["agreement", *map(str, three_raters), "-o", str(out)]) == 2
    assert "must hold only 0 and 1, found 7" in capsys.readouterr().err
    assert "must hold only 0 and 1, found 7" in (out / "failures.csv").read_text()
    assert "must hold only 0 and 1, found 7" in (out / "agreement.html").read_text()


def test_when_no_case_can_be_used_the_tables_are_whole(three_raters, tmp_path):
    for name in ("a", "b"):
        put(three_raters[1] / f"{name}.nii.gz", np.zeros((20, 20, 17), dtype=bool))
    out = tmp_path / "out"
    assert main(["agreement", *map(str, three_raters), "-o", str(out)]) == 2
    assert pd.read_csv(out / "pairs.csv").empty
    assert pd.read_csv(out / "matrix.csv")["n_cases"].tolist() == [0, 0, 0]


def test_whatever_fails_in_a_case_the_others_go_on(three_raters, tmp_path, capsys, monkeypatch):
    def fail_on_large(masks):
        if masks[0].sum() == lesion(3, 10).sum():
            raise MemoryError
        return staple(masks)

    monkeypatch.setattr("fsh_core.studies.agreement.staple", fail_on_large)
    out = tmp_path / "out"
    assert main(["agreement", *map(str, three_raters), "-o", str(out)]) == 2
    assert "a: " in capsys.readouterr().err
    assert pd.read_csv(out / "failures.csv")["case"].tolist() == ["a"]
    assert set(pd.read_csv(out / "pairs.csv")["case"]) == {"b"}


def test_a_session_with_two_masks_is_named(tmp_path, capsys):
    for subject, session in (("01", "a"), ("01", "b"), ("02", "a"), ("02", "b")):
        put(tmp_path / "in" / f"sub-{subject}_ses-{session}_label-L_mask.nii.gz", lesion())
    put(tmp_path / "in" / "more" / "sub-02_ses-b_label-L_mask.nii.gz", lesion())
    out = tmp_path / "out"
    assert main(["agreement", str(tmp_path / "in"), "--retest", "-o", str(out)]) == 2
    assert "sub-02_ses-b: must have one mask in" in capsys.readouterr().err
    assert set(pd.read_csv(out / "ratings.csv")["case"]) == {"sub-01"}
    assert "sub-02" in (out / "agreement.html").read_text()


def test_a_consensus_that_cannot_be_written_ends_the_study(three_raters, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "consensus").write_text("a file")
    arguments = ["agreement", *map(str, three_raters), "--consensus", "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "consensus" in said
    assert "Traceback" not in said


def test_names_from_outside_are_escaped(tmp_path):
    for rater in ("<i>r1", "r2"):
        put(tmp_path / rater / "<b>case.nii.gz", lesion())
    assert (
        main(
            [
                "agreement",
                str(tmp_path / "<i>r1"),
                str(tmp_path / "r2"),
                "-o",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )
    page = (tmp_path / "out" / "agreement.html").read_text()
    assert "<b>case" not in page
    assert "<i>r1" not in page
    assert "<b>case" in unescape(page)
