"""What the dashboard's tests share: run folders, a small cohort with masks, and the app itself."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import fsh_dashboard
from benchmarks.cohort_files import follow, simulate
from fsh_core.cases import Case
from fsh_core.cli import main
from fsh_core.config import SegmentConfig, TrainConfig
from fsh_core.derivatives import write_cohort, write_segmentation
from fsh_core.files import sha256_of
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import Segmentation, find_lesions
from fsh_core.record import Record
from fsh_core.review import open_review
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.volume.volume import Volume, save_like
from tests.core.follow_up.stored import store_visit
from tests.core.tracking.phantom import THICK, make_visit, turned

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

APP = Path(fsh_dashboard.__file__).with_name("app.py")


class SkippedModule(pytest.Module):
    """A file of tests that is skipped before it is imported."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        pytest.skip(
            "the dashboard's extra is not installed: pip install 'fsh-ms[dashboard]'",
            allow_module_level=True,
        )


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skip every file here where there is no Streamlit.

    Skipping in this file itself would stop pytest.
    """
    return None if find_spec("streamlit") else SkippedModule.from_parent(parent, path=module_path)


def epoch_line(epoch: int, *, validated: bool = False, seconds: float = 20.0) -> dict[str, Any]:
    """One line of a log whose losses fall and whose Dice rises."""
    better = 1 - 0.9**epoch
    line: dict[str, Any] = {
        "epoch": epoch,
        "step": 50 * epoch,
        "learning_rate": 0.002 * (1 - epoch / 41),
    }
    for prefix, gap in (("train_", 0.0), ("val_", 0.05)):
        if prefix == "val_" and not validated:
            continue
        line |= {
            f"{prefix}bce": 0.4 * (1 - better) + 0.02 + gap,
            f"{prefix}dice_loss": 1 - 0.8 * better + gap,
        }
        line[f"{prefix}loss"] = (line[f"{prefix}bce"] + line[f"{prefix}dice_loss"]) / 2
        line |= {
            f"{prefix}{name}": 0.8 * better - gap
            for name in ("sensitivity", "precision", "f1", "dice")
        }
        line |= {f"{prefix}accuracy": 0.98 + 0.01 * better, f"{prefix}specificity": 0.99}
    return line | {"seconds": seconds, "steps_per_second": 50 / seconds}


def write_run(folder: Path, epochs: int = 8, **settings: Any) -> Path:
    """A run folder as `fsh train` leaves it, every fourth epoch validated."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(TrainConfig(**settings).model_dump_json())
    (folder / "split.json").write_text(
        json.dumps({"training": ["01", "02", "03"], "validation": ["04"]})
    )
    lines = [epoch_line(epoch, validated=epoch % 4 == 0) for epoch in range(1, epochs + 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder with two runs that differ in seed and normalisation; the second was written last."""
    first = write_run(tmp_path / "opened" / "runs" / "first", epochs=40)
    write_run(tmp_path / "opened" / "runs" / "second", epochs=12, seed=1, model={"norm": "batch"})
    os.utime(first / "log.jsonl", (1e9, 1e9))
    return tmp_path / "opened"


@pytest.fixture(scope="session")
def cohort_template(phantom: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BIDS dataset of four phantoms, segmented.

    P1 has 3 lesions, P2 two, P3 none, P4 (no reference) one false.

    P2 is oblique.
    """
    root = tmp_path_factory.mktemp("template") / "study"
    blank = np.zeros_like(phantom.reference)
    second, false = phantom.reference.copy(), blank.copy()
    second[24:26, 42:44, 12:13] = False
    false[10:15, 35:40, 9:12] = True
    tilt = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.2, 0.1, -0.15))
    oblique = phantom._replace(flair=replace(phantom.flair, affine=tilt @ phantom.flair.affine))
    for subject, scan, prediction, referenced in (
        ("P1", phantom, phantom.reference, True),
        ("P2", oblique, second, True),
        ("P3", phantom, blank, True),
        ("P4", phantom, false, False),
    ):
        flair = root / f"sub-{subject}" / "anat" / f"sub-{subject}_FLAIR.nii.gz"
        save_like(scan.flair.data, scan.flair, flair)
        manual = (
            root
            / "derivatives"
            / "manual"
            / f"sub-{subject}"
            / "anat"
            / f"sub-{subject}_label-L_mask.nii.gz"
        )
        if referenced:
            save_like(phantom.reference, scan.flair, manual)
        write_segmentation(
            segmented(scan, Case(subject, None, {"FLAIR": flair}), prediction, referenced),
            root / "derivatives" / "fsh",
        )
    write_cohort(root / "derivatives" / "fsh")
    people = {
        "participant_id": ["sub-P1", "sub-P2", "sub-P3", "sub-P4"],
        "age": [31, 45, 28, "n/a"],
        "site": list("AABB"),
    }
    pd.DataFrame(people).to_csv(root / "participants.tsv", sep="\t", index=False)
    return root


@pytest.fixture
def study(cohort_template: Path, tmp_path: Path) -> Path:
    """A copy of the segmented dataset that a test may break; its records name its own scans."""
    copied = Path(shutil.copytree(cohort_template, tmp_path / "study"))
    for path in copied.glob("derivatives/fsh/sub-*/anat/*_dseg.json"):
        path.write_text(path.read_text().replace(str(cohort_template), str(copied)))
    return copied


@pytest.fixture(scope="session")
def followed_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three patients, followed.

    A has dated visits m0, m6 and m12, with a new lesion at m6 that stays; B has visits 1 and 2
    without dates and without any change; C has one visit.
    """
    root = tmp_path_factory.mktemp("template") / "followed"
    out = root / "derivatives" / "fsh"
    stays, new = ((-40, -20, 10), 5.0), ((30, 45, 0), 3.5)
    moved = turned(4, (3, -2, 1))
    store_visit(out, root, "A", "m0", make_visit("m0", [stays]))
    store_visit(
        out, root, "A", "m6", make_visit("m6", [stays, new], affine=THICK, moved=moved, seed=1)
    )
    store_visit(out, root, "A", "m12", make_visit("m12", [stays, new], seed=2))
    (root / "sub-A" / "sub-A_sessions.tsv").write_text(
        "session_id\tacq_time\nses-m0\t2020-01-01\nses-m6\t2020-07-01\nses-m12\t2021-01-01\n"
    )
    for number, session in enumerate("12"):
        store_visit(out, root, "B", session, make_visit(session, [stays], seed=3 + number))
    store_visit(out, root, "C", "1", make_visit("1", [stays], seed=5))
    write_cohort(out)
    (root / "participants.tsv").write_text(
        "participant_id\tarm\nsub-A\tplacebo\nsub-B\tdrug\nsub-C\tdrug\n"
    )
    assert main(["track", str(out)]) == 0
    return root


@pytest.fixture
def followed(followed_template: Path, tmp_path: Path) -> Path:
    """A copy of the followed dataset that a test may break; its records name its own scans."""
    copied = Path(shutil.copytree(followed_template, tmp_path / "followed"))
    for path in copied.glob("derivatives/fsh/sub-*/**/*.json"):
        path.write_text(path.read_text().replace(str(followed_template), str(copied)))
    return copied


@pytest.fixture(scope="session")
def scored_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies as the commands wrote them.

    ``scores`` of six patients, the first with two visits; ``compared`` with a method that finds
    less; ``raters`` of three readers, with consensus masks; ``retest`` of two scans.
    """
    root = tmp_path_factory.mktemp("template") / "scored"
    grid = Volume(np.zeros((24, 24, 16), dtype=bool), np.diag([1.0, 1.0, 3.0, 1.0]))
    names = ["sub-1_ses-a", "sub-1_ses-b", *(f"sub-{number}" for number in range(2, 7))]
    for place, name in enumerate(names):
        for kind, shift, extra in (("truth", 0, 0), ("found", 1, place), ("less", 3, 0)):
            mask = grid.data.copy()
            mask[3 + shift : 8 + shift, 4 : 9 + place, 4:8] = True
            mask[18:20, 18 : 18 + extra, 12] = True
            save_like(mask, grid, root / "masks" / kind / f"{name}_label-L_mask.nii.gz")
    masks = {kind: str(root / "masks" / kind) for kind in ("truth", "found", "less")}
    found, less, truth = masks["found"], masks["less"], masks["truth"]
    for command in (
        ["evaluate", found, truth, "-o", str(root / "scores")],
        ["evaluate", "--compare", found, less, truth, "-o", str(root / "compared")],
        ["agreement", found, less, truth, "--consensus", "-o", str(root / "raters")],
        ["agreement", found, truth, "--retest", "-o", str(root / "retest")],
    ):
        assert main(command) == 0
    return root


@pytest.fixture
def scored(scored_template: Path, tmp_path: Path) -> Path:
    """A copy of the studies that a test may break."""
    return Path(shutil.copytree(scored_template, tmp_path / "scored"))


@pytest.fixture(scope="session")
def trial_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen made-up patients with two dated visits each.

    Arms drug (7), placebo (6) and one that is not known; sites A (10) and B (4).
    """
    root = tmp_path_factory.mktemp("template") / "trial"
    simulate(root / "derivatives" / "fsh", 14, visits=2)
    follow(root / "derivatives" / "fsh", 14, 2)
    (root / "derivatives" / "fsh" / "participants.tsv").unlink()
    people = {
        "participant_id": [f"sub-{number:04d}" for number in range(14)],
        "arm": ["drug", "placebo"] * 6 + ["drug", "n/a"],
        "site": ["A"] * 10 + ["B"] * 4,
        "age": range(30, 44),
    }
    pd.DataFrame(people).to_csv(root / "participants.tsv", sep="\t", index=False)
    return root


@pytest.fixture
def trial(trial_template: Path, tmp_path: Path) -> Path:
    """A copy of the made-up trial that a test may break."""
    return Path(shutil.copytree(trial_template, tmp_path / "trial"))


def segmented(phantom: Any, case: Case, prediction: Any, referenced: bool) -> Segmentation:
    """A segmentation of the phantom that finds what it is told to."""
    probability = np.where(prediction, np.float32(0.9), np.float32(0.05)) * phantom.brain
    probability = probability.astype(np.float32)
    config = SegmentConfig()
    raw, labels = find_lesions(probability, phantom.brain, phantom.flair, config)
    lesions = lesion_table(labels, phantom.flair, probability, phantom.brain)
    voxel_ml = phantom.flair.voxel_volume_mm3 / 1000
    record: dict[str, Any] = {
        "case": case.name,
        "subject": case.subject,
        "session": case.session,
        "input": {"FLAIR": {"path": str(case.flair), "sha256": sha256_of(case.flair)}},
        "version": "0.1.0",
        "weights": {"name": "default", "sha256": "1" * 64, "config": {"norm": "instance"}},
        "settings": config.model_dump(mode="json"),
        "brain": {"source": "found", "volume_ml": 20.0, "note": "the brain was found by itself"},
        "grid": {
            "shape": list(phantom.flair.shape),
            "spacing_mm": [1.0, 1.0, 2.5],
            "orientation": "LAS",
        },
        "lesion_count": len(lesions),
        "lesion_volume_ml": round(float((labels > 0).sum()) * voxel_ml, 4),
        "raw_lesion_volume_ml": round(float(raw.sum()) * voxel_ml, 4),
        "run": {
            "seconds": 1.5,
            "date": "2026-01-01T00:00:00+00:00",
            "threads": 2,
            "platform": "test",
        },
    }
    if referenced:
        scores = evaluate_case(
            phantom.flair.with_data(phantom.reference),
            phantom.flair.with_data(labels > 0),
            phantom.brain,
        ).row()
        record["evaluation"] = {
            name: None if value != value else value for name, value in scores.items()
        }
    return Segmentation(
        case,
        phantom.flair,
        phantom.brain,
        probability,
        raw,
        labels,
        lesions,
        Record.model_validate(record),
    )


@pytest.fixture
def decide() -> Callable[..., None]:
    """Let a reader decide about lesions of a case, and say how far the case is."""

    def act(study: Path, subject: str, reader: str, said: dict[int, str], case: str = "") -> None:
        record = (
            study
            / "derivatives"
            / "fsh"
            / f"sub-{subject}"
            / "anat"
            / f"sub-{subject}_seg-lesions_dseg.json"
        )
        review = open_review(record, reader)
        for label, status in said.items():
            review.set_status(label, status)
        if case:
            review.set_case_status(case)

    return act


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> "Callable[..., AppTest]":
    """Run one page on a folder; None is the bundled example."""
    from streamlit.testing.v1 import AppTest

    def start(page: str, folder: Path | None, *more: str, **query: str) -> "AppTest":
        words = [str(folder)] if folder else []
        monkeypatch.setattr(sys, "argv", [str(APP), *words, *more])
        app = AppTest.from_file(str(APP.parent / "views" / f"{page}.py"), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return start


def as_read(text: str) -> str:
    """What a person reads of a text that `fsh_dashboard.plain_text.plain` has written."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text.replace("\N{WORD JOINER}", ""))


@pytest.fixture
def read() -> Callable[[str], str]:
    """Read a text of a page: `as_read`."""
    return as_read


@pytest.fixture
def words_of() -> "Callable[[AppTest], str]":
    """Everything a page says, in one text."""

    def words(app: "AppTest") -> str:
        kinds = (
            "title",
            "header",
            "subheader",
            "markdown",
            "caption",
            "info",
            "warning",
            "error",
            "code",
            "metric",
        )
        elements = [element for kind in kinds for element in app.get(kind)]
        said = (f"{getattr(element, 'label', '')} {element.value}" for element in elements)
        return as_read("\n".join(said))

    return words


@pytest.fixture
def new_run() -> Callable[..., Path]:
    """Write a run folder: `write_run`."""
    return write_run


@pytest.fixture
def new_epoch() -> Callable[..., dict[str, Any]]:
    """Make a line of a log: `epoch_line`."""
    return epoch_line
