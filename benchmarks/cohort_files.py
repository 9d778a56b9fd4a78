"""The files of a large study, all numbers drawn from a fixed seed: what the pages are timed on."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fsh_dashboard
from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import derivative_paths
from fsh_core.derivatives.layout import to_tsv, track_paths
from fsh_core.evaluation.regions import REGION_COLUMNS
from fsh_core.file_names import journal_ending
from fsh_core.files import sha256_of
from fsh_core.follow_up import count_changes
from fsh_core.lesions.measure import LESION_COLUMNS
from fsh_core.lesions.regions import REGIONS
from fsh_core.review import ReviewEvent
from fsh_core.review.events import COMPLETED, Annotation
from fsh_core.review.journal import FORMAT
from fsh_core.review.trial.assign import assign_cases
from fsh_core.review.trial.file import change_trial
from fsh_core.studies.evaluate import STUDY_COLUMNS, Evaluation, write_evaluation
from fsh_core.studies.statistics import summarise
from fsh_core.tracking import CHANGE_COLUMNS
from fsh_core.tracking import LESION_COLUMNS as LESION_OF_A_TRACK

EXAMPLE = Path(fsh_dashboard.__file__).with_name("example")
READERS = ("Anna", "Ben", "Cleo")
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def simulate(folder: Path, cases: int, visits: int = 1) -> None:
    """Write records and lesion tables with plausible numbers, 5 to 60 lesions a case."""
    random = np.random.default_rng(0)
    sessions = [None] if visits == 1 else [f"m{6 * visit}" for visit in range(visits)]
    for number, session in product(range(cases), sessions):
        case = Case(f"{number:04d}", session, {})
        paths = derivative_paths(case, folder)
        count = int(random.integers(5, 60))
        table = pd.DataFrame({name: random.random(count) for name in LESION_COLUMNS})
        table["label"], table["voxels"] = range(1, count + 1), random.integers(3, 900, count)
        table["volume_mm3"], table["touches_border"] = table["voxels"] * 1.0, False
        for name, spread_mm in (("mni_x_mm", 25), ("mni_y_mm", 30), ("mni_z_mm", 20)):
            table[name] = random.normal(0, spread_mm, count)
        table["region"] = random.choice(REGIONS, count)
        table["confidence"] = random.random(count)
        table = table.rename(columns={"label": "index"})
        paths["table"].parent.mkdir(parents=True)
        paths["table"].write_text(to_tsv(table))
        paths["record"].write_text(json.dumps(record(case, paths, folder, table, random)))


def record(
    case: Case, paths: dict[str, Path], folder: Path, table: pd.DataFrame, random: Any
) -> dict[str, Any]:
    """One record as `fsh segment` writes it, with an evaluation."""
    volume_ml = float(table["volume_mm3"].sum() / 1000)
    scores = {
        name: float(random.random()) for name in ("dice", "sensitivity", "precision", "lesion_f1")
    }
    scores |= {"reference_ml": volume_ml * float(random.normal(1, 0.1)), "prediction_ml": volume_ml}
    return {
        "case": case.name,
        "subject": case.subject,
        "session": case.session,
        "input": {"FLAIR": {"path": "scan.nii.gz", "sha256": "0" * 64}},
        "version": "0.1.0",
        "weights": {"name": "default", "sha256": "1" * 64},
        "settings": SegmentConfig().model_dump(mode="json"),
        "brain": {"source": "found", "volume_ml": float(random.normal(1200, 90)), "note": ""},
        "grid": {"shape": [182, 218, 182], "spacing_mm": [1.0, 1.0, 1.0], "orientation": "RAS"},
        "lesion_count": len(table),
        "lesion_volume_ml": volume_ml,
        "raw_lesion_volume_ml": volume_ml,
        "run": {"seconds": 20.0},
        "evaluation": scores,
        "files": {key: paths[key].relative_to(folder).as_posix() for key in ("record", "table")},
    }


def name_participants(folder: Path, cases: int) -> None:
    """Write arm, site and age of every patient."""
    random = np.random.default_rng(2)
    rows = [
        f"sub-{number:04d}\t{'ab'[number % 2]}\tsite{random.integers(1, 5)}\t"
        f"{random.normal(40, 10):.0f}\n"
        for number in range(cases)
    ]
    (folder / "participants.tsv").write_text("participant_id\tarm\tsite\tage\n" + "".join(rows))


def add_example(home: Path) -> str:
    """Put the bundled case and runs beside the rest, to be opened; return the case's name."""
    for name in ("training", "derivatives/fsh"):
        shutil.copytree(EXAMPLE / name, home / Path(name).name, dirs_exist_ok=True)
    return next(path.name for path in (EXAMPLE / "derivatives/fsh").glob("sub-*"))


def evaluate(folder: Path, cases: int) -> None:
    """Write what `fsh evaluate --regions` writes about so many cases."""
    random = np.random.default_rng(3)
    table = pd.DataFrame({name: random.random(cases) for name in STUDY_COLUMNS})
    names = [f"sub-{number:04d}" for number in range(cases)]
    table["case"], table["subject"] = names, [name.removeprefix("sub-") for name in names]
    table["trained_on"] = pd.Series([False] * cases, dtype=object)
    table["reference_ml"] = random.lognormal(2, 1, cases)
    table["prediction_ml"] = table["reference_ml"] * random.lognormal(0, 0.2, cases)
    for name in table.columns[table.columns.str.contains("_lesions")]:
        table[name] = random.integers(0, 60, cases)
    placed = pd.DataFrame({name: random.random(cases * len(REGIONS)) for name in REGION_COLUMNS})
    placed["case"], placed["note"] = np.repeat(names, len(REGIONS)), ""
    placed["region"] = REGIONS * cases
    write_evaluation(Evaluation(table, summarise(table), [], placed), folder)


def read_by_two(folder: Path, every: int) -> None:
    """Deal all cases out to two of three readers, who have read every so many-th of them."""
    tables = sorted(folder.glob("sub-*/anat/*_dseg.tsv"))
    subjects = {path.parts[-3]: path.parts[-3].removeprefix("sub-") for path in tables}
    trial = change_trial(folder, lambda now: [assign_cases(now, subjects, READERS, 2, 0, "Dora")])
    random = np.random.default_rng(4)
    for path in tables[::every]:
        case, count = path.parts[-3], len(path.read_text().splitlines()) - 1
        labels = derivative_paths(Case(case.removeprefix("sub-"), None, {}), folder)["labels"]
        labels.write_bytes(case.encode())
        about = {"format": FORMAT, "case": case, "labels_sha256": sha256_of(labels)}
        for reader in trial.assigned[case]:
            lines = [about, *(event.to_json() for event in _reading(reader, count, random))]
            name = labels.name.replace("_seg-lesions_dseg.nii.gz", journal_ending(reader))
            text = "".join(json.dumps(line) + "\n" for line in lines)
            labels.with_name(name).write_text(text)


def _reading(reader: str, lesions: int, random: np.random.Generator) -> list[ReviewEvent]:
    """Decide about every lesion, eight seconds each, and complete the case."""
    said = random.choice(["accepted", "rejected", "unsure"], lesions, p=[0.7, 0.2, 0.1])
    marks = [Annotation(place, "status", "", str(word)) for place, word in enumerate(said, start=1)]
    marks.append(Annotation(0, "case", "", COMPLETED))
    events = []
    for number, mark in enumerate(marks, start=1):
        time = (_BEGUN + timedelta(seconds=8 * number)).isoformat()
        kind = "status" if mark.label else "case"
        event = ReviewEvent(
            kind, mark.label, annotations=(mark,), number=number, reader=reader, time=time
        )
        events.append(event)
    return events


def follow(folder: Path, cases: int, visits: int) -> None:
    """Write what `fsh track` writes about the visits of every patient, 20 changes an interval."""
    random = np.random.default_rng(1)
    names = [f"m{6 * visit}" for visit in range(visits)]
    for number in range(cases):
        subject = f"{number:04d}"
        paths = track_paths(subject, folder)
        paths["record"].parent.mkdir()
        changes = [_changes(pair, random) for pair in pairwise(names)]
        lesions = pd.DataFrame({name: random.random(20 * visits) for name in LESION_OF_A_TRACK})
        lesions["track"] = lesions["label"] = list(range(1, 21)) * visits
        lesions["visit"] = np.repeat(names, 20)
        paths["tracks"].write_text(to_tsv(lesions))
        paths["changes"].write_text(to_tsv(pd.concat(changes)))
        content = {
            "subject": subject,
            "version": "0.1.0",
            "visits": [_visit(subject, name, folder, random) for name in names],
            "order": "dates",
            "pairs": [
                {
                    **{"earlier": earlier, "later": later, "days": 182.0, "verdict": "pass"},
                    **{"brain_overlap": 0.98, "disagreement_mm": 0.1, "noise": 0.02},
                    "earlier_to_later": np.eye(4).tolist(),
                    "counts": count_changes(table),
                }
                for (earlier, later), table in zip(pairwise(names), changes, strict=True)
            ],
            "settings": {},
            "run": {"seconds": 10.0},
        }
        paths["record"].write_text(json.dumps(content))
    name_participants(folder, cases)


def _changes(pair: tuple[str, str], random: np.random.Generator) -> pd.DataFrame:
    table = pd.DataFrame({name: random.random(20) for name in CHANGE_COLUMNS})
    table["change"] = table["track"] = range(1, 21)
    table["from_visit"], table["to_visit"] = pair
    table["kind"] = random.choice(["new", "stable", "uncertain"], 20, p=[0.05, 0.6, 0.35])
    return table.assign(size_change="", labels_before="1", labels_after="1", evidence="", reason="")


def _visit(subject: str, name: str, folder: Path, random: np.random.Generator) -> dict[str, Any]:
    record = derivative_paths(Case(subject, name, {}), folder)["record"]
    hashes = {"flair_sha256": "0" * 64, "labels_sha256": "0" * 64}
    named = {"name": name, "flair": "scan.nii.gz", "labels": "labels.nii.gz"}
    lesions = {"lesion_count": 20, "lesion_volume_ml": float(random.uniform(1, 30))}
    return {**named, **hashes, **lesions, "record": record.relative_to(folder).as_posix()}
