"""The images of a case: where they lie, and everything on one grid, ready to be cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsh_core.cases import Case, discover_cases
from fsh_core.derivatives import read_record
from fsh_core.errors import InputError
from fsh_core.figures.slices import View, make_view
from fsh_core.files import sha256_of
from fsh_core.record import Record
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras
from fsh_dashboard.data.folder import Opened

OUTSIDE = "open the folder that holds both, or name the scans: fsh dashboard FOLDER --images SCANS"


@dataclass(frozen=True)
class Scan:
    """What can be shown of a case.

    Attributes
    ----------
    view : View
        The FLAIR in RAS with its maps: ``Reference`` where there is one, ``Prediction``,
        ``Before processing`` and ``Probability`` as far as their files are there.
    flair : Volume
        The FLAIR in RAS with its own values, on the grid of the view.
    flair_path : Path
        Where the FLAIR was found.
    problems : tuple of str
        One sentence for everything that is missing or suspicious.
    """

    view: View
    flair: Volume
    flair_path: Path
    problems: tuple[str, ...]


MAPS = {"mask": "Prediction", "raw_mask": "Before processing", "probability": "Probability"}


def case_files(opened: Opened, results: str, record_name: str) -> tuple[Record, dict[str, Path]]:
    """Read a record and resolve the files it names, inside the opened folder only.

    Raises
    ------
    InputError
        If the record cannot be read or names a file outside the opened folder.
    """
    record = read_record(opened.inside(record_name))
    folder = opened.root / results
    return record, {key: opened.inside(folder / name) for key, name in record.files.items()}


def find_source(opened: Opened, results: str, record: Record) -> Case | None:
    """Find the scan and the reference mask of a record among what may be read.

    The recorded path is tried first, then every data set in the opened folder and in
    the folders of images that has a case of that name.
    """
    found = known_cases(opened, results).get(record.case)
    recorded = recorded_flair(opened, record)
    if recorded is None:
        return found
    reference = found.reference if found else None
    return Case(record.subject, record.session, {"FLAIR": recorded}, reference)


def known_cases(opened: Opened, results: str) -> dict[str, Case]:
    """Find every case of the data sets among what may be read, by name."""
    return {case.name: case for place in _places(opened, results) for case in _cases(place)}


def recorded_flair(opened: Opened, record: Record) -> Path | None:
    """Return the scan that a record names, if it is there and may be read."""
    try:
        recorded = opened.inside(record.flair.path)
    except InputError:
        return None
    return recorded if recorded.is_file() else None


def load_scan(opened: Opened, results: str, record: Record, paths: dict[str, Path]) -> Scan:
    """Load the FLAIR and every map of a case.

    Raises
    ------
    InputError
        If the FLAIR is not among what may be read, or cannot be used.
    """
    source = find_source(opened, results, record)
    if source is None:
        raise InputError(f"{record.case}: its FLAIR lies outside the opened folder; {OUTSIDE}")
    flair_path = opened.inside(source.flair)
    flair = load_volume(flair_path)
    problems = []
    if sha256_of(flair_path) != record.flair.sha256:
        problems.append(
            f"{flair_path.name} is not the file that was segmented: its SHA-256 differs "
            "from the record's"
        )
    maps: dict[str, Any] = {}
    wanted = {"Reference": source.reference} if source.reference is not None else {}
    wanted |= {name: paths[key] for key, name in MAPS.items() if key in paths}
    for name, path in wanted.items():
        try:
            maps[name] = _load_map(opened.inside(path), name, flair, flair_path)
        except InputError as error:
            problems.append(str(error))
    brain = None
    try:
        brain = load_mask(paths["brain"], flair, flair_path).data if "brain" in paths else None
    except InputError as error:
        problems.append(str(error))
    return Scan(
        make_view(flair, maps, brain, margin_mm=8), to_ras(flair), flair_path, tuple(problems)
    )


def reference_overlap(scan: Scan, labels_path: Path) -> dict[int, float]:
    """Measure how much of each lesion is in the reference.

    Returns
    -------
    dict of int to float
        Label -> share of its voxels; empty without a reference.

    Raises
    ------
    InputError
        If the labels cannot be used, or are on another grid.
    """
    reference = scan.view.maps.get("Reference")
    if reference is None:
        return {}
    labels = to_ras(load_volume(labels_path)).data
    if labels.shape != reference.shape:
        raise InputError(
            f"{labels_path}: must have the shape of the FLAIR {reference.shape}, has {labels.shape}"
        )
    numbers = np.round(labels).astype(np.int64)
    voxels = np.bincount(numbers.ravel())
    shared = np.bincount(numbers[reference], minlength=len(voxels))
    return {
        label: float(shared[label] / count) for label, count in enumerate(voxels) if label and count
    }


def _load_map(path: Path, name: str, flair: Volume, flair_path: Path) -> Any:
    if name != "Probability":
        return load_mask(path, flair, flair_path).data
    volume = load_volume(path)
    if volume.shape != flair.shape:
        raise InputError(
            f"{path}: must have the shape of the FLAIR {flair.shape}, has {volume.shape}"
        )
    return volume.data


def _places(opened: Opened, results: str) -> Iterator[Path]:
    """Where data sets may lie: above the results, and in the folders of images."""
    folder = opened.root / results
    if folder != opened.root:
        for place in folder.parents:
            yield place
            if place == opened.root:
                break
    yield from opened.images


def _cases(place: Path) -> list[Case]:
    try:
        return discover_cases(place)
    except InputError:  # no data set, or one that is not unique: other places may have the case
        return []
