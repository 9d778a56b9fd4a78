"""Every lesion of a cohort or of one case: table, filters, distributions, export."""

from functools import partial

import pandas as pd
import streamlit as st

from fsh_dashboard import loading, page
from fsh_dashboard.columns import LESIONS, config_for, label_of
from fsh_dashboard.figures.cohort import against, distribution

TABLE_HEIGHT = 420


def main() -> None:
    """Choose lesions, then show them."""
    opened = page.begin(
        "Lesions", "One row per lesion. Positions are millimetres towards right, anterior and superior."
    )
    results = loading.choose_results(opened)
    case = loading.choose_case(list(results.cases["case"]), "Case")
    lesions = results.lesions if case is None else results.lesions[results.lesions["case"] == case]
    if lesions.empty:
        st.info("No lesion was found. This does not mean that there is none." if case else "No case has a lesion.")
        st.stop()
    lesions = choose_lesions(lesions)
    show_numbers(lesions)
    show_table(lesions, case)
    if len(lesions):
        show_distributions(lesions)


def choose_lesions(lesions: pd.DataFrame) -> pd.DataFrame:
    """Filter by size, confidence, border and whatever words the table holds."""
    size, sure, border, region = st.columns([3, 3, 1.6, 2], vertical_alignment="bottom")
    with size:
        lesions = in_range(lesions, "volume_mm3", "Volume", "(mm³)", "size")
    with sure:
        lesions = in_range(lesions, "mean_probability", "Probability", "", "sure")
    if "touches_border" in lesions and border.toggle("At the border", key="border", bind="query-params"):
        lesions = lesions[lesions["touches_border"]]
    if "region" in lesions:
        regions = sorted(lesions["region"].dropna().unique())
        chosen = region.multiselect("Region", regions, key="region", bind="query-params")
        lesions = lesions[lesions["region"].isin(chosen)] if chosen else lesions
    return lesions


def in_range(lesions: pd.DataFrame, column: str, label: str, unit: str, key: str) -> pd.DataFrame:
    """Keep the rows between two numbers; empty fields set no limit."""
    if column not in lesions:
        return lesions
    low_place, high_place = st.columns(2, vertical_alignment="bottom")
    low = low_place.number_input(
        f"{label} from {unit}", value=None, min_value=0.0, key=f"{key}from", bind="query-params"
    )
    high = high_place.number_input(f"to {unit}", value=None, min_value=0.0, key=f"{key}to", bind="query-params")
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


def show_table(lesions: pd.DataFrame, case: str | None) -> None:
    """The table, largest first, and its exports."""
    extra = [column for column in lesions if column not in LESIONS and not is_technical(str(column))]
    order = [column for column in (*LESIONS, *extra) if column in lesions]
    table = lesions.sort_values(["volume_mm3", "case"], ascending=[False, True])[order].reset_index(drop=True)
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=min(TABLE_HEIGHT, 36 * (len(table) + 1) + 2),
        column_config=config_for(table),
        key="lesions",
        placeholder="–",
        alt="Lesions with size, probability and position",
    )
    name = f"fsh-lesions-{case}" if case else "fsh-lesions"
    page.offer_csv(lesions, f"{name}.csv", "Lesions as CSV (opens in Excel)")


def is_technical(column: str) -> bool:
    """Tell columns that only programs want: voxel indices, second positions, extents."""
    return column.startswith(("centroid_", "extent_", "inside_")) or column in ("subject", "session")


def show_distributions(lesions: pd.DataFrame) -> None:
    """Histograms, and confidence against size."""
    st.subheader("Distributions")
    wanted = [c for c in ("equivalent_diameter_mm", "mean_probability", "contrast") if c in lesions]
    for place, column in zip(st.columns(max(1, len(wanted))), wanted, strict=False):
        with place:
            chart = distribution(lesions, column, label_of(column), unit="Lesions")
            page.show_chart(chart, f"dist-{column}", f"Histogram of {label_of(column)}")
    if {"mean_probability", "equivalent_diameter_mm"} <= set(lesions):
        st.subheader("Confidence against size")
        chart = against(
            lesions,
            ("equivalent_diameter_mm", label_of("equivalent_diameter_mm")),
            ("mean_probability", label_of("mean_probability")),
        )
        st.altair_chart(
            chart,
            key="sure-size",
            on_select=partial(loading.follow_point, "sure-size"),
            selection_mode="point",
            alt="Mean probability against diameter, a point per lesion",
        )
        st.caption(
            "Small and uncertain lesions, at the lower left, are where false ones gather. A click opens the case."
        )


main()
