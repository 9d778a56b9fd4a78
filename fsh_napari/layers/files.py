"""Opening and saving: NIfTI files, F.sh records, the bundled sample."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fsh_core.cases.names import is_mask, is_nifti_name, stem_of
from fsh_core.derivatives import StoredSegmentation, find_records, find_scan, read_segmentation
from fsh_core.file_names import RECORD_ENDING, is_probability
from fsh_core.sample import sample_case
from fsh_core.volume.nifti import read_labels, read_nifti
from fsh_core.volume.volume import Volume, check_same_grid, load_volume, save_like
from fsh_napari.layers.convert import grid_of_layer, image_layer, labels_layer, probability_layer

LayerData = tuple[Any, dict[str, Any], str]
_log = logging.getLogger(__name__)


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return the function that opens a path, or None if it is nothing of F.sh's.

    Parameters
    ----------
    path : str or sequence of str
        NIfTI files, a record, or a folder that holds records.
    """
    paths = _paths(path)
    return read_layers if paths and all(_can_open(item) for item in paths) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Open NIfTI files and F.sh records as layers.

    Raises
    ------
    InputError
        If a file cannot be used.
    """
    paths = _paths(path)
    return [layer for item in paths for layer in _read(item)]


def record_layers(record_path: Path) -> list[LayerData]:
    """Open a record: scan, probability (hidden) and lesions with their table.

    The scan is looked for where the record says. Where it is gone, the rest still opens.

    Raises
    ------
    InputError
        If the record, or a file it names, cannot be used.
    """
    stored = read_segmentation(record_path)
    labels = Volume(*read_labels(stored.paths["labels"]))
    scan = scan_of_record(stored, labels)
    probability = Volume(*read_nifti(stored.paths["probability"]))
    check_same_grid(probability, labels, stored.paths["probability"], stored.paths["labels"])
    return layers_of_record(stored, scan, probability, labels)


def layers_of_record(
    stored: StoredSegmentation,
    scan: tuple[Path, Volume] | None,
    probability: Volume,
    labels: Volume,
) -> list[LayerData]:
    """Describe the layers of a record: scan, probability (hidden) and lesions with their table.

    Parameters
    ----------
    stored : StoredSegmentation
        The record.
    scan : (Path, Volume) or None
        The scan and its file; without it there is no layer of it.
    probability, labels : Volume
        (I, J, K), on one grid. The layers share their memory.
    """
    case = stored.record.case
    facts = {"fsh_record": str(stored.paths["record"]), "fsh_case": case}
    layers = []
    if scan is not None:
        layers.append(image_layer(scan[1], f"{case} FLAIR", source=str(scan[0]), **facts))
    layers.append(
        probability_layer(probability, f"{case} probability", role="probability", **facts)
    )
    data, options, kind = labels_layer(labels, f"{case} lesions", role="lesions", **facts)
    options["features"] = features_by_label(stored.lesions)
    return [*layers, (data, options, kind)]


def features_by_label(lesions: pd.DataFrame) -> pd.DataFrame:
    """Give a lesion table one row per label from 0: napari takes the row for the label."""
    if lesions.empty:
        return pd.DataFrame({"volume_mm3": [0.0]})
    columns = [name for name in ("volume_mm3", "mean_probability", "region") if name in lesions]
    by_label = lesions.set_index("label")[columns]
    return by_label.reindex(range(int(by_label.index.max()) + 1)).reset_index(drop=True)


def sample_layers() -> list[LayerData]:
    """Open the bundled scan."""
    case = sample_case()
    return [
        image_layer(
            load_volume(case.flair),
            f"{case.name} FLAIR",
            source=str(case.flair),
            fsh_case=case.name,
        )
    ]


def write_layer(path: str, data: Any, options: Mapping[str, Any]) -> list[str]:
    """Save one layer as NIfTI, on the grid and with the affine of the file it came from.

    Parameters
    ----------
    path : str
        Ends in .nii or .nii.gz.
    data : (S, P, L) array
        The layer's voxels.
    options : mapping
        The layer's options; see `fsh_napari.layers.convert.grid_of_layer`.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    InputError
        If the layer has no grid, or the file cannot be written.
    """
    grid = grid_of_layer(np.shape(data), options)
    voxels = grid.from_layer(np.asarray(data))
    if voxels.dtype.kind not in "iub":
        voxels = voxels.astype(np.float32)
    save_like(voxels, grid.volume(voxels), path)
    return [path]


def _paths(path: str | Sequence[str]) -> list[Path]:
    """List what napari hands over: one path, or several."""
    return [Path(path)] if isinstance(path, str | Path) else [Path(item) for item in path]


def _can_open(path: Path) -> bool:
    if path.is_dir():
        return bool(_records_in(path))
    return is_nifti_name(path) or path.name.endswith(RECORD_ENDING)


def _read(path: Path) -> list[LayerData]:
    if path.is_dir():
        return record_layers(_records_in(path)[0])
    if path.name.endswith(RECORD_ENDING):
        return record_layers(path)
    name = stem_of(path)
    if is_mask(name) and not is_probability(path.name):
        mask = Volume(*read_nifti(path))
        if np.array_equal(mask.data, np.round(mask.data)):
            return [labels_layer(mask, name, source=str(path))]
    volume = load_volume(path)
    if is_probability(path.name):
        return [probability_layer(volume, name, source=str(path))]
    return [image_layer(volume, name, source=str(path))]


def _records_in(folder: Path) -> list[Path]:
    """List the records of a derivatives folder, of a subject's, or of ``anat`` itself."""
    return find_records(folder) or sorted(folder.glob(f"**/*{RECORD_ENDING}"))


def scan_of_record(stored: StoredSegmentation, like: Volume) -> tuple[Path, Volume] | None:
    """Load the scan that a record was made of; None, with a warning, if it is gone or another."""
    path = find_scan(stored)
    if path is None:
        _log.warning(
            "%s: the scan is not where the record says, or has changed; put it back to see it",
            stored.record.flair.path,
        )
        return None
    volume = load_volume(path)
    check_same_grid(volume, like, path, stored.paths["labels"])
    return path, volume
