"""What a record says of its scan and of where the lesions lie."""

import pandas as pd
import streamlit as st

from fsh_core.record import Record, RecordedQuality, RecordedRegions
from fsh_dashboard.data.tags import spelled
from fsh_dashboard.plain_text import plain
from fsh_dashboard.table_display import show_table

MARKS = {"pass": "✓", "caution": "△", "fail": "✕"}


def show_judgement(record: Record) -> None:
    """Show the quality of the scan, the regions and the criteria, as far as the record has them."""
    quality, regions = record.quality, record.regions
    if quality is None and regions is None:
        st.caption(
            "This record says nothing of quality and regions: it was made by an earlier F.sh. "
            "Segment it again."
        )
        return
    if quality is not None:
        show_quality(quality)
    if regions is not None:
        show_regions(regions)


def show_quality(quality: RecordedQuality) -> None:
    """Show the verdict on the scan; every check is one click away."""
    verdict = quality.verdict
    say = {"pass": st.success, "caution": st.warning}.get(verdict, st.error)
    say(
        f"Quality of the scan: {MARKS.get(verdict, '?')} {plain(verdict)}. {plain(quality.summary)}"
    )
    with st.expander("All checks"):
        rows = [
            {
                "verdict": f"{MARKS.get(check.verdict, '?')} {check.verdict}",
                "check": spelled(check.name),
                "reason": check.reason,
            }
            for check in quality.checks
        ]
        show_table(pd.DataFrame(rows), "checks", "Quality checks with their reasons")


def show_regions(regions: RecordedRegions) -> None:
    """Show counts and volumes by region and both readings of dissemination in space.

    Or why there are none.
    """
    told = regions.dissemination
    if told is None:
        st.info(f"No regions: {plain(regions.note or 'they were not found')}.")
        return
    counts, readings = st.columns([2, 3])
    rows = [
        {
            "region": name,
            "lesions": counted.count,
            "volume (ml)": counted.volume_ml,
        }
        for name, counted in told.regions.items()
    ]
    with counts:
        show_table(pd.DataFrame(rows), "regions", "Lesions and volume by region")
    for reading in told.readings:
        answer = "would suffice" if reading.fulfilled_here else "do not suffice"
        readings.markdown(
            f"**{plain(reading.title)}, dissemination in space:** the regions seen here {answer}."
        )
        readings.caption(plain(f"It asks for {reading.definition} ({reading.source})."))
    readings.caption(plain(f"Not assessed: {', '.join(told.not_assessed)}. {told.label}"))
