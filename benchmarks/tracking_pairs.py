"""Pairs of visits with known changes, segmented: what `benchmarks.tracking` measures with.

python -m benchmarks.tracking_pairs DATA OUT

DATA is the folder with ``ms-flair``, ``ms-unlabelled`` and ``longitudinal``. OUT/sources gets one
scan of each of twelve patients with its own lesions: those that were drawn, or where none were,
those that the bundled weights find. OUT/pairs/CONDITION gets two visits of each, made by
`fsh simulate`, and OUT/real the three real pairs; each is a BIDS dataset with the result of
the bundled weights in ``derivatives/fsh`` and the truth in ``derivatives/truth``. Pairs without
change are the first visit of those with changes, scanned again. What is there is not made again,
and a scan that occurs twice is segmented once (OUT/segmented, by content).
"""

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fsh_core import BrainFinder, load_predictor, segment_case
from fsh_core.cases import Case
from fsh_core.cli import main as fsh
from fsh_core.config import SegmentConfig
from fsh_core.derivatives.layout import derivative_paths, to_json
from fsh_core.derivatives.write import write_segmentation
from fsh_core.files import sha256_of
from fsh_core.inference.predict import NetworkPredictor

TUNING = (
    *("ljubljana07", "ljubljana19", "mslessegP18", "tabriz101228"),
    *("ljubljanalong04", "ljubljanalong09"),
)
"""Patients whose pairs a tracker may be tuned on. The weights learned from the first four."""
TEST = (
    *("mslessegP39", "ljubljanalong20", "patient01", "patient03", "patient12"),
    "tabriz104670",
)
"""Patients whose pairs it is measured on. The weights learned from the last one alone."""
REAL = ("patient01", "patient03", "patient12")
"""Patients with two real visits, all of them to measure on."""

_SESSIONS = ("01", "02")
_FIRST = "changed-mild"  # made before the others
_OWN_CHANGES = ("--own-new", "2", "--own-resolved", "2")
_SLICES = ("--slice-mm", "4", "--in-plane-mm", "1")
_STRONG = (
    *("--turn-degrees", "8", "--shift-mm", "10", "--noise", "0.04", "--bias", "0.3"),
    *("--gamma", "0.2", "--blur-mm", "1.5", "--gain", "0.3"),
)
_PLAIN = {"turn-degrees": 2, "shift-mm": 3, "noise": 0.01, "bias": 0, "gamma": 0}


def _but(**settings: float) -> tuple[str, ...]:
    """Options of a second scan that differs in one thing."""
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    return tuple(
        word for name, value in (_PLAIN | named).items() for word in (f"--{name}", f"{value:g}")
    )


CHANGED = {"mild": (), "strong": _STRONG, "slices": _SLICES}
"""Options of the second scan of pairs with changes, by condition: as it is, all at once, 4 mm."""
STABLE = {
    "position": _but(turn_degrees=8, shift_mm=10),
    "noise": _but(noise=0.05),
    "bias": _but(bias=0.3),
    "gamma": _but(gamma=0.3),
    "blur": _but(blur_mm=2),
    "slices": (*_but(), *_SLICES),
    "strong": _STRONG,
}
"""The same of pairs in which nothing changes: one disturbance each, and all at once."""


def conditions() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name every condition, with the options of `fsh simulate` that make it."""
    for name, options in CHANGED.items():
        yield f"changed-{name}", ("--follow-up", "--merged", "2", "--split", "2", *options)
    for name, options in STABLE.items():
        yield f"stable-{name}", ("--stable", "--unchanged", "0", *options)


class Segmenter:
    """Segments with the bundled weights, a scan of the same content once.

    Parameters
    ----------
    store : Path
        Folder of results, one for each content of a scan.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._loaded: tuple[NetworkPredictor, BrainFinder] | None = None

    def segment(self, case: Case, out: Path) -> Path:
        """Put the result of one scan into a derivatives folder; return its record's path."""
        record = derivative_paths(case, out)["record"]
        if record.exists():
            return record
        folder = self._store / f"{case.name}-{sha256_of(case.flair)[:16]}"
        if not derivative_paths(case, folder)["record"].exists():
            config = SegmentConfig(regions=False)  # matching lesions needs no atlas
            if self._loaded is None:
                self._loaded = load_predictor(None, config), BrainFinder()
            predictor, finder = self._loaded
            write_segmentation(segment_case(case, predictor, config, finder=finder), folder)
            print(f"segmented {case.flair}", flush=True)
        stored = derivative_paths(case, folder)
        for key, path in derivative_paths(case, out).items():
            if stored[key].exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(stored[key], path)
        return record


def make_real(data: Path, out: Path, segmenter: Segmenter) -> None:
    """Lay out the real pairs as a dataset with sessions, and segment them."""
    _describe(out, "Real pairs of visits")
    for patient in REAL:
        for number, session in enumerate(_SESSIONS, start=1):
            case = _visit(out, patient, session)
            source = data / "longitudinal" / patient / f"study{number}_FLAIR.nii.gz"
            _copy(source, case.flair)
            segmenter.segment(case, out / "derivatives" / "fsh")


def make_sources(data: Path, out: Path, real: Path, segmenter: Segmenter) -> dict[str, Path]:
    """Lay out one scan of every patient with its own lesions; return each one's dataset."""
    datasets = {}
    for subject in (*TUNING, *TEST):
        name = f"sub-{subject}"
        flair = Path(name, "anat", f"{name}_FLAIR.nii.gz")
        drawn = data / "ms-flair" / "derivatives" / "manual" / name / "anat"
        if drawn.is_dir():
            dataset, source = out / "labelled", data / "ms-flair" / flair
            mask = drawn / f"{name}_label-L_mask.nii.gz"
        else:
            dataset, source = out / "unlabelled", data / "ms-unlabelled" / flair
            if subject in REAL:
                visit = _visit(real, subject, _SESSIONS[0])
                source, found = visit.flair, derivative_paths(visit, real / "derivatives" / "fsh")
            else:
                case, folder = Case(subject, None, {"FLAIR": source}), out / "found"
                segmenter.segment(case, folder)
                found = derivative_paths(case, folder)
            mask = found["mask"]
        _describe(dataset, "Scans to simulate in")
        _copy(source, dataset / flair)
        own = dataset / "derivatives" / "own" / name / "anat" / f"{name}_label-L_mask.nii.gz"
        _copy(mask, own)
        datasets[subject] = dataset
    return datasets


def simulate(out: Path, condition: str, options: tuple[str, ...]) -> None:
    """Simulate two visits of every source under one condition.

    Raises
    ------
    RuntimeError
        If `fsh simulate` fails.
    """
    dataset = out / "pairs" / condition
    if (dataset / "done").exists():
        return
    inputs: list[tuple[list[str], tuple[str, ...]]]
    if condition.startswith("stable"):
        firsts = [case for case in visits_of(out / "pairs" / _FIRST) if case.session == "01"]
        inputs = [([str(case.flair) for case in firsts], ())]
    else:
        # Own lesions that the weights found would be changes that they find.
        more: dict[str, tuple[str, ...]] = {"labelled": _OWN_CHANGES, "unlabelled": ()}
        inputs = [([str(out / "sources" / kind)], own) for kind, own in more.items()]
    for files, own in inputs:
        if fsh(["simulate", *files, "-o", str(dataset), *options, *own]):
            raise RuntimeError(f"{dataset}: simulating failed")
    (dataset / "done").touch()


def make(data: Path, out: Path) -> None:
    """Make everything that is not there."""
    segmenter = Segmenter(out / "segmented")
    make_real(data, out / "real", segmenter)
    make_sources(data, out / "sources", out / "real", segmenter)
    for name, options in conditions():
        simulate(out, name, options)
    for name, _ in conditions():
        for case in visits_of(out / "pairs" / name):
            segmenter.segment(case, out / "pairs" / name / "derivatives" / "fsh")


def visits_of(dataset: Path) -> list[Case]:
    """List the visits of a dataset, without the truth beside them."""
    subjects = sorted(path.name.removeprefix("sub-") for path in dataset.glob("sub-*"))
    return [_visit(dataset, subject, session) for subject in subjects for session in _SESSIONS]


def _visit(dataset: Path, subject: str, session: str) -> Case:
    name = f"sub-{subject}_ses-{session}"
    flair = dataset / f"sub-{subject}" / f"ses-{session}" / "anat" / f"{name}_FLAIR.nii.gz"
    return Case(subject, session, {"FLAIR": flair})


def _copy(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _describe(dataset: Path, name: str) -> None:
    dataset.mkdir(parents=True, exist_ok=True)
    description = {"Name": name, "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    (dataset / "dataset_description.json").write_text(to_json(description), encoding="utf-8")


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    make(words.data, words.out)


if __name__ == "__main__":
    run()
