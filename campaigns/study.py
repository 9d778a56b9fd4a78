"""A small study on disk, the commands that work on it, and what must hold after each."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from campaigns import makers
from fsh_core.derivatives import find_records, read_cohort, read_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import CASES_TABLE, READERS_FILE
from fsh_core.follow_up import find_tracks, read_track
from fsh_core.network.checkpoint import load_checkpoint
from fsh_core.review import open_review
from fsh_core.review.events import COMPLETED
from fsh_core.review.open import read_journal
from fsh_core.review.trial.file import read_trial
from fsh_core.training.runs import RunFolder
from fsh_core.volume.volume import load_mask, load_volume, save_like

REPOSITORY = Path(__file__).resolve().parent.parent
TRIAL = ("assign", "sign", "lock")
"""Commands of ``fsh readers``, each with those before it done."""
_SUBJECTS = ("01", "02", "03")
_FAST = ("--patch-size", "32,32,32", "--overlap", "0", "--no-regions")
_TRAINING = (
    *("--widths", "4,4,4,4,4", "--recurrence", "0", "--spacing-mm", "2", "--epochs", "3"),
    *("--patch-size", "32,32,16", "--steps-per-epoch", "1", "--batch-size", "1"),
    *("--intensity", "percentile", "--simulate-fraction", "0", "--simulated-copies", "0"),
    *("--validation", "03"),
)


@dataclass(frozen=True)
class Study:
    """A study: raw data, weights, and where results go.

    Attributes
    ----------
    folder : Path
        Holds ``raw`` (a BIDS dataset of three scans with masks), ``other`` (another rater's
        masks), ``visits`` (two scans of one head), ``weights`` and ``out``.
    """

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Study":
        """Write raw data and weights."""
        study = cls(folder)
        scan, lesions = makers.head()
        for number, subject in enumerate(_SUBJECTS):
            place = Path(f"sub-{subject}") / "anat"
            moved = np.roll(lesions, number, axis=0)
            save_like(scan.data, scan, study.raw / place / f"sub-{subject}_FLAIR.nii.gz")
            masks = study.raw / "derivatives" / "manual" / place
            save_like(moved, scan, masks / f"sub-{subject}_label-L_mask.nii.gz")
            save_like(scan.data > 0, scan, masks / f"sub-{subject}_label-brain_mask.nii.gz")
            other = np.roll(moved, 1, axis=1)
            save_like(other, scan, study.other / f"sub-{subject}_label-L_mask.nii.gz")
        for number, name in enumerate(("first", "later")):
            data = np.where(np.roll(lesions, 4 * number, axis=1), 180.0, np.minimum(scan.data, 120))
            save_like(data.astype(np.float32), scan, study.visits / f"{name}_FLAIR.nii.gz")
        description = {"Name": "raw", "BIDSVersion": "1.10.0"}
        (study.raw / "dataset_description.json").write_text(json.dumps(description))
        (folder / "weights").mkdir()
        makers.weights(folder / "weights")
        return study

    @property
    def raw(self) -> Path:
        """The dataset, never to be written to."""
        return self.folder / "raw"

    @property
    def other(self) -> Path:
        """Another rater's masks."""
        return self.folder / "other"

    @property
    def visits(self) -> Path:
        """Two scans of one head, in which lesions came and went."""
        return self.folder / "visits"

    @property
    def out(self) -> Path:
        """Where results go."""
        return self.folder / "out"

    def raw_hashes(self) -> dict[str, str]:
        """SHA-256 of every file of the dataset."""
        return {
            path.relative_to(self.raw).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.raw.rglob("*"))
            if path.is_file()
        }

    def start(self, name: str) -> None:
        """Remove results, and make what a command works on."""
        shutil.rmtree(self.out, ignore_errors=True)
        if name in ("review", *TRIAL):
            shutil.rmtree(self.folder / "segmented", ignore_errors=True)
            makers.record(self.folder / "segmented")
            shutil.move(self.folder / "segmented" / "fsh", self.out)
        if name in TRIAL:
            self._read()
        for before in TRIAL[: TRIAL.index(name)] if name in TRIAL else ():
            done = run_fsh(self.command(before))
            if done.returncode:
                raise RuntimeError(f"{before} does not work: {done.stdout}")

    def _read(self) -> None:
        """Complete the only case, with every lesion decided."""
        (record,) = find_records(self.out)
        review = open_review(record, "Åsa")
        for label in review.lesions:
            review.set_status(label, "accepted")
        review.set_case_status(COMPLETED)

    def command(self, name: str, *, again: bool = False) -> list[str]:
        """Return the words of a command, after ``fsh``; ``again`` after it was stopped."""
        raw, out = str(self.raw), str(self.out)
        weights = str(self.folder / "weights" / "small.safetensors")
        masks = str(self.raw / "derivatives" / "manual")
        visits = [str(self.visits / f"{name}_FLAIR.nii.gz") for name in ("first", "later")]
        return {
            "segment": ["segment", raw, "-o", out, "--weights", weights, *_FAST],
            "track": ["track", *visits, "-o", out, "--weights", weights, *_FAST],
            "train": ["train", raw, "-o", out, *(() if not again else ("--resume",))]
            + ([] if again else list(_TRAINING)),
            "evaluate": ["evaluate", str(self.other), masks, "-o", out],
            "simulate": ["simulate", raw, "-o", out, "--count", "2"],
            "review": ["review", out],
            "assign": ["readers", "assign", out, "--reader", "Åsa"],
            "sign": ["readers", "sign", out, "--reader", "Åsa"],
            "lock": ["readers", "lock", out],
            "agreement": ["agreement", str(self.other), masks, "-o", out, "--consensus"],
        }[name]


def _segmented(study: Study) -> Iterator[str]:
    """Every record has its files, and they belong together."""
    for path in find_records(study.out):
        stored = read_segmentation(path)
        mask = load_mask(stored.paths["mask"]).data
        labels = load_volume(stored.paths["labels"]).data if mask.any() else np.zeros(mask.shape)
        if not np.array_equal(mask, labels > 0):
            yield f"{path.name}: mask and labels differ"
        if int(labels.max()) != stored.record.lesion_count:
            yield f"{path.name}: {stored.record.lesion_count} lesions, labels to {labels.max():g}"
    yield from read_cohort(study.out).failures
    table = study.out / CASES_TABLE
    if table.exists():
        pd.read_csv(table, sep="\t")


def _followed(study: Study) -> Iterator[str]:
    """Visits are followed with all their files, and the lesions are those that were followed."""
    yield from _segmented(study)
    for path in find_tracks(study.out):
        stored = read_track(path)
        files = [*stored.record.files.values()]
        files += [name for pair in stored.record.pairs for name in pair.files.values()]
        # The report comes last: the next run sees that it is missing.
        gone = [name for name in files if not (study.out / name).is_file()]
        yield from (f"{name}: is gone" for name in gone if not name.endswith(".html"))
        for visit in stored.record.visits:
            payload = (study.out / visit.labels).read_bytes()
            if hashlib.sha256(payload).hexdigest() != visit.labels_sha256:
                yield f"{visit.labels}: is not the one that was followed"


def _trained(study: Study) -> Iterator[str]:
    """Weights are those of their card, and the log is whole."""
    for path in study.out.glob("*.safetensors"):
        if path.stem != "state" and path.with_suffix(".json").exists():
            try:
                load_checkpoint(path)
            except InputError as error:
                # Weights and card are two files; --resume writes both again.
                if "SHA-256" not in str(error):
                    yield str(error)
    if RunFolder(study.out).state.exists():
        RunFolder(study.out).load_state()


def _tabled(study: Study) -> Iterator[str]:
    """Every table can be read."""
    for path in study.out.rglob("*.csv"):
        if not len(pd.read_csv(path)) and path.name != "failures.csv":
            yield f"{path.name}: is empty"


def _simulated(study: Study) -> Iterator[str]:
    """A scan has its truth, on its grid."""
    for path in study.out.glob("derivatives/*/sub-*/anat/*label-L_mask.json"):
        mask = load_mask(path.with_suffix(".nii.gz"))
        scan = (
            study.out / path.parent.parent.name / "anat" / f"{path.parent.parent.name}_FLAIR.nii.gz"
        )
        if load_volume(scan).shape != mask.shape:
            yield f"{path.name}: lies on another grid than its scan"


def _reviewed(study: Study) -> Iterator[str]:
    """The corrected lesions on disk are those of one moment, and the journal can be read."""
    for path in study.out.rglob("*desc-reviewed*_dseg.json"):
        record = json.loads(path.read_bytes())
        for key, name in record["files"].items():
            file = path.parent / Path(name).name
            hashed = record["files_sha256"].get(key)
            if hashed and hashlib.sha256(file.read_bytes()).hexdigest() != hashed:
                yield f"{file.name}: is not the one that the record names"
    for path in find_records(study.out):
        open_review(path, "Åsa")


def _dealt_out(study: Study) -> Iterator[str]:
    """The trial can be read, and what is signed is what the reader's journal holds."""
    yield from _reviewed(study)
    trial = read_trial(study.out)
    (stored,) = map(read_segmentation, find_records(study.out))
    for (case, reader), signature in (trial.signatures if trial else {}).items():
        if read_journal(stored, reader).sha256() != signature.journal_sha256:
            yield f"{case}: the journal of {reader} is not what was signed"


def lost_acts(study: Study, said: str) -> list[str]:
    """Say how many acts a reader was told of that the journal does not have."""
    (record,) = find_records(study.out)
    told, kept = said.count("act "), len(open_review(record, "Åsa").journal.events)
    return [f"{told - kept} acts lost"] if told > kept else []


CHECKS: dict[str, Callable[[Study], Iterator[str]]] = {
    "segment": _segmented,
    "track": _followed,
    "train": _trained,
    "evaluate": _tabled,
    "agreement": _tabled,
    "simulate": _simulated,
    "review": _reviewed,
    **dict.fromkeys(TRIAL, _dealt_out),
}
"""What must hold of the results of a command, whenever it was stopped: yields problems."""


_OF_A_RUN = ("run", "input", "review", "files_sha256")  # they hold times and paths


def result_of(folder: Path) -> dict[str, str]:
    """SHA-256 of what a command made, without what differs from run to run.

    Seconds, dates, paths and the machine stand in records, logs and pages, and in ``cases.tsv``.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        differs = path.suffix in (".html", ".jsonl") and path.name != READERS_FILE
        if not path.is_file() or differs or path.name == CASES_TABLE:
            continue
        payload = path.read_bytes()
        if path.name == READERS_FILE:
            trial = read_trial(folder)
            events = trial.events if trial else ()
            # A journal has the times of its acts.
            left_out = {"time", "journal_sha256"}
            payload = repr([event.model_dump(exclude=left_out) for event in events]).encode()
        if path.suffix == ".json":
            content = json.loads(payload)
            payload = json.dumps(
                {key: content[key] for key in content if key not in _OF_A_RUN}
            ).encode()
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(payload).hexdigest()
    return found


def problems_after_stop(study: Study, name: str, raw: dict[str, str]) -> list[str]:
    """Say what is wrong with what a stopped command left."""
    problems = [] if study.raw_hashes() == raw else ["raw data changed"]
    try:
        problems += CHECKS[name](study)
    except Exception as error:
        problems.append(f"{type(error).__name__}: {error}")
    return problems


def problems_of_a_rerun(study: Study, name: str, whole: dict[str, str]) -> list[str]:
    """Run a stopped command again, and say what differs from one that nothing stopped."""
    again = name != "train" or (study.out / "config.json").exists()
    done = run_fsh(study.command(name, again=again))
    # Where all was dealt out before the stop, the next run says that there is nothing to do.
    if done.returncode and "has its readers" not in " ".join(done.stdout.split()):
        return [f"the next run ends with {done.returncode}: {done.stdout[-500:]}"]
    found = result_of(study.out)
    problems = [
        f"{path} is {'missing' if path not in found else 'there' if path not in whole else 'other'}"
        for path in sorted(found.keys() | whole.keys())
        if found.get(path) != whole.get(path)
    ]
    left = [path.name for path in study.out.rglob(".*") if path.name.startswith(".fsh-")]
    return problems + [f"left behind: {name}" for name in left]


def run_fsh(words: list[str], *before: str) -> "subprocess.CompletedProcess[str]":
    """Run ``fsh`` in a process of its own; ``before`` are words of `campaigns.stopped`."""
    module = ["campaigns.stopped", *before] if before else ["fsh_core.cli"]
    if words[0] == "review" and not before:
        module, words = ["campaigns.reviewing"], words[1:]
    return subprocess.run(
        [sys.executable, "-m", *module, *words],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
