"""Every lesion of a cohort or of one case: table, filters, distributions, export."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_dashboard import loading, page
from fsh_dashboard.chart_files import offer_charts
from fsh_dashboard.choices import choose_case, follow_lesion, follow_point, row_of, tick
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.columns import LESIONS, label_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.queue_rules import certainty_column
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.data.tags import having, spelled, words_in
from fsh_dashboard.figures.distribution import distribution
from fsh_dashboard.figures.scatter import against, evenly_drawn
from fsh_dashboard.sections.lesion_viewer import chosen_lesion, record_of, show_lesion
from fsh_dashboard.sections.queue_buttons import offer_queue
from fsh_dashboard.table_display import page_of, show_table

TABLE_HEIGHT = 420
WORDS = ("region", "status", "flags")


def main() -> None:
    """Choose lesions, then show them."""
    opened = page.begin(
        "Lesions",
        "One row per lesion. Positions are millimetres towards right, anterior and superior.",
    )
    results = loading.choose_results(opened)
    case_place, filter_place = st.columns([5, 1], vertical_alignment="bottom")
    with case_place:
        case = choose_case(list(results.cases["case"]), "Case")
    lesions = results.lesions if case is None else results.lesions[results.lesions["case"] == case]
    if lesions.empty:
        st.info(
            "No lesion was found. This does not mean that there is none."
            if case
            else "No case has a lesion."
        )
        st.stop()
    if case:
        lesions = against_reference(opened, results, lesions, case)
    # Folded away, so that table and viewer are in sight on a small screen.
    with filter_place.popover("Filters", width="stretch"):
        lesions = choose_lesions(lesions)
    lesion = chosen_lesion(results, lesions, case)
    # The table has the room while there is nothing to show beside it.
    table_place, viewer_place = st.columns([4, 1] if lesion is None else [5, 6])
    with table_place:
        show_rows(lesions, case, lesion)
        offer_queue(opened, results, lesion, lesions)
    with viewer_place:
        show_lesion(opened, results, lesion)
    show_numbers(lesions)
    if len(lesions):
        show_distributions(lesions)
        offer_charts()


def against_reference(
    opened: Opened, results: Results, lesions: pd.DataFrame, case: str
) -> pd.DataFrame:
    """Add how much of each lesion of a case is in its reference, where there is one."""
    try:
        record, paths = case_files(opened, results.name, record_of(results, case))
        overlap = loading.overlap_of(opened, results.name, record, paths)
    except InputError:  # the viewer's place says why
        return lesions
    return lesions.assign(in_reference=lesions["label"].map(overlap)) if overlap else lesions


def choose_lesions(lesions: pd.DataFrame) -> pd.DataFrame:
    """Filter by size, certainty, border, and by whatever words the table holds."""
    lesions = in_range(lesions, "volume_mm3", "Volume", "(mm³)", "size")
    column = certainty_column(lesions) or "mean_probability"
    lesions = in_range(
        lesions, column, "Confidence" if column == "confidence" else "Probability", "", "sure"
    )
    if "touches_border" in lesions and st.toggle(
        "At the border", key="border", bind="query-params"
    ):
        lesions = lesions[lesions["touches_border"]]
    if "in_reference" in lesions and st.toggle("Only false", key="false", bind="query-params"):
        lesions = lesions[lesions["in_reference"] == 0]
    columns = [column for column in WORDS if column in lesions and lesions[column].notna().any()]
    for column in columns:
        choices = words_in(lesions[column])
        chosen = st.multiselect(
            label_of(column),
            choices,
            key=column,
            bind="query-params",
            placeholder="all",
            format_func=spelled,
        )
        lesions = lesions[having(lesions[column], chosen)] if chosen else lesions
    return lesions


def in_range(lesions: pd.DataFrame, column: str, label: str, unit: str, key: str) -> pd.DataFrame:
    """Keep the rows between two numbers; empty fields set no limit."""
    if column not in lesions:
        return lesions
    low_place, high_place = st.columns(2, vertical_alignment="bottom")
    low = low_place.number_input(
        f"{label} from {unit}", value=None, min_value=0.0, key=f"{key}from", bind="query-params"
    )
    high = high_place.number_input(
        f"to {unit}", value=None, min_value=0.0, key=f"{key}to", bind="query-params"
    )
    values = lesions[column]
    keep = pd.Series(True, lesions.index)
    keep &= values >= low if low is not None else True
    keep &= values <= high if high is not None else True
    return lesions[keep]


def show_numbers(lesions: pd.DataFrame) -> None:
    """The four numbers one asks for first."""
    columns = st.columns(4)
    columns[0].metric("Lesions", f"{len(lesions):,}")
    columns[1].metric("Cases", lesions["case"].nunique())
    columns[2].metric("Total volume", f"{lesions['volume_mm3'].sum() / 1000:,.2f} ml")
    median = lesions["volume_mm3"].median()
    columns[3].metric("Median lesion", f"{median:,.0f} mm³" if len(lesions) else "–")


def show_rows(lesions: pd.DataFrame, case: str | None, lesion: "pd.Series[Any] | None") -> None:
    """The table, largest first, and its exports."""
    extra = [
        column for column in lesions if column not in LESIONS and not is_technical(str(column))
    ]
    order = [
        column
        for column in (*LESIONS, *extra)
        if column in lesions and lesions[column].notna().any()
    ]
    # The case is not repeated where there is only one; clicks need it, so it stays in the rows
    # behind the table.
    hidden = ["case"] if lesions["case"].nunique() == 1 else []
    rows = lesions.sort_values(["volume_mm3", "case"], ascending=[False, True])[order].reset_index(
        drop=True
    )
    wanted = None if lesion is None else {"case": lesion["case"], "label": lesion["label"]}
    table = page_of(rows, "lesions", row_of(rows, wanted) if wanted else None)
    tick("lesions", row_of(table, wanted) if wanted else None)
    show_table(
        table.drop(columns=hidden),
        "lesions",
        "Lesions with size, probability and position",
        height=TABLE_HEIGHT,
        follow=partial(follow_lesion, "lesions", table),
    )
    name = f"fsh-lesions-{case}" if case else "fsh-lesions"
    page.offer_csv(lesions, f"{name}.csv", "Lesions as CSV (opens in Excel)")


def is_technical(column: str) -> bool:
    """Tell columns that only programs want: voxel indices, second positions, extents."""
    return column.startswith(("centroid_", "extent_", "inside_")) or column in (
        "subject",
        "session",
    )


def show_distributions(lesions: pd.DataFrame) -> None:
    """Histograms, and confidence against size."""
    st.subheader("Distributions")
    sure = certainty_column(lesions)
    wanted = [c for c in ("equivalent_diameter_mm", sure, "contrast") if c and c in lesions]
    for place, column in zip(st.columns(max(1, len(wanted))), wanted, strict=False):
        with place:
            chart = distribution(lesions, column, label_of(column), unit="Lesions")
            page.show_chart(chart, f"dist-{column}", f"Histogram of {label_of(column)}")
    if sure and "equivalent_diameter_mm" in lesions:
        st.subheader("Confidence against size")
        drawn = evenly_drawn(lesions, "volume_mm3")
        chart = against(
            drawn,
            ("equivalent_diameter_mm", label_of("equivalent_diameter_mm")),
            (sure, label_of(sure)),
        )
        page.show_chart(
            chart,
            "sure-size",
            f"{label_of(sure)} against diameter, a point per lesion",
            follow=partial(follow_point, "sure-size"),
        )
        sample = (
            f" Drawn are {len(drawn):,} of {len(lesions):,} lesions, evenly from the smallest to "
            "the largest."
        )
        st.caption(
            "Small and uncertain lesions, at the lower left, are where false ones gather. "
            f"A click opens the case.{sample if len(drawn) < len(lesions) else ''}"
        )


main()
