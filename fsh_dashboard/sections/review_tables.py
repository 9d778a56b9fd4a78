"""Tables about readers and queues under readable headings."""

import pandas as pd

from fsh_dashboard.table_display import show_table

TIMES = ("time", "begun", "latest", "signed", "locked")
HEADINGS = {
    "case": "Case",
    "lesions": "Lesions",
    "reason": "Why",
    "reader": "Reader",
    "status": "Status",
    "decided": "Decided",
    "accepted": "Accepted",
    "rejected": "Rejected",
    "unsure": "Unsure",
    "kept_lesions": "Lesions left",
    "kept_ml": "Volume left (ml)",
    "reading_time_s": "Reading time (s)",
    "acts": "Acts",
    "begun": "Begun (UTC)",
    "latest": "Latest event (UTC)",
    "note": "Note",
    "time": "Time (UTC)",
    "number": "No.",
    "act": "Event",
    "lesion": "Lesion",
    "what": "What",
    "label": "Lesion",
    "first": "Reader",
    "second": "Other reader",
    "status_1": "Says",
    "status_2": "Other says",
    "cases": "Cases",
    "alike": "Alike",
    "alike_fraction": "Alike (share)",
    "kappa": "Cohen's kappa",
    "role": "Role",
    "started": "Started",
    "completed": "Completed",
    "signed": "Signed",
    "minutes": "Minutes",
    "median_minutes": "Minutes a case (median)",
    "readers": "Readers",
    "signed_by": "Signed by",
    "stage": "Stage",
    "differing": "Lesions that differ",
    "final_reader": "Final reading",
    "locked": "Locked (UTC)",
    "difference": "Difference",
    "decision": "Adjudicated as",
    "by": "Login",
    "version": "Version",
}


def show(table: pd.DataFrame, key: str, alt: str) -> None:
    """Show a table under readable headings."""
    times = {
        name: table[name].str.slice(0, 19).str.replace("T", " ")
        for name in TIMES
        if name in table and not pd.api.types.is_numeric_dtype(table[name])
    }
    named = table.assign(**times).rename(columns=HEADINGS)
    show_table(named, key, alt)
