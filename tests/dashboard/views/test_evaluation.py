"""Evaluation: what the commands wrote is shown, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

OpenPage = Callable[..., AppTest]


def table(app: AppTest, column: str, *more: str) -> pd.DataFrame:
    """The first table of the page that has these columns."""
    return next(
        frame.value for frame in app.dataframe if {column, *more} <= set(frame.value.columns)
    )


def test_scores_are_those_of_the_command(
    scored: Path, open_page: OpenPage, words_of: Callable[[AppTest], str]
) -> None:
    app = open_page("evaluation", scored, study="scores")
    assert not app.exception
    summary = pd.read_csv(scored / "scores" / "summary.csv", na_values="n/a")
    shown = table(app, "metric", "meaning", "ci_low")
    for column in ("mean", "ci_low", "ci_high", "median", "n", "n_patients"):
        pd.testing.assert_series_equal(shown[column], summary[column], check_dtype=False)
    assert shown["metric"].tolist()[:2] == ["Dice", "Normalised Dice"]
    assert "Dice coefficient" in shown["meaning"][0]
    assert [(m.label, m.value) for m in app.metric][:2] == [("Patients", "6"), ("Scans", "7")]
    mean = summary.set_index("metric").loc["dice", "mean"]
    assert app.metric[2].value == f"{mean:.3f}"
    sizes = table(app, "size")
    cases = pd.read_csv(scored / "scores" / "cases.csv", na_values="n/a")
    assert sizes["reference_lesions"].sum() == cases["reference_lesions"].sum()
    row = summary.set_index("metric").loc["lesion_precision_3_to_10mm"]
    found = sizes.set_index("size").loc["3 to 10 mm"]
    assert found["lesion_precision"] == row["mean"]
    assert found["lesion_precision_low"] == row["ci_low"]
    limits = pd.read_csv(scored / "scores" / "volumes.csv").set_index(["scale", "load"])
    assert table(app, "load")["bias"][0] == limits.loc[("ml", "all"), "bias"]
    words = words_of(app)
    assert f"bias {limits.loc[('ml', 'all'), 'bias']:+.2f} ml" in words
    assert "Not known in 7 scans" in words  # there is no scan, so no region


def test_raters_show_icc_repeatability_and_consensus(
    scored: Path, open_page: OpenPage, read: Callable[[str], str]
) -> None:
    app = open_page("evaluation", scored, study="raters")
    assert not app.exception
    written = pd.read_csv(scored / "raters" / "repeatability.csv", na_values="n/a")
    shown = table(app, "icc_2_1", "repeatability_coefficient")
    pd.testing.assert_frame_equal(shown, written, check_dtype=False)
    assert (app.metric[0].label, app.metric[0].value) == (
        "ICC(2,1)",
        f"{written['icc_2_1'][0]:.3f}",
    )
    assert app.metric[0].help.startswith("Intraclass correlation for absolute agreement")
    assert read(app.markdown[0].value) == "**lesion volume (ml)**"
    matrix = pd.read_csv(scored / "raters" / "matrix.csv", na_values="n/a")
    pd.testing.assert_frame_equal(table(app, "dice_low"), matrix, check_dtype=False)
    assert len(table(app, "n_cases", "staple_sensitivity")) == 3
    assert any("7 consensus masks beside the tables" in one.value for one in app.caption)


def test_repeated_scans_have_no_consensus(scored: Path, open_page: OpenPage) -> None:
    app = open_page("evaluation", scored, study="retest")
    assert not app.exception
    assert "Consensus (STAPLE)" not in [one.value for one in app.subheader]


def test_two_methods_are_compared_as_written(scored: Path, open_page: OpenPage) -> None:
    app = open_page("evaluation", scored, study="compared")
    assert not app.exception
    written = pd.read_csv(scored / "compared" / "comparison.csv", na_values="n/a")
    shown = table(app, "wilcoxon_p")
    for column in ("mean_difference", "ci_low", "wilcoxon_p"):
        pd.testing.assert_series_equal(shown[column], written[column], check_dtype=False)
    choices = app.selectbox(key="study").options
    assert choices == [
        "compared",
        "raters",
        "retest",
        "scores",
        "compared/first",
        "compared/second",
    ]


@pytest.mark.parametrize(("study", "file"), [("scores", "summary"), ("raters", "matrix")])
def test_what_is_broken_is_named_and_the_rest_is_shown(
    scored: Path, open_page: OpenPage, study: str, file: str
) -> None:
    (scored / study / f"{file}.csv").write_text("nothing\n1\n")
    app = open_page("evaluation", scored, study=study)
    assert not app.exception
    assert app.expander[0].label == ":orange[1 file or value was skipped]"
    assert app.text[0].value.startswith(f"{study}/{file}.csv: expected the column")


def test_a_table_that_leads_out_is_refused(
    scored: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    path = scored / "scores" / "cases.csv"
    path.rename(tmp_path / "cases.csv")
    path.symlink_to(tmp_path / "cases.csv")
    app = open_page("evaluation", scored, study="scores")
    assert not app.exception
    assert "leads out of the opened folder" in app.text[0].value


def test_without_a_study_it_says_how_to_make_one(study: Path, open_page: OpenPage) -> None:
    app = open_page("evaluation", study)
    assert not app.exception
    assert "No evaluation and no agreement study" in app.info[0].value
    assert app.code[0].value.startswith(f"fsh evaluate {study}/derivatives/fsh REFERENCES -o")
