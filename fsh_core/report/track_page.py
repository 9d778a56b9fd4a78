"""HTML page about the visits of a patient: whether they compare, what changed, and pictures."""

import math
from pathlib import Path

import numpy as np

from fsh_core.figures.change import draw_changes, draw_volumes
from fsh_core.follow_up import RecordedPair, RecordedVisit, TrackRecord
from fsh_core.follow_up.dates import DAYS_A_YEAR
from fsh_core.follow_up.tables import between, in_reading_order
from fsh_core.quality.check import Verdict, worst
from fsh_core.report.page import (
    MISSING,
    Number,
    Row,
    Section,
    Table,
    show,
    show_interval,
    write_page,
)
from fsh_core.studies.counting import counted
from fsh_core.tracking import CHANGE_COLUMNS, REASONS, Track
from fsh_core.tracking.comparability import NOTHING_FOUND, VERDICTS

MOST_PICTURES = 16  # of changes between two visits
_COUNTED = ("new", "enlarging", "shrinking", "resolved", "merged", "split", "stable", "uncertain")
_LEAST_DAYS = 30.0  # a rate per year from less would be a guess


def write_track_page(record: TrackRecord, track: Track, path: Path) -> None:
    """Write the page of a patient's visits.

    Parameters
    ----------
    record : TrackRecord
        Visits, pairs and settings.
    track : Track
        What was found.
    path : Path
        Ends in .html.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    verdict = worst(*(pair.comparability.verdict for pair in track.pairs))
    sections = [_reliability(record, verdict), _volume_section(record)]
    for position, pair in enumerate(record.pairs):
        sections += _pair_sections(pair, track, position)
    names = " → ".join(visit.name for visit in record.visits)
    write_page(
        path,
        f"sub-{record.subject}: changes between visits",
        f"Visits {names} (in the order of {_ORDER_WORDS[record.order]})",
        _numbers(record, verdict),
        sections,
        _definitions(),
    )


_ORDER_WORDS = {
    "dates": "their dates",
    "names": "their names, without dates",
    "as given": "the command",
}


def _numbers(record: TrackRecord, verdict: Verdict) -> list[Number]:
    numbers = [Number("Visits", str(len(record.visits))), Number("Comparison", verdict)]
    for kind in ("new", "enlarging", "shrinking", "resolved"):
        total = sum(pair.counts.get(kind, 0) for pair in record.pairs)
        numbers.append(Number(kind.capitalize(), str(total)))
    first, last = record.visits[0], record.visits[-1]
    change = last.lesion_volume_ml - first.lesion_volume_ml
    numbers.append(Number("Change of the volume", show(change, "_ml", signed=True), "ml"))
    return numbers


def _reliability(record: TrackRecord, verdict: Verdict) -> Section:
    """Whether the visits can be compared: it stands first."""
    points = []
    for pair in record.pairs:
        said = "; ".join(pair.reasons) or NOTHING_FOUND
        points.append(f"{pair.earlier} → {pair.later}: {pair.verdict} ({said})")
    for visit in record.visits:
        if visit.quality not in (None, "pass"):
            points.append(f"Scan of {visit.name}: quality {visit.quality}")
        if visit.reader is not None:
            points.append(f"Lesions of {visit.name}: as corrected by {visit.reader}")
    return Section("Can these visits be compared?", VERDICTS[verdict], points=points)


def _volume_section(record: TrackRecord) -> Section:
    rows = [_visit_row(visit) for visit in record.visits]
    days = [record.days_since_first(position) for position in range(len(record.visits))]
    figure = draw_volumes(
        [visit.name for visit in record.visits],
        None if None in days else [day for day in days if day is not None],
        [visit.lesion_volume_ml for visit in record.visits],
        [visit.interval_ml for visit in record.visits],
    )
    headings = [("Visit", ""), ("Date", ""), ("Lesions", ""), ("Volume", "ml"),
                ("Interval", "ml"), ("Lesions by", "")]  # fmt: skip
    return Section(
        "Volume over time",
        figure=figure,
        figure_says="Lesion volume of each visit",
        table=Table(headings, rows),
        note="Each visit was segmented alone. Bar: where a reader's volume is expected. The "
        "difference of two volumes is less certain than either.",
    )


def _visit_row(visit: RecordedVisit) -> list[str]:
    low, high = visit.interval_ml or (math.nan, math.nan)
    return [
        visit.name,
        (visit.date or MISSING)[:10],
        str(visit.lesion_count),
        show(visit.lesion_volume_ml, "_ml"),
        show_interval(low, high, "_ml"),
        visit.reader or "F.sh",
    ]


def _pair_sections(pair: RecordedPair, track: Track, position: int) -> list[Section]:
    """Counts and pictures of what changed between two visits."""
    changes = track.changes
    seen = in_reading_order(between(changes, pair.earlier, pair.later))
    title = f"{pair.earlier} → {pair.later}"
    counts = [f"{pair.counts.get(kind, 0)} {kind}" for kind in _COUNTED if pair.counts.get(kind)]
    text = (", ".join(counts) or "No lesions in either visit") + "."
    if pair.days is not None:
        text += f" {pair.days:.0f} days apart"
        active = pair.counts.get("new", 0)
        if abs(pair.days) >= _LEAST_DAYS:
            text += f": {active * DAYS_A_YEAR / abs(pair.days):.1f} new lesions a year"
        text += "."
    sure = seen[seen["kind"] != "uncertain"]
    pictures = sure.head(MOST_PICTURES)
    columns = ["centre_r_mm", "centre_a_mm", "centre_s_mm"]
    places = [
        (f"{row['change']} {row['kind']}", np.asarray([row[name] for name in columns], dtype=float))
        for row in pictures.to_dict("records")
    ]
    visits = (track.visits[position], track.visits[position + 1])
    figure = draw_changes(track.pairs[position], visits, places) if places else None
    left = len(sure) - len(pictures)
    note = "Blue outline: lesions of the earlier visit. Orange: of the later one. Difference: "
    note += "orange is brighter, blue darker; full colour from 8 standard deviations."
    if left:
        note += f" {counted(left, 'more change')} stand in the table."
    table = Table(_HEADINGS, [_change_row(row) for row in seen.to_dict("records")])
    return [
        Section(title, text, figure, f"Changes between {title}", note=note if places else ""),
        *([Section(f"{title}: every change", table=table)] if len(seen) else []),
    ]


_HEADINGS = (
    ("No.", ""),
    ("Kind", ""),
    ("Before", "mm³"),
    ("After", "mm³"),
    ("Change", "%"),
    ("Limit", "%"),
    ("Difference", "SD"),
    ("Confidence", ""),
    ("Why uncertain", ""),
)


def _change_row(row: Row) -> list[str]:
    def number(name: str, digits: int = 0) -> str:
        value = float(str(row[name]))
        return f"{value:,.{digits}f}" if np.isfinite(value) else MISSING

    kind = str(row["kind"])
    if row["size_change"] not in ("", kind):
        kind += f", {row['size_change']}"
    return [
        str(row["change"]),
        kind,
        number("volume_before_mm3"),
        number("volume_after_mm3"),
        number("volume_change_percent"),
        number("limit_percent"),
        number("difference_sd", 1),
        number("confidence", 2),
        str(row["reason"]),
    ]


def _definitions() -> dict[str, str]:
    return {
        "New": "Not in the earlier visit grown by one voxel, at least 3 mm long, and brighter than "
        "before.",
        "Resolved": "The same with the visits swapped.",
        "Enlarging, shrinking": "Changed by more than 30 % and by more than the limit, in the "
        "segmentation and in the difference of the scans.",
        "Merged, split": "Several lesions became one, or one became several.",
        "Uncertain": "Segmentation and difference of the scans do not agree, or the change is less "
        "than F.sh's own repeatability.",
        **{reason.capitalize(): meaning for reason, meaning in REASONS.items()},
        "Limit": CHANGE_COLUMNS["limit_percent"],
        "Difference": CHANGE_COLUMNS["difference_sd"],
        "Confidence": CHANGE_COLUMNS["confidence"],
    }
