"""An agreement study of raters, or of repeated scans, as ``fsh agreement`` wrote it."""

import pandas as pd
import streamlit as st

from fsh_core.report.page import MISSING, show
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.pooled import RATER_COLUMNS, rater_means
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.studies.written import WrittenStudy
from fsh_dashboard import page
from fsh_dashboard.data.study_columns import named
from fsh_dashboard.figures.agreement import intervals
from fsh_dashboard.plain_text import plain
from fsh_dashboard.table_display import show_table

DRAWN = {"dice": "Dice", "lesion_f1": "Lesion F1"}
FIRST_NUMBERS = ("icc_2_1", "icc_3_1", "repeatability_coefficient", "within_case_sd", "cv_fraction")
MOST_DRAWN = 15  # pairs of raters
PAIR = 2
N_CASES = {"n_cases": "Scans of this rater."}


def show_raters(study: WrittenStudy) -> None:
    """Intraclass correlations and repeatability, every two raters, the consensus, every mask."""
    if "repeatability" in study.tables:
        show_repeatability(study.tables["repeatability"])
    if "matrix" in study.tables:
        show_matrix(study.tables["matrix"])
    if "ratings" in study.tables:
        show_consensus(study.tables["ratings"], study.consensus)
    for name, heading, meanings in (
        ("pairs", "Every scan, two by two", PAIR_COLUMNS),
        ("ratings", "Every mask", RATING_COLUMNS),
    ):
        if name in study.tables:
            with st.expander(heading):
                show_table(study.tables[name], name, heading, named=named(meanings))


def show_repeatability(table: pd.DataFrame) -> None:
    """How well volume and number of lesions are repeated."""
    st.subheader("Repeatability")
    for row in table.to_dict("records"):
        st.markdown(f"**{plain(row['quantity'])}**")
        with st.container(horizontal=True, gap="large"):
            for column in FIRST_NUMBERS:
                heading, meaning = named(REPEATABILITY_COLUMNS)[column]
                value = row[column]
                percent = f"{100 * value:.1f} %" if value == value else MISSING
                text = percent if column == "cv_fraction" else show(value, column)
                st.metric(heading, text, help=meaning, width="content")
    show_table(
        table,
        "repeatability",
        "Repeatability of volume and number of lesions",
        named=named(REPEATABILITY_COLUMNS),
    )
    st.caption(
        "Two measurements of a case differ by less than the repeatability coefficient in 95 % of "
        "cases. ICC(2,1) is absolute agreement, ICC(3,1) consistency; they need two patients, "
        "their 95 % intervals (McGraw and Wong 1996) five."
    )


def show_matrix(matrix: pd.DataFrame) -> None:
    """Every two raters: overlap with intervals, and the difference of their volumes."""
    st.subheader("Every two raters")
    pairs = matrix["rater_1"] + " – " + matrix["rater_2"]
    parts = [
        pd.DataFrame(
            {
                "metric": pairs,
                "group": name,
                "n": matrix["n_cases"],
                "n_patients": matrix["n_patients"],
                "mean": matrix[column],
                "ci_low": matrix[f"{column}_low"],
                "ci_high": matrix[f"{column}_high"],
            }
        )
        for column, name in DRAWN.items()
    ]
    drawn = pd.concat(parts).dropna(subset=["mean"])
    if len(drawn) and len(pairs) <= MOST_DRAWN:
        names = {name: name for name in pairs}
        page.show_chart(
            intervals(drawn.assign(median=None), names),
            "raters",
            "Mean Dice and lesion F1 of every two raters with 95 % intervals",
        )
    show_table(matrix, "matrix", "Every two raters", named=named(MATRIX_COLUMNS))
    st.caption(
        "Means over patients with 95 % bootstrap intervals, from five patients on; volumes: second "
        "minus first, with Bland and Altman's limits of agreement. CCC: Lin's concordance "
        "correlation (1989), 1 where both volumes are always the same."
    )


def show_consensus(ratings: pd.DataFrame, masks: int) -> None:
    """Each rater against the STAPLE consensus; nothing for repeated scans, which have none."""
    if ratings["consensus_dice"].isna().all():
        return
    st.subheader("Consensus (STAPLE)")
    table = rater_means(ratings)
    meanings = {name: RATING_COLUMNS[name] for name in ("rater", *RATER_COLUMNS)}
    show_table(table, "consensus", "Each rater and the consensus", named=named(meanings | N_CASES))
    said = (
        "Means over scans. The consensus is estimated from these masks; each rater is part of it."
    )
    if len(table) == PAIR:
        said += " Of two raters STAPLE cannot tell who is right: read it with three or more."
    if masks:
        said += f" {page.counted(masks, 'consensus mask')} beside the tables."
    st.caption(said)
