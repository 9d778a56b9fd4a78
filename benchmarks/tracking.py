"""How well changes between visits are found: docs/tracking.md.

python -m benchmarks.tracking real PAIRS DATA OUT        three real pairs against their change masks
python -m benchmarks.tracking simulated PAIRS OUT        pairs with known changes, pairs with none
python -m benchmarks.tracking show OUT                   the tables once more, of what was measured
python -m benchmarks.tracking repeatability OUT FILE     limits by size, of stable tuning pairs

PAIRS is made by `benchmarks.tracking_pairs`. ``--side tuning`` looks at the patients alone that a
tracker may be tuned on; ``--only`` at conditions that begin so. Tables are in OUT, one CSV each.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.tracking_pairs import REAL, TEST, TUNING, visits_of
from fsh_core import load_mask, load_predictor, load_volume
from fsh_core.cases import Case
from fsh_core.derivatives.layout import derivative_paths, to_json
from fsh_core.evaluation.change import (
    CHANGE_SIZES_MM,
    ChangeMetrics,
    change_metrics,
    kinds_found,
)
from fsh_core.evaluation.identity import identity_kept
from fsh_core.evaluation.overlap import overlap_table
from fsh_core.simulation.truth import labels_in
from fsh_core.studies.lesion_repeatability import UP_TO_MM3, lesion_repeatability
from fsh_core.tables import TAB, format_table, read_table
from fsh_core.tracking import Track, Visit, track_visits
from fsh_core.tracking.halfway import resample_to
from fsh_core.volume.components import label_components
from fsh_core.volume.itk import read_affine_transform
from fsh_core.volume.nifti import read_labels
from fsh_core.volume.volume import Volume

CHANGED = ("new", "enlarging", "shrinking", "resolved")
"""Kinds that the mask of an unsigned change holds, of merged and split lesions by their size."""
_EVERY_VOXEL = 499  # of the brain, of which one is looked at for the error of the registration


def load_visits(dataset: Path, subject: str) -> list[Visit] | None:
    """Read both visits with their lesions; None where one is not segmented yet."""
    visits = []
    for case in visits_of(dataset):
        if case.subject != subject:
            continue
        paths = derivative_paths(case, dataset / "derivatives" / "fsh")
        if not paths["record"].exists():
            return None
        visits.append(_load(case, paths))
    return visits or None


def _load(case: Case, paths: dict[str, Path]) -> Visit:
    return Visit(
        name=str(case.session),
        flair=load_volume(case.flair),
        labels=read_labels(paths["labels"])[0],
        brain=load_mask(paths["brain"]).data,
        probability=load_volume(paths["probability"]).data,
    )


class TrueChanges:
    """The truth of a simulated pair, brought into the half-way space of a found one.

    Parameters
    ----------
    dataset : Path
        Made by `fsh simulate`.
    subject : str
        The patient.
    """

    def __init__(self, dataset: Path, subject: str) -> None:
        home = dataset / "derivatives" / "truth" / f"sub-{subject}"
        stem = home / f"sub-{subject}_changes"
        text = dict.fromkeys(("labels_before", "labels_after"), str)
        self.table = read_table(stem.with_suffix(".tsv"), TAB, text)
        made = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        self.to_second = np.array(made["FirstToSecond"])
        self.labels = [
            read_labels(
                home / f"ses-{name}" / "anat" / f"sub-{subject}_ses-{name}_label-L_dseg.nii.gz"
            )[0]
            for name in ("01", "02")
        ]

    def links(self, kinds: Sequence[str]) -> list[tuple[int, int]]:
        """Pairs of numbers of lesions that are the same at both visits."""
        rows = self.table[self.table["kind"].isin(kinds)]
        return [
            (before, after)
            for row in rows.itertuples()
            for before in labels_in(row.labels_before)
            for after in labels_in(row.labels_after)
        ]

    def halfway(self, track: Track) -> list[NDArray[np.int32]]:
        """Number of the change that each voxel belongs to, of each visit."""
        maps = []
        for place, column in enumerate(("labels_before", "labels_after")):
            change_of = {
                label: int(row["change"])
                for row in self.table.to_dict("records")
                for label in labels_in(row[column])
            }
            maps.append(_halfway(track, place, _renumbered(self.labels[place], change_of)))
        return maps


def _renumbered(labels: NDArray[np.integer], number_of: dict[int, int]) -> NDArray[np.int32]:
    numbers = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int32)
    for label, number in number_of.items():
        if label < len(numbers):
            numbers[label] = number
    return numbers[labels]


def _halfway(track: Track, place: int, labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Bring a label map of one visit into the half-way space."""
    halfway = track.pairs[0].halfway
    to_visit = (halfway.to_first, halfway.to_second)[place]
    return np.asarray(resample_to(halfway, track.visits[place].flair, to_visit, labels))


def found_maps(track: Track) -> list[NDArray[np.int32]]:
    """Number of the found change that each voxel belongs to, of each visit, and of the difference.

    Lesions that the difference alone shows are in both.
    """
    maps = []
    for place, column in enumerate(("labels_before", "labels_after")):
        change_of = {
            int(label): int(row["change"])
            for row in track.changes.to_dict("records")
            for label in row[column]
        }
        lesions = _halfway(track, place, _renumbered(track.visits[place].labels, change_of))
        maps.append(np.where(lesions > 0, lesions, track.pairs[0].change_numbers).astype(np.int32))
    return maps


def _of_kind(labels: NDArray[np.int32], table: pd.DataFrame, kinds: Sequence[str]) -> NDArray[Any]:
    numbers = table.loc[table["kind"].isin(kinds), "change"].to_numpy()
    return np.where(np.isin(labels, numbers), labels, 0).astype(np.int32)


def _changed_numbers(changes: pd.DataFrame) -> NDArray[Any]:
    """Numbers of found changes that an unsigned mask of change would hold."""
    changed = changes["kind"].isin(CHANGED) | changes["size_change"].isin(CHANGED)
    return changes.loc[changed, "change"].to_numpy()


def registration_error_mm(track: Track, to_second: NDArray[np.float64]) -> float:
    """Mean distance over the brain between the found and the true place in the second visit."""
    visit = track.visits[0]
    voxels = np.argwhere(visit.brain)[::_EVERY_VOXEL]
    world = np.c_[voxels, np.ones(len(voxels))] @ visit.flair.affine.T
    apart = track.pairs[0].halfway.first_to_second - to_second
    return float(np.linalg.norm((world @ apart.T)[:, :3], axis=1).mean())


def measure_changed(dataset: Path, subject: str, track: Track) -> dict[str, pd.DataFrame]:
    """Hold what was found in a pair with changes against what is true."""
    truth = TrueChanges(dataset, subject)
    true, found = truth.halfway(track), found_maps(track)
    voxel_mm3 = track.pairs[0].halfway.grid.voxel_volume_mm3
    scores, sizes = [], []
    for kind in CHANGED:
        place = 0 if kind in ("resolved", "shrinking") else 1  # the visit at which it is larger
        metrics = change_metrics(
            _of_kind(true[place], truth.table, [kind]),
            _of_kind(found[place], track.changes, [kind]),
            voxel_mm3,
        )
        scores.append({"kind": kind, **_numbers(metrics)})
        sizes += [
            {"kind": kind, "size": size, **asdict(metrics.by_size[size])}
            for size in CHANGE_SIZES_MM
        ]
    changed = [_of_kind(part, truth.table, [*CHANGED, "merged", "split"]) > 0 for part in true]
    # Where a lesion is at both visits, nothing changed.
    unsigned = (changed[0] != changed[1]).astype(np.int32)
    change_numbers = track.pairs[0].change_numbers
    told = np.isin(change_numbers, _changed_numbers(track.changes))
    metrics = change_metrics(unsigned, told.astype(np.int32), voxel_mm3)
    whole: dict[str, Any] = {
        "dice": metrics.dice,
        "registration_error_mm": registration_error_mm(track, truth.to_second),
    }
    for name, kinds in {
        "all": ("enlarging", "shrinking", "stable", "merged", "split"),
        "merged_split": ("merged", "split"),
    }.items():
        kept = identity_kept(
            (truth.labels[0], truth.labels[1]),
            truth.links(kinds),
            (track.visits[0].labels.astype(np.int32), track.visits[1].labels.astype(np.int32)),
            _found_links(track),
        )
        whole |= {f"links_{name}": kept.seen, f"kept_{name}": kept.kept}
    both = [np.where(part[1] > 0, part[1], part[0]) for part in (true, found)]
    kinds_table = kinds_found(
        both[0],
        dict(zip(truth.table["change"], truth.table["kind"], strict=True)),
        both[1],
        dict(zip(track.changes["change"], track.changes["kind"], strict=True)),
    )
    return {
        "changes": pd.DataFrame(scores),
        "sizes": pd.DataFrame(sizes),
        "pairs": pd.DataFrame([whole]),
        "kinds": kinds_table,
        "lesions": _unchanged(track, changed, found),
    }


def _unchanged(
    track: Track, changed: Sequence[NDArray[np.bool_]], found: Sequence[NDArray[np.int32]]
) -> pd.DataFrame:
    """List what was found at both visits and touches nothing that truly changed."""
    touching = set()
    for place in range(2):
        touching |= set(np.unique(found[place][changed[0] | changed[1]]).tolist())
    return _seen_twice(track.changes[~track.changes["change"].isin(touching)])


def _seen_twice(changes: pd.DataFrame) -> pd.DataFrame:
    """Volumes of the lesions that were found at both visits."""
    twice = (changes["volume_before_mm3"] > 0) & (changes["volume_after_mm3"] > 0)
    columns = ["volume_before_mm3", "volume_after_mm3", "kind"]
    return changes.loc[twice, columns].reset_index(drop=True)


def _numbers(metrics: ChangeMetrics) -> dict[str, Any]:
    return {name: value for name, value in asdict(metrics).items() if name != "by_size"}


def _found_links(track: Track) -> list[tuple[int, int]]:
    """Pairs of lesions of the two visits that share a track."""
    by_visit = [track.lesions[track.lesions["visit"] == visit.name] for visit in track.visits]
    joined = by_visit[0].merge(by_visit[1], on="track")
    return list(zip(joined["label_x"].tolist(), joined["label_y"].tolist(), strict=True))


def measure_stable(dataset: Path, subject: str, track: Track) -> dict[str, pd.DataFrame]:
    """Count what was found in a pair without any change, and list what was found twice."""
    truth = TrueChanges(dataset, subject)
    counts = track.changes["kind"].value_counts()
    row: dict[str, float] = {
        kind: int(counts.get(kind, 0)) for kind in (*CHANGED, "merged", "split", "uncertain")
    }
    row["lesions"] = len(track.changes)
    row["registration_error_mm"] = registration_error_mm(track, truth.to_second)
    return {"stable": pd.DataFrame([row]), "lesions": _seen_twice(track.changes)}


def real_pair(pairs: Path, data: Path, subject: str) -> dict[str, pd.DataFrame]:
    """Hold what was found in a real pair against the mask of unsigned change.

    The two given transforms take the common space to each raw scan; their mean takes it to
    the half-way space, and how far they lie apart there says how well the registration
    agrees with them.
    """
    visits = load_visits(pairs / "real", subject)
    if visits is None:
        raise FileNotFoundError(f"{subject} is not segmented; run benchmarks.tracking_pairs")
    track = track_visits(visits)
    folder = data / "longitudinal" / subject
    reference = load_mask(folder / "change_mask.nii.gz")
    brain = load_mask(folder / "brain_mask.nii.gz").data
    halfway = track.pairs[0].halfway
    to_halfway = [
        np.linalg.inv(to_visit)
        @ read_affine_transform(folder / f"study{number}_FLAIR_to_common_space.txt")
        for number, to_visit in ((1, halfway.to_first), (2, halfway.to_second))
    ]
    told = np.isin(track.pairs[0].change_numbers, _changed_numbers(track.changes))
    numbers = np.where(told, track.pairs[0].change_numbers, 0)
    found = _sampled(numbers, halfway.grid, (to_halfway[0] + to_halfway[1]) / 2, reference)
    found[~brain] = 0
    true, _ = label_components(reference.data & brain)
    metrics = change_metrics(true, found, reference.voxel_volume_mm3)
    voxels = np.argwhere(brain)[::_EVERY_VOXEL]
    world = np.c_[voxels, np.ones(len(voxels))] @ reference.affine.T
    apart = np.linalg.norm((world @ (to_halfway[0] - to_halfway[1]).T)[:, :3], axis=1).mean()
    counts = track.changes["kind"].value_counts()
    row = {
        **_numbers(metrics),
        "true_ml": reference.volume_ml(true),
        "found_ml": reference.volume_ml(found),
        "transforms_apart_mm": float(apart),
        **{f"told_{kind}": int(counts.get(kind, 0)) for kind in (*CHANGED, "uncertain")},
    }
    return {"real": pd.DataFrame([row]), "real_kinds": _kinds_of_real(track, found, true)}


def _sampled(
    labels: NDArray[np.integer[Any]], grid: Volume, to_grid: NDArray[np.float64], like: Volume
) -> NDArray[np.int32]:
    """Sample a label map at the voxels of another grid, by the nearest voxel."""
    matrix = np.linalg.inv(grid.affine) @ to_grid @ like.affine
    places = np.indices(like.shape).reshape(3, -1)
    voxels = np.rint(matrix[:3, :3] @ places + matrix[:3, 3:]).astype(np.int64)
    inside = ((voxels >= 0) & (voxels < np.array(labels.shape)[:, None])).all(axis=0)
    sampled = np.zeros(places.shape[1], dtype=np.int32)
    sampled[inside] = labels[tuple(voxels[:, inside])]
    return sampled.reshape(like.shape)


def _kinds_of_real(track: Track, found: NDArray[np.int32], true: NDArray[np.int32]) -> pd.DataFrame:
    """Count found changes of each kind by whether they lie on true change."""
    table = overlap_table(true, found)
    hit = set(table.loc[(table["reference"] > 0) & (table["prediction"] > 0), "prediction"])
    kinds = dict(zip(track.changes["change"], track.changes["kind"], strict=True))
    present = sorted(set(table["prediction"]) - {0})
    rows = [{"kind": kinds[number], "true": number in hit} for number in present]
    counted = pd.DataFrame(rows, columns=["kind", "true"]).value_counts(sort=False)
    return counted.rename("changes").reset_index()


def simulated(pairs: Path, out: Path, subjects: Sequence[str], only: str) -> None:
    """Measure every pair that is segmented."""
    tables: dict[str, list[pd.DataFrame]] = {}
    trained = load_predictor().card.training.subjects
    for dataset, subject in _pairs_in(pairs, subjects, only):
        visits = load_visits(dataset, subject)
        if visits is None:
            continue
        measure = measure_stable if dataset.name.startswith("stable") else measure_changed
        measured = measure(dataset, subject, track_visits(visits))
        _keep(tables, measured, subject, dataset.name, subject in trained)
        print(f"{dataset.name} {subject}", file=sys.stderr, flush=True)
        _write(tables, out)


def _pairs_in(pairs: Path, subjects: Sequence[str], only: str) -> Iterator[tuple[Path, str]]:
    for dataset in sorted((pairs / "pairs").glob(f"{only}*")):
        for subject in subjects:
            if (dataset / f"sub-{subject}").is_dir():
                yield dataset, subject


def _keep(
    tables: dict[str, list[pd.DataFrame]],
    measured: dict[str, pd.DataFrame],
    subject: str,
    condition: str,
    trained: bool,
) -> None:
    """Add the tables of one pair, with whose it is."""
    side = "tuning" if subject in TUNING else "test"
    for name, table in measured.items():
        about: dict[str, Any] = {
            "subject": subject,
            "condition": condition,
            "side": side,
            "trained_on": trained,
        }
        for place, (column, value) in enumerate(about.items()):
            table.insert(place, column, value)
        tables.setdefault(name, []).append(table)


def _write(tables: dict[str, list[pd.DataFrame]], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, parts in tables.items():
        whole = pd.concat(parts, ignore_index=True)
        (out / f"{name}.csv").write_text(format_table(whole), encoding="utf-8")


def show(out: Path) -> None:
    """Print what was measured."""
    tables = {path.stem: read_table(path) for path in sorted(out.glob("*.csv"))}
    if "changes" in tables:
        by_kind = tables["changes"].groupby(["side", "condition", "kind"], sort=False)
        _print("Changes of 3 mm and more, all pairs together", _pooled(by_kind))
        sizes = tables["sizes"].groupby(["side", "kind", "size"], sort=False)
        _print("By size", sizes[["true", "detected", "found", "false"]].sum())
        seen = ["links_all", "kept_all", "links_merged_split", "kept_merged_split"]
        whole = tables["pairs"].groupby(["side", "condition"])
        mean = whole[["dice", "registration_error_mm"]].mean().join(whole[seen].sum())
        _print("Dice of the unsigned change, registration, links kept", mean)
        kinds = tables["kinds"].pivot_table(
            index=["side", "true"], columns="found", values="lesions", aggfunc="sum", fill_value=0
        )
        _print("As what true changes were found", kinds)
    if "stable" in tables:
        stable = tables["stable"]
        counted = [*CHANGED, "uncertain", "lesions", "registration_error_mm"]
        per_pair = stable.groupby(["side", "condition"])[counted].mean()
        per_pair.insert(0, "pairs", stable.groupby(["side", "condition"]).size())
        _print("Found in a pair in which nothing changes, mean", per_pair)
    if "real" in tables:
        _print("Real pairs", tables["real"].drop(columns=["condition", "side"]))
        _print("By kind", tables["real_kinds"].drop(columns=["condition", "side"]))


def _pooled(groups: Any) -> pd.DataFrame:
    """Sum the counts of several pairs, and take sensitivity, precision and F1 of the sums."""
    sums = groups[["true", "detected", "found", "confirmed", "false"]].sum()
    sums.insert(0, "pairs", groups.size())
    sums["sensitivity"] = sums["detected"] / sums["true"]
    sums["precision"] = sums["confirmed"] / sums["found"]
    both = sums["sensitivity"] + sums["precision"]
    return pd.DataFrame(sums.assign(f1=2 * sums["sensitivity"] * sums["precision"] / both))


def _print(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.round(3).to_string()}")


def write_repeatability(out: Path, file: Path) -> None:
    """Write the limits of the tuning patients; print how many lesions of the others exceed them."""
    lesions = read_table(out / "lesions.csv")
    mine = lesions[lesions["side"] == "tuning"]
    first, second = "volume_before_mm3", "volume_after_mm3"
    limits = lesion_repeatability(mine[first], mine[second], mine["subject"])
    print(limits.round(3).to_string())
    content = {
        "up_to_mm3": [None if np.isinf(end) else end for end in limits["up_to_mm3"]],
        **{
            column: [None if pd.isna(value) else round(float(value), 3) for value in limits[column]]
            for column in ("log_ratio", "log_ratio_low", "log_ratio_high")
        },
        "lesions": limits["lesions"].tolist(),
        "patients": limits["patients"].tolist(),
        "conditions": sorted(mine["condition"].unique()),
        "subjects": sorted(mine["subject"].unique()),
        "weights_sha256": load_predictor().card.sha256,
    }
    file.write_text(to_json(content), encoding="utf-8")
    others = lesions[lesions["side"] == "test"]
    before, after = others[first].to_numpy(), others[second].to_numpy()
    place = np.searchsorted(UP_TO_MM3, np.sqrt(before * after), side="right")
    beyond = np.abs(np.log(after / before)) > limits["log_ratio"].to_numpy()[place]
    for number, end in enumerate(UP_TO_MM3):
        there = place == number
        print(f"test, up to {end:g} mm3: {beyond[there].sum()} of {there.sum()} lesions beyond")


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    places = {
        "real": ("pairs", "data", "out"),
        "simulated": ("pairs", "out"),
        "show": ("out",),
        "repeatability": ("out", "file"),
    }
    for name, arguments in places.items():
        command = commands.add_parser(name)
        for argument in arguments:
            command.add_argument(argument, type=Path)
    command = commands.choices["simulated"]
    command.add_argument("--side", choices=("tuning", "test", "all"), default="all")
    command.add_argument("--only", default="")
    words = parser.parse_args()
    if words.command == "repeatability":
        write_repeatability(words.out, words.file)
        return
    if words.command == "real":
        tables: dict[str, list[pd.DataFrame]] = {}
        trained = load_predictor().card.training.subjects
        for subject in REAL:
            measured = real_pair(words.pairs, words.data, subject)
            _keep(tables, measured, subject, "real", subject in trained)
        _write(tables, words.out)
    if words.command == "simulated":
        subjects = {"tuning": TUNING, "test": TEST, "all": (*TUNING, *TEST)}[words.side]
        simulated(words.pairs, words.out, subjects, words.only)
    show(words.out)


if __name__ == "__main__":
    run()
