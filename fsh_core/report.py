"""One page about one case, for people: a self-contained HTML file that prints on A4."""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from fsh_core.derivatives import Illustrate
from fsh_core.figures import all_slices, close_ups, to_png, triptych
from fsh_core.files import write_atomically
from fsh_core.imaging.slices import Mask
from fsh_core.inference.segment import Segmentation

LARGEST_SHOWN = 12
_TEMPLATE = Path(__file__).with_name("report.html")
_SAYS_NOTHING = ("touches_border", "flags", "region")
_MARKS = {"pass": "✓", "caution": "△", "fail": "✕"}
_CLOSE_UP_TITLE = "The two largest lesions, and the four that are least sure"
_MINUS = "\N{MINUS SIGN}"
_UNITS = {"mm": "mm", "mm3": "mm³", "ml": "ml"}
_TABLE_NOTE = (
    "Largest first. Position: a point inside the lesion, in mm from the scan's origin towards the patient's right (R) "
    "or left (L), anterior (A) or posterior (P), superior (S) or inferior (I). Extent: length of the bounding box, "
    "right to left × front to back × top to bottom. Contrast: mean intensity over that of the tissue around."
)

Row = Mapping[str, Any]


class _Column(NamedTuple):
    """A column of the page: heading, unit, the table's columns it takes, and how they are written."""

    heading: str
    unit: str
    takes: tuple[str, ...]
    write: Callable[..., str]


class _Number(NamedTuple):
    """A number with its name and unit."""

    name: str
    value: str
    unit: str = ""


def write_report(
    segmentation: Segmentation,
    path: str | Path,
    reference: Mask | None = None,
    evaluation: Mapping[str, float] | None = None,
    picture: bytes | None = None,
) -> None:
    """Write the report of a case.

    The page asks for nothing from outside: picture and style are inside the file.

    Parameters
    ----------
    segmentation : Segmentation
        What was found.
    path : path
        Ends in .html.
    reference : (I, J, K) bool or None
        Lesions drawn by an expert, shown beside the prediction.
    evaluation : mapping of str to float or None
        Agreement with the reference by the names of
        `fsh_core.evaluation.compare.CASE_COLUMNS`; the main ones are shown.
    picture : bytes or None
        The triptych as PNG; drawn when None.

    Raises
    ------
    InputError
        If the file cannot be written; nothing is left behind.
    """
    record, lesions = segmentation.record, segmentation.lesions
    columns = _columns_for(lesions)
    chosen = _worth_a_look(lesions)
    rows = [_cells(columns, row) for row in lesions.to_dict("records")]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        case=record["case"],
        file=Path(record["input"]["FLAIR"]["path"]).name,
        numbers=_headline(segmentation),
        brain=_sentence(record["brain"]["note"]),
        brain_is_known=record["brain"]["source"] != "none",
        picture=_embedded(picture or to_png(draw(segmentation, reference))),
        quality=record.get("quality"),
        marks=_MARKS,
        regions=_regions(record.get("regions")),
        close_up_title=_CLOSE_UP_TITLE if "uncertainty" in lesions else "The largest lesions",
        close_ups=_embedded(to_png(_close_ups(segmentation, chosen))) if chosen else None,
        slices=_embedded(to_png(all_slices(segmentation.flair, segmentation.prediction, segmentation.brain))),
        evaluation=_agreement(evaluation or {}),
        headings=[(column.heading, column.unit) for column in columns],
        rows=rows[:LARGEST_SHOWN],
        rest=rows[LARGEST_SHOWN:],
        table_note=_TABLE_NOTE,
        threshold=record["settings"]["threshold"],
        minimum_volume_mm3=record["settings"]["minimum_volume_mm3"],
        facts=_facts(record),
        version=record["version"],
    )
    write_atomically(path, page)


def illustrate(
    segmentation: Segmentation, reference: Mask | None = None, evaluation: Mapping[str, float] | None = None
) -> Illustrate:
    """Return what draws a case's triptych and report, for `fsh_core.derivatives.write_segmentation`.

    Parameters
    ----------
    segmentation, reference, evaluation
        As in `write_report`.
    """

    def write(paths: Mapping[str, Path]) -> None:
        picture = to_png(draw(segmentation, reference))
        write_atomically(paths["figure"], picture)
        write_report(segmentation, paths["report"], reference, evaluation, picture)

    return write


def draw(segmentation: Segmentation, reference: Mask | None = None) -> Figure:
    """Draw the triptych of a case: with the reference where there is one, else with the probability."""
    return triptych(
        segmentation.flair,
        segmentation.prediction,
        reference,
        segmentation.probability if reference is None else None,
        segmentation.brain,
    )


def _headline(segmentation: Segmentation) -> list[_Number]:
    """What a reader wants to know first."""
    record, lesions = segmentation.record, segmentation.lesions
    volume_ml = float(record["lesion_volume_ml"])
    numbers = [
        _Number("Lesions", f"{record['lesion_count']:,}"),
        _Number("Total volume", _ml(volume_ml), "ml"),
    ]
    interval = record.get("lesion_volume_interval_ml")
    if interval:
        name = f"{100 * interval['rate']:.0f} % interval of a reader's volume"
        numbers.append(_Number(name, f"{_ml(interval['low'])} to {_ml(interval['high'])}", "ml"))
    if len(lesions):
        numbers.append(_Number("Largest lesion", _ml(float(lesions["volume_mm3"].max()) / 1000), "ml"))
    brain_ml = float(record["brain"]["volume_ml"])
    if brain_ml > 0 and record["brain"]["source"] != "none":
        numbers.append(_Number(f"Of the brain ({brain_ml:,.0f} ml)", f"{100 * volume_ml / brain_ml:.2f}", "%"))
    return numbers


def _regions(regions: Row | None) -> Row | None:
    """Where the lesions lie, or why that is not known; None where nobody asked."""
    if regions is None or not regions["found"]:
        return None if regions is None else {"rows": [], "note": _sentence(regions["note"])}
    told = regions["dissemination"]
    answers = {True: "the regions seen here would suffice.", False: "the regions seen here do not suffice."}
    return {
        "rows": [
            (name.replace("_", " "), counted["count"], _ml(counted["volume_ml"]))
            for name, counted in told["regions"].items()
        ],
        "readings": [
            {
                "title": f"{one['title']}, dissemination in space:",
                "answer": answers[one["fulfilled_here"]],
                "definition": f"It asks for {one['definition']} ({one['source']}).",
            }
            for one in told["readings"]
        ],
        "caution": f"Not assessed: {', '.join(told['not_assessed'])}. {told['label']}",
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
        chosen.append((f"lesion {row['label']}{note}", (row["inside_i"], row["inside_j"], row["inside_k"])))
    return chosen


def _doubt(lesions: pd.DataFrame) -> pd.Series:
    """How much a reader should look at each lesion: how near a calibrated chance is to a coin, else how improbable."""
    chance = lesions["confidence"] if "confidence" in lesions else lesions["mean_probability"]
    return 1 - 2 * (chance.fillna(lesions["mean_probability"]) - 0.5).abs()


def _close_ups(segmentation: Segmentation, chosen: Sequence[tuple[str, tuple[int, int, int]]]) -> Figure:
    return close_ups(segmentation.flair, segmentation.prediction, chosen, segmentation.brain)


def _embedded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def _agreement(evaluation: Mapping[str, float]) -> list[_Number]:
    """Pick the measures that people compare."""
    return [
        _Number(name, write(evaluation[key]) if math.isfinite(evaluation[key]) else "undefined", unit)
        for key, (name, write, unit) in _MEASURES.items()
        if key in evaluation
    ]


def _columns_for(lesions: pd.DataFrame) -> list[_Column]:
    """Choose the columns that the table can fill and that say something; the border only when a lesion touches it."""
    return [
        column
        for column in _COLUMNS
        if set(column.takes) <= set(lesions.columns)
        and not lesions[list(column.takes)].isin([False, ""] if column.takes[0] in _SAYS_NOTHING else []).all(axis=None)
        and not (len(lesions) and lesions[list(column.takes)].isna().all(axis=None))
    ]


def _cells(columns: Sequence[_Column], row: Mapping[Any, Any]) -> list[str]:
    return [column.write(*(row[name] for name in column.takes)) for column in columns]


def _facts(record: Row) -> list[tuple[str, str, bool]]:
    """List what made the result: name, value, and whether to set it as code."""
    weights, grid, run = record["weights"], record["grid"], record["run"]
    shape = " × ".join(str(size) for size in grid["shape"])
    spacing = " × ".join(f"{size:.3g}" for size in grid["spacing_mm"])
    facts = [("Version", f"F.sh {record['version']}", False)]
    if weights:
        facts += [("Weights", str(weights["name"]), False), ("", f"SHA-256 {weights['sha256']}", True)]
        facts.append(("Network", _listed(weights["config"]), False))
    facts.append(("Settings", _listed(record["settings"]), False))
    for channel, source in record["input"].items():
        facts += [(channel.capitalize() if channel.islower() else channel, str(source["path"]), True)]
        facts += [("", f"SHA-256 {source['sha256']}", True)]
    facts.append(("Grid", f"{shape} voxels of {spacing} mm, {grid['orientation']}", False))
    before, after = _ml(record["raw_lesion_volume_ml"]), _ml(record["lesion_volume_ml"])
    facts.append(("Post-processing", f"{before} ml of lesion before, {after} ml after", False))
    made = [f"{run['seconds']:.1f} s"] + [f"{key} {run[key]}" for key in ("device", "threads", "date") if key in run]
    facts.append(("Run", ", ".join(made), False))
    return facts


def _listed(settings: Row) -> str:
    """Write settings in words: ``threshold 0.5, minimum volume 3 mm³, smooth no``."""
    words = []
    for key, value in settings.items():
        stem, _, unit = key.rpartition("_")
        name, suffix = (stem, f"\N{NO-BREAK SPACE}{_UNITS[unit]}") if unit in _UNITS else (key, "")
        words.append(f"{name.replace('_', ' ')} {_plain(value)}{suffix}")
    return ", ".join(words)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "–".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _ml(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", _MINUS)


def _towards(letters: str, value: float) -> str:
    """Write a coordinate as a radiologist says it: R 18 or L 18."""
    return f"{letters[value < 0]} {abs(round(value))}"


def _extent(*sizes: float) -> str:
    return " × ".join(f"{size:.0f}" for size in sizes)


def _mm3(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


_COLUMNS = (
    _Column("Lesion", "", ("label",), str),
    _Column("Volume", "mm³", ("volume_mm3",), _mm3),
    _Column("Diameter", "of equal ball, mm", ("equivalent_diameter_mm",), lambda value: f"{value:.1f}"),
    _Column("Region", "", ("region",), lambda key: key.replace("_", " ")),
    _Column("R, L", "mm", ("inside_r_mm",), lambda value: _towards("RL", value)),
    _Column("A, P", "mm", ("inside_a_mm",), lambda value: _towards("AP", value)),
    _Column("S, I", "mm", ("inside_s_mm",), lambda value: _towards("SI", value)),
    _Column("Extent", "mm", ("extent_r_mm", "extent_a_mm", "extent_s_mm"), _extent),
    _Column("Probability", "mean", ("mean_probability",), _two),
    _Column("Probability", "highest", ("max_probability",), _two),
    _Column("Sure", "%", ("confidence",), lambda value: f"{100 * value:.0f}" if math.isfinite(value) else "–"),
    _Column("Contrast", "ratio", ("contrast",), _two),
    _Column("May be", "", ("flags",), lambda keys: keys.replace(";", ", ").replace("_", " ")),
    _Column("Border", "of the image", ("touches_border",), lambda touches: "touches" if touches else ""),
)
_MEASURES: dict[str, tuple[str, Callable[[float], str], str]] = {
    "dice": ("Dice", _two, ""),
    "sensitivity": ("Sensitivity", _two, ""),
    "precision": ("Precision", _two, ""),
    "lesion_f1": ("F1 of lesions", _two, ""),
    "lesion_sensitivity": ("Sensitivity of lesions", _two, ""),
    "lesion_precision": ("Precision of lesions", _two, ""),
    "volume_difference_ml": ("Volume difference", _signed, "ml"),
    "hd95_mm": ("HD95", lambda value: f"{value:.1f}", "mm"),
}
