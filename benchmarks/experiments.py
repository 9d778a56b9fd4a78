"""Accuracy on held-out patients, at equal and short training budgets: docs/experiments.md.

python -m benchmarks.experiments folds DATA OUT --lesion-free BODIES
                                                both members of the default, by patient and by site
python -m benchmarks.experiments finish DATA OUT --lesion-free BODIES
                                                the same after a last stage, patches as large as
                                                tiles, which goes on from those of folds in OUT
python -m benchmarks.experiments patterns DATA OUT --lesion-free BODIES
                                                the first fold with whole patterns of lesions in
                                                the bodies too
python -m benchmarks.experiments levers DATA OUT --lesion-free BODIES
                                                what is said to help on unseen scanners, one by
                                                one: leave one site out, half as wide
python -m benchmarks.experiments sites DATA OUT leave one site out without any of that: two
                                                networks, half as wide
python -m benchmarks.experiments paper DATA OUT the paper's four networks at equal budget, three
                                                seeds

Every run is an `fsh-train` of its own in OUT/NAME, and resumes where it was stopped. Its held-out
patients are measured with its last weights on whole volumes; the results are printed and written
to OUT/STUDY.csv. BODIES are scans with any lesion mask that train as bodies without lesions, but
for `HEALTHY`, nearly without lesions, in which everything found is false. OUT/NAME can be trained
by hand beside it, several at a time.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from fsh_core.cases import Case, discover_cases
from fsh_core.config import ABLATIONS, SegmentConfig
from fsh_core.inference.predict import BrainFinder, load_predictor
from fsh_core.inference.scan import predict_case
from fsh_core.training.operating_point import ValidationCase, measure
from fsh_core.volume.volume import load_mask

SAMPLE = "mslessegP39"  # trained on by nothing
HEALTHY = "nichart00"  # trained on by nothing either
# Ljubljana and Catania are each left out as a site once, and every patient of Tabriz with some
# others of Tabriz; a fourth fold leaves out Tabriz.
FOLDS = {
    "ljubljana": ("ljubljana07", "ljubljana19", "tabriz101228", "tabriz102313", "tabriz110218"),
    "catania": ("mslessegP18", "tabriz104670", "tabriz107130", "tabriz112776"),
    "patients": ("tabriz101627", "tabriz104899", "tabriz106639", "tabriz111008"),
}
SITES = ("ljubljana", "mslesseg", "tabriz")
HELD_OUT_OF_PAPER = ("ljubljana19", "tabriz102313", "tabriz110218")
NORMS = ("batch", "instance")  # of the two members of the default
SMALL = (
    *("--widths", "8,16,32,64,128", "--patch-size", "48,48,48", "--epochs", "8"),
    *("--simulate-fraction", "0", "--simulated-copies", "0"),
)
DEFAULT = (
    *("--ablation", "fsh", "--widths", "8,16,32,64,128", "--patch-size", "48,48,48"),
    *("--augmentation", "wide", "--simulate-fraction", "0.2", "--simulated-copies", "6"),
    *("--learning-rate", "0.0007"),
)  # of the default's members
FOLD_EPOCHS = 48
LEVERS_BASE = (
    *("--ablation", "attention-unet", "--norm", "instance", *SMALL[:-4]),
    *("--simulate-fraction", "0.2", "--simulated-copies", "4"),
)
LEVERS = {
    "base": (),
    "wide, lesion-free": ("--augmentation", "wide"),
    "wide": ("--augmentation", "wide"),
    "by lesion": ("--lesion-weight", "0.5"),
    "lesion-free": (),
    "wide, lesion-free, batch": ("--augmentation", "wide", "--norm", "batch"),
}
FINISH = ("--patch-size", "64,64,96", "--epochs", "6", "--learning-rate", "0.0003")
PLAIN = ("--augmentation", "default", "--lesion-free-fraction", "0.1")
PATTERNS = (*DEFAULT, "--lesion-free-copies", "1")
WITH_BODIES = ("folds", "finish", "patterns", "levers")
SEEDS = (0, 1, 2)
SHOWN = (
    "dice",
    "sensitivity",
    "precision",
    "lesion_f1",
    "lesion_sensitivity",
    "lesion_precision",
    "false_lesions",
)


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes
    ----------
    name, group : str
        Of its folder, and in the table.
    options, held_out : tuple of str
        Of ``fsh-train``; patients that it is judged on.
    is_with_bodies : bool
        Whether bodies without lesions train it too.
    starts_from : str
        Name of the run whose last weights it goes on from; empty = random weights.
    """

    name: str
    group: str
    options: tuple[str, ...]
    held_out: tuple[str, ...]
    is_with_bodies: bool = False
    starts_from: str = ""


def runs_of(study: str, cases: list[Case]) -> list[Run]:
    """Return the trainings of a study."""
    if study == "folds":
        folds = FOLDS | {"tabriz": _of_site("tabriz", cases)}
        return [
            Run(
                f"without-{fold}-{norm}",
                norm,
                (*DEFAULT, "--norm", norm, "--epochs", str(FOLD_EPOCHS)),
                held_out,
                is_with_bodies=True,
            )
            for (fold, held_out), norm in product(folds.items(), NORMS)
        ]
    if study == "finish":
        return [
            Run(
                *(f"finish-{fold}{kind}-{norm}", f"finish{kind}, {norm}"),
                (*DEFAULT, *FINISH, "--norm", norm, *more),
                *(FOLDS[fold], True, f"without-{fold}-{norm}"),
            )
            for fold, kind, more in (
                *((fold, "", ()) for fold in FOLDS),
                ("ljubljana", "-plain", PLAIN),
            )
            for norm in NORMS
        ]
    if study == "patterns":
        return [
            Run(
                f"without-ljubljana-patterns-{norm}",
                f"patterns, {norm}",
                (*PATTERNS, "--norm", norm, "--epochs", str(FOLD_EPOCHS)),
                FOLDS["ljubljana"],
                is_with_bodies=True,
            )
            for norm in NORMS
        ]
    if study == "levers":
        return [
            Run(
                f"without-{site}-{lever.replace(', ', '-').replace(' ', '-')}",
                f"{lever}, without {site}",
                (*LEVERS_BASE, *options),
                _of_site(site, cases),
                "lesion-free" in lever,
            )
            for (lever, options), site in product(LEVERS.items(), SITES)
        ]
    if study == "sites":
        return [
            Run(f"without-{site}-{norm}", norm, ("--norm", norm, *SMALL), _of_site(site, cases))
            for site, norm in product(SITES, NORMS)
        ]
    return [
        Run(
            f"{network}-seed{seed}",
            network,
            ("--ablation", network, "--seed", str(seed), *SMALL),
            HELD_OUT_OF_PAPER,
        )
        for seed, network in product(SEEDS, ABLATIONS)
    ]


def _of_site(site: str, cases: list[Case]) -> tuple[str, ...]:
    return tuple(
        case.subject for case in cases if case.subject.startswith(site) and case.subject != SAMPLE
    )


def train(run: Run, data: Path, bodies: Path | None, folder: Path) -> None:
    """Train, or go on training, until the run is finished."""
    command = [sys.executable, "-m", "fsh_core.cli", "train", str(data), "--out", str(folder)]
    command += ["--exclude", SAMPLE]
    if run.is_with_bodies:
        command += ["--lesion-free", str(bodies), "--exclude", HEALTHY]
    if (folder / "config.json").exists():
        command += ["--resume"]
    else:
        held_out = [word for subject in run.held_out for word in ("--validation", subject)]
        command += [*held_out, "--validate-every", "1000", *run.options]
        if run.starts_from:
            start = folder.parent / run.starts_from / "last.safetensors"
            command += ["--start-from", str(start)]
    subprocess.run(command, check=True)


def judge(run: Run, cases: list[Case], bodies: list[Case], folder: Path) -> pd.DataFrame:
    """Measure the held-out patients, and the healthy one, one row each, by the default settings."""
    table = folder / "held_out.csv"
    if table.exists():
        return pd.read_csv(table)
    config = SegmentConfig(threshold=0.5, minimum_volume_mm3=3.0)
    predictor, finder = load_predictor(folder / "last.safetensors", config), BrainFinder()
    rows = []
    held_out = [case for case in cases if case.subject in run.held_out]
    healthy = [case for case in bodies if case.subject == HEALTHY]
    for case in (case for case in [*held_out, *healthy] if case.reference):
        predicted = predict_case(case, predictor, finder=finder)
        reference = (
            load_mask(case.reference, predicted.flair, case.flair).data & predicted.brain.mask
        )
        row = measure(ValidationCase(case.name, predicted, reference), config)
        rows.append(
            {"run": run.name, "group": run.group, "weights_sha256": predictor.card.sha256, **row}
        )
    found = pd.DataFrame(rows)
    found.to_csv(table, index=False)
    return found


def interval(values: pd.Series, draws: int = 10_000) -> str:
    """Return the mean with its 95 % bootstrap interval over patients and seeds."""
    drawn = np.random.default_rng(0).choice(values.to_numpy(), (draws, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def show(results: pd.DataFrame) -> None:
    """Print a row a patient, then a row a group of runs."""
    columns = ["run", "case", *SHOWN]
    show_table(results[columns].round(3).astype(str).to_numpy().tolist(), columns)
    grouped = results.groupby("group", sort=False)
    rows = [
        [name, *(interval(values) for _, values in group[["dice", "lesion_f1"]].items())]
        for name, group in grouped
    ]
    show_table(rows, ["network", "Dice", "lesion F1"])


def show_differences(results: pd.DataFrame, base: str) -> None:
    """Print how each network differs from one, patient by patient and seed by seed."""
    seeds = results.assign(
        seed=[
            run.removeprefix(group) for run, group in zip(results.run, results.group, strict=True)
        ]
    )
    measures = ["dice", "lesion_f1"]
    wide = seeds.pivot(index=["case", "seed"], columns="group", values=measures)
    others = [name for name in results.group.unique() if name != base]
    rows = [
        [name, *(interval(wide[measure][name] - wide[measure][base]) for measure in measures)]
        for name in others
    ]
    show_table(rows, [f"minus {base}", "Dice", "lesion F1"])


def show_table(rows: list[list[str]], columns: list[str]) -> None:
    """Print a table in Markdown."""
    for row in [columns, ["---"] * len(columns), *rows]:
        print("|", " | ".join(row), "|")
    print()


def main(study: str, data: Path, out: Path, bodies: Path | None) -> None:
    """Train, judge and show a study."""
    cases = discover_cases(data)
    free = discover_cases(bodies) if bodies else []
    results = []
    for run in runs_of(study, cases):
        if not (out / run.name / "held_out.csv").exists():
            train(run, data, bodies, out / run.name)
        results.append(judge(run, cases, free, out / run.name))
    found = pd.concat(results, ignore_index=True)
    found.to_csv(out / f"{study}.csv", index=False)
    show(found)
    if study == "paper":
        show_differences(found, "fsh")


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "study", choices=("folds", "finish", "patterns", "sites", "levers", "paper")
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lesion-free", type=Path, metavar="BODIES")
    words = parser.parse_args()
    if words.study in WITH_BODIES and words.lesion_free is None:
        parser.error(f"{words.study} needs --lesion-free BODIES")
    main(words.study, words.data, words.out, words.lesion_free)


if __name__ == "__main__":
    run()
