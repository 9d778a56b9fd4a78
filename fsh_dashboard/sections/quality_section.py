"""What a record says of its scan and of where the lesions lie."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

MARKS = {"pass": "✓", "caution": "△", "fail": "✕"}


def show_judgement(record: Mapping[str, Any]) -> None:
    """Show the quality of the scan, the regions and the criteria, as far as the record has them."""
    quality, regions = record.get("quality"), record.get("regions")
    if not isinstance(quality, dict) and not isinstance(regions, dict):
        st.caption(
            "This record says nothing of quality and regions: it was made by an earlier F.sh. Segment it again."
        )
        return
    if isinstance(quality, dict):
        show_quality(quality)
    if isinstance(regions, dict):
        show_regions(regions)


def show_quality(quality: Mapping[str, Any]) -> None:
    """Show the verdict on the scan; every check is one click away."""
    verdict = str(quality.get("verdict", "unknown"))
    say = {"pass": st.success, "caution": st.warning}.get(verdict, st.error)
    say(f"Quality of the scan: {MARKS.get(verdict, '?')} {verdict}. {quality.get('summary', '')}")
    with st.expander("All checks"):
        rows = [
            {
                "verdict": f"{MARKS.get(check['verdict'], '?')} {check['verdict']}",
                "check": check["name"].replace("_", " "),
                "reason": check["reason"],
            }
            for check in quality.get("checks", [])
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def show_regions(regions: Mapping[str, Any]) -> None:
    """Show counts and volumes by region and both readings of dissemination in space, or why there are none."""
    told = regions.get("dissemination")
    if not isinstance(told, dict):
        st.info(f"No regions: {regions.get('note', 'they were not found')}.")
        return
    counts, readings = st.columns([2, 3])
    rows = [
        {"region": name.replace("_", " "), "lesions": one["count"], "volume (ml)": one["volume_ml"]}
        for name, one in told["regions"].items()
    ]
    counts.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    for one in told["readings"]:
        answer = "would suffice" if one["fulfilled_here"] else "do not suffice"
        readings.markdown(
            f"**{one['title']}, dissemination in space:** the regions seen here {answer}."
        )
        readings.caption(f"It asks for {one['definition']} ({one['source']}).")
    readings.caption(f"Not assessed: {', '.join(told['not_assessed'])}. {told['label']}")
