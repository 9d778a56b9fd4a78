"""How long the dashboard's pages take with many cases: simulated records and tables, no images.

python benchmarks/dashboard_cohort.py [CASES] [--visits N]

With visits, CASES patients have so many each, and the page about change is timed. Needs the
extra ``dashboard``. The page is run without a browser, so drawing is not counted.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

import fsh_dashboard
from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import derivative_paths
from fsh_core.derivatives.layout import to_tsv, track_paths
from fsh_core.follow_up import count_changes
from fsh_core.lesions.measure import LESION_COLUMNS
from fsh_core.tracking import CHANGE_COLUMNS
from fsh_core.tracking import LESION_COLUMNS as LESION_OF_A_TRACK
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder

VIEWS = Path(fsh_dashboard.__file__).parent / "views"


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
        table["region"] = random.choice(
            ["periventricular", "juxtacortical", "infratentorial", "deep white"], count
        )
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
    arms = [f"sub-{number:04d}\t{'ab'[number % 2]}\n" for number in range(cases)]
    (folder / "participants.tsv").write_text("participant_id\tarm\n" + "".join(arms))


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


def main(cases: int, visits: int) -> None:
    """Print seconds for reading, for the first page, for a filter."""
    with tempfile.TemporaryDirectory() as home:
        simulate(Path(home) / "fsh", cases, visits)
        if visits > 1:
            follow(Path(home) / "fsh", cases, visits)
            sys.argv = ["app.py", home]
            time_page("change")
            return
        clock = time.perf_counter()
        results = read_results(open_folder([home]), "fsh")
        print(
            f"reading  {time.perf_counter() - clock:.2f} s: "
            f"{len(results.cases)} cases, {len(results.lesions)} lesions"
        )
        sys.argv = ["app.py", home]
        for name in ("cohort", "lesions", "review", "quality"):
            time_page(name)


def time_page(name: str) -> None:
    """Print seconds for a page, and those of work: on a busy machine the two differ."""
    page = AppTest.from_file(str(VIEWS / f"{name}.py"), default_timeout=600)
    acts: dict[str, Callable[[], object]] = {"first": page.run, "again": page.run}
    if name == "lesions":
        acts["filter"] = lambda: page.number_input(key="sizefrom").set_value(100.0).run()
    if name == "review":
        acts["filter"] = lambda: page.number_input(key="most").set_value(20).run()
    if name == "cohort":
        acts["filter"] = lambda: page.text_input(key="find").set_value("00").run()
    if name == "change":
        acts["group"] = lambda: page.selectbox(key="group").set_value("arm").run()
        acts["patient"] = lambda: page.selectbox(key="patient").set_value("sub-0007").run()
    elif name not in ("review", "quality"):
        acts["mark"] = lambda: page.selectbox(key="case").set_value("sub-0007").run()
    for what, act in acts.items():
        clock, work = time.perf_counter(), time.process_time()
        act()
        print(
            f"{name:<8} {what:<8} {time.perf_counter() - clock:.2f} s, "
            f"{time.process_time() - work:.2f} s of work"
        )


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=int, nargs="?", default=1000)
    parser.add_argument("--visits", type=int, default=1)
    words = parser.parse_args()
    main(words.cases, words.visits)


if __name__ == "__main__":
    run()
