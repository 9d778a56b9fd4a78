"""The images of a case: everything on one grid, ready to be cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsh_core.derivatives import read_record
from fsh_core.errors import InputError
from fsh_core.figures.slices import View, make_view
from fsh_core.record import Record
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.sources import Source


@dataclass(frozen=True)
class CaseImages:
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


def load_case_images(source: Source, paths: Mapping[str, Path]) -> CaseImages:
    """Load the FLAIR and every map of a case.

    Parameters
    ----------
    source : Source
        Where the FLAIR and the reference lie, from `fsh_dashboard.data.sources.find_source`.
    paths : mapping of str to Path
        The derivatives, from `case_files`.

    Raises
    ------
    InputError
        If the FLAIR cannot be used; a map that cannot is named in `CaseImages.problems`.
    """
    flair = load_volume(source.flair)
    problems = list(source.problems)
    maps: dict[str, Any] = {}
    wanted = {"Reference": source.reference} if source.reference is not None else {}
    wanted |= {name: paths[key] for key, name in MAPS.items() if key in paths}
    for name, path in wanted.items():
        try:
            maps[name] = _load_map(path, name, flair, source.flair)
        except InputError as error:
            problems.append(str(error))
    brain = None
    try:
        brain = load_mask(paths["brain"], flair, source.flair).data if "brain" in paths else None
    except InputError as error:
        problems.append(str(error))
    view = make_view(flair, maps, brain, margin_mm=8)
    return CaseImages(view, to_ras(flair), source.flair, tuple(problems))


def reference_overlap(images: CaseImages, labels_path: Path) -> dict[int, float]:
    """Measure how much of each lesion is in the reference.

    Parameters
    ----------
    images : CaseImages
        With or without a ``Reference``, on its (I, J, K) grid.
    labels_path : Path
        The numbered lesions, on the same grid.

    Returns
    -------
    dict of int to float
        Label -> share of its voxels; empty without a reference.

    Raises
    ------
    InputError
        If the labels cannot be used, or are on another grid.
    """
    reference = images.view.maps.get("Reference")
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
