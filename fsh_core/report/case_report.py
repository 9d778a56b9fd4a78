"""The page about a case: its numbers, pictures and tables in reading order."""

import math
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

import pandas as pd
from matplotlib.figure import Figure

from fsh_core.derivatives import Illustrate
from fsh_core.figures import all_slices, close_ups, glance, to_png, triptych
from fsh_core.figures.slices import Mask
from fsh_core.files import write_atomically
from fsh_core.pipeline import Segmentation
from fsh_core.record import RecordedQuality, RecordedRegions
from fsh_core.report.facts import Row, format_ml, list_facts
from fsh_core.report.html import embed, render
from fsh_core.report.page import Number
from fsh_core.report.reference_agreement import reference_agreement
from fsh_core.report.table import TABLE_NOTE, lesion_cells

LARGEST_SHOWN = 12
_TEMPLATE = Path(__file__).with_name("report.html")
_drawing = Lock()  # one case at a time: matplotlib is not made for threads
_MARKS = {"pass": "✓", "caution": "△", "fail": "✕"}


def write_report(
    segmentation: Segmentation,
    path: str | Path,
    reference: Mask | None = None,
    evaluation: Mapping[str, float] | None = None,
) -> None:
    """Write the report of a case.

    The page asks for nothing from outside: pictures and style are inside the file.

    Parameters
    ----------
    segmentation : Segmentation
        What was found.
    path : path
        Ends in .html.
    reference : (I, J, K) bool or None
        Lesions drawn by an expert, outlined beside the prediction.
    evaluation : mapping of str to float or None
        Agreement with the reference by the names of
        `fsh_core.studies.evaluate.CASE_COLUMNS`; the main ones are shown.

    Raises
    ------
    InputError
        If the file cannot be written; nothing is left behind.
    """
    record, lesions = segmentation.record, segmentation.lesions
    headings, rows = lesion_cells(lesions)
    page = render(
        _TEMPLATE,
        title=record.case,
        subtitle=Path(record.flair.path).name,
        numbers=_headline(segmentation),
        brain=_sentence(record.brain.note),
        brain_is_known=record.brain.source != "none",
        quality=_quality(record.quality),
        regions=_regions(record.regions),
        pictures=_pictures(segmentation, reference),
        least_sure="uncertainty" in lesions,
        evaluation=reference_agreement(evaluation or {}),
        trained_on=record.was_trained_on() is True,
        headings=headings,
        rows=rows[:LARGEST_SHOWN],
        rest=rows[LARGEST_SHOWN:],
        table_note=TABLE_NOTE,
        threshold=record.settings.threshold,
        minimum_volume_mm3=record.settings.minimum_volume_mm3,
        facts=list_facts(record),
        version=record.version,
    )
    write_atomically(path, page)


def illustrate(
    segmentation: Segmentation,
    reference: Mask | None = None,
    evaluation: Mapping[str, float] | None = None,
) -> Illustrate:
    """Return a function that draws a case's triptych and report, for `write_segmentation`.

    Parameters
    ----------
    segmentation, reference, evaluation
        As in `write_report`.
    """

    def write(paths: Mapping[str, Path]) -> None:
        with _drawing:
            write_atomically(paths["figure"], to_png(draw(segmentation, reference)))
            write_report(segmentation, paths["report"], reference, evaluation)

    return write


def draw(segmentation: Segmentation, reference: Mask | None = None) -> Figure:
    """Triptych of a case: FLAIR, lesions, and the reference or else the probability."""
    return triptych(
        segmentation.flair,
        segmentation.prediction,
        reference,
        segmentation.probability if reference is None else None,
        segmentation.brain,
    )


def _pictures(segmentation: Segmentation, reference: Mask | None) -> dict[str, str]:
    """Pictures of the page: overview, single lesions where there are any, whole brain."""
    flair, prediction, brain = segmentation.flair, segmentation.prediction, segmentation.brain
    chosen = _worth_a_look(segmentation.lesions)
    figures = {
        "glance": glance(flair, prediction, segmentation.probability, reference, brain),
        "close_ups": close_ups(flair, prediction, chosen, brain) if chosen else None,
        "slices": all_slices(flair, prediction, brain),
    }
    return {name: embed(to_png(figure)) if figure else "" for name, figure in figures.items()}


def _headline(segmentation: Segmentation) -> list[Number]:
    """The numbers at the top of the page."""
    record, lesions = segmentation.record, segmentation.lesions
    volume_ml = record.lesion_volume_ml
    numbers = [
        Number("Lesions", f"{record.lesion_count:,}"),
        Number("Total volume", format_ml(volume_ml), "ml"),
    ]
    if record.part_count:
        numbers.append(Number("Parts when split", f"{record.part_count:,}"))
    interval = record.lesion_volume_interval_ml
    if interval:
        name = f"{100 * interval.rate:.0f} % interval of a reader's volume"
        if not interval.is_guaranteed:
            name += " (not guaranteed: see the quality of the scan)"
        numbers.append(
            Number(name, f"{format_ml(interval.low)} to {format_ml(interval.high)}", "ml")
        )
    if len(lesions):
        numbers.append(
            Number("Largest lesion", format_ml(float(lesions["volume_mm3"].max()) / 1000), "ml")
        )
    brain_ml = record.brain.volume_ml
    if brain_ml > 0 and record.brain.source != "none":
        numbers.append(
            Number(f"Of the brain ({brain_ml:,.0f} ml)", f"{100 * volume_ml / brain_ml:.2f}", "%")
        )
    return numbers


def _quality(quality: RecordedQuality | None) -> Row | None:
    """Quality checks of the scan with their marks; None where they were not run."""
    if quality is None:
        return None
    checks = [
        {
            "name": check.name.replace("_", " ").capitalize().replace("Flair", "FLAIR"),
            "verdict": f"{_MARKS[check.verdict]} {check.verdict.capitalize()}",
            "reason": check.reason,
        }
        for check in quality.checks
    ]
    return {
        "passed": quality.verdict == "pass",
        "word": quality.verdict,
        "verdict": f"{_MARKS[quality.verdict]} {quality.verdict.capitalize()}",
        "summary": quality.summary,
        "checks": checks,
    }


def _regions(regions: RecordedRegions | None) -> Row | None:
    """Lesions by region, or why that is not known; None where it was not asked for."""
    if regions is None:
        return None
    if regions.dissemination is None:
        return {"rows": [], "note": _sentence(regions.note)}
    dissemination = regions.dissemination
    answers = {
        True: "the regions seen here would suffice.",
        False: "the regions seen here do not suffice.",
    }
    return {
        "rows": [
            (name.replace("_", " "), counted.count, format_ml(counted.volume_ml))
            for name, counted in dissemination.regions.items()
        ],
        "readings": [
            {
                "title": f"{reading.title}, dissemination in space:",
                "answer": answers[reading.fulfilled_here],
                "definition": f"It asks for {reading.definition} ({reading.source}).",
            }
            for reading in dissemination.readings
        ],
        "caution": f"Not assessed: {', '.join(dissemination.not_assessed)}. {dissemination.label}",
    }


def _worth_a_look(lesions: pd.DataFrame) -> list[tuple[str, tuple[int, int, int]]]:
    """Choose the two largest lesions, and the four that are least sure."""
    if not len(lesions):
        return []
    largest = lesions.nlargest(2, "volume_mm3").index
    unsure = _doubt(lesions).drop(index=largest).nlargest(4).index
    chosen = []
    for row in lesions.loc[[*largest, *unsure]].to_dict("records"):
        sure = row.get("confidence", float("nan"))
        note = f", {100 * sure:.0f} % likely" if math.isfinite(sure) else ""
        chosen.append(
            (f"lesion {row['label']}{note}", (row["inside_i"], row["inside_j"], row["inside_k"]))
        )
    return chosen


def _doubt(lesions: pd.DataFrame) -> pd.Series:
    """Priority of each lesion for a reader: nearness of its chance to 0.5, else improbability."""
    chance = lesions["confidence"] if "confidence" in lesions else lesions["mean_probability"]
    return 1 - 2 * (chance.fillna(lesions["mean_probability"]) - 0.5).abs()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
