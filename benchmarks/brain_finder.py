"""Accuracy of brain masks in whole heads: the tables of docs/brain.md.

python benchmarks/brain_finder.py DATA network [OUT]     three-fold cross-validation by subject,
                                                         about 15 minutes
python benchmarks/brain_finder.py DATA bundled [OUT]     what ships, also on what it learned from
python benchmarks/brain_finder.py DATA classical [OUT]   threshold, erosion, largest part, dilation
python benchmarks/brain_finder.py DATA masks FOLDER      another tool's masks, FOLDER/NAME.nii.gz

DATA holds ``ms-flair``, ``longitudinal`` and, if it is there, ``nichart``. OUT receives the masks.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.cases import discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.evaluation.surface import surface_distances
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, predictor_of
from fsh_core.network.checkpoint import EnsembleMember
from fsh_core.network.model import arrays_of
from fsh_core.preprocess.brain_mask import find_brain, is_stripped
from fsh_core.preprocess.intensity import fill_slices, foreground, largest_component
from fsh_core.training.brain.train import (
    RECIPE,
    labelled_heads,
    read_heads,
    resample_mask_to,
    train_finder,
)
from fsh_core.volume.resample import resample, resample_like
from fsh_core.volume.volume import Volume, from_ras, load_mask, load_volume, save_like, to_ras

Mask = NDArray[np.bool_]
FOLDS = 3
DEEP_MM = 5.0
COLUMNS = (
    "dice",
    "hd95_mm",
    "missed_percent",
    "missed_deep_percent",
    "extra_percent",
    "lesion_outside_percent",
)


@dataclass(frozen=True)
class Scan:
    """A whole head whose brain or lesions are known."""

    name: str
    subject: str
    flair: Volume
    brain: Mask | None
    lesions: Mask | None


def whole_heads(data: Path) -> Iterator[Scan]:
    """Read every scan that is not stripped."""
    for case in discover_cases(data / "ms-flair"):
        flair = load_volume(case.flair)
        if is_stripped(flair):
            continue
        brain = load_mask(case.brain, flair, case.flair).data if case.brain else None
        lesions = load_mask(case.reference, flair, case.flair).data if case.reference else None
        yield Scan(case.subject, case.subject, flair, brain, lesions)
    for folder in sorted((data / "longitudinal").glob("patient*")):
        mask = load_volume(folder / "brain_mask.nii.gz")
        for path in sorted(folder.glob("study*_FLAIR.nii.gz")):
            flair = load_volume(path)
            transform = path.with_name(path.name.replace(".nii.gz", "_to_common_space.txt"))
            yield Scan(
                f"{folder.name}_{path.name[:6]}",
                folder.name,
                flair,
                resample_mask_to(mask, transform, flair),
                None,
            )
    for subject, flair, labelled in labelled_heads(data):
        yield Scan(subject, subject, flair, labelled, None)


def score(scan: Scan, found: Mask) -> dict[str, float]:
    """Compare with the reference; NaN where there is none."""
    row = dict.fromkeys(COLUMNS, np.nan)
    if scan.brain is not None:
        metrics = voxel_metrics(scan.brain, found)
        is_deep = (
            ndimage.distance_transform_edt(scan.brain, sampling=scan.flair.spacing_mm) > DEEP_MM
        )
        row["dice"] = metrics.dice
        row["hd95_mm"] = surface_distances(scan.brain, found, scan.flair.spacing_mm).hd95_mm
        row["missed_percent"] = 100 * (scan.brain & ~found).sum() / scan.brain.sum()
        row["missed_deep_percent"] = 100 * (is_deep & ~found).sum() / is_deep.sum()
        row["extra_percent"] = 100 * (found & ~scan.brain).sum() / scan.brain.sum()
    if scan.lesions is not None:
        row["lesion_outside_percent"] = 100 * (scan.lesions & ~found).sum() / scan.lesions.sum()
    return row


def cross_validated(data: Path, machine_labels: bool) -> Callable[[Scan], Mask]:
    """Return a finder that looks at a scan with the network that never saw its subject."""
    heads = read_heads(data, machine_labels)
    finders: dict[int, NetworkPredictor] = {}
    groups = (
        sorted({head.subject for head in heads if head.is_bare}),
        sorted(
            {
                head.subject
                for head in heads
                if not head.is_bare and not head.subject.startswith(("patient", "nichart"))
            }
        ),
        sorted(folder.name for folder in (data / "longitudinal").glob("patient*")),
        sorted(head.subject for head in heads if head.subject.startswith("nichart")),
    )
    fold_of = {subject: number % FOLDS for group in groups for number, subject in enumerate(group)}

    def find(scan: Scan) -> Mask:
        fold = fold_of.get(scan.subject, 0)
        if fold not in finders:
            network = train_finder(
                [head for head in heads if fold_of[head.subject] != fold], seed=fold
            )
            finders[fold] = predictor_of(
                [EnsembleMember(RECIPE.model, arrays_of(network))],
                SegmentConfig(patch_size=RECIPE.patch_size),
            )
        return find_brain(scan.flair, finder=finders[fold]).mask

    return find


def classical(scan: Scan, erosion_mm: float = 6.0) -> Mask:
    """Brain mask by threshold, erosion, largest component, dilation and closing, at 2 mm."""
    upright = to_ras(scan.flair)
    coarse = resample(upright, 2.0)
    patient = foreground(coarse.data)
    depth = ndimage.distance_transform_edt(patient)
    median = np.median(coarse.data[depth > np.percentile(depth[patient], 70)])
    tissue = (coarse.data > 0.55 * median) & (coarse.data < 1.75 * median) & patient
    inner = (
        ndimage.distance_transform_edt(np.pad(tissue, 1, mode="edge"))[1:-1, 1:-1, 1:-1] * 2
        > erosion_mm
    )
    grown = (
        ndimage.distance_transform_edt(~largest_component(inner)) * 2 <= erosion_mm + 2
    ) & patient
    near = ndimage.distance_transform_edt(~np.pad(grown, 8)) * 2 <= 10
    closed = (ndimage.distance_transform_edt(near) * 2 > 10)[8:-8, 8:-8, 8:-8]
    filled = fill_slices(grown | closed).astype(np.float32)
    return from_ras(resample_like(filled, coarse, upright) >= 0.5, scan.flair)


def from_folder(folder: Path) -> Callable[[Scan], Mask]:
    """Return a finder that reads masks, in any orientation."""

    def find(scan: Scan) -> Mask:
        mask = load_volume(folder / f"{scan.name}.nii.gz")
        return from_ras(to_ras(mask).data > 0, scan.flair)

    return find


def finder_of(
    method: str, data: Path, folder: Path | None, machine_labels: bool
) -> Callable[[Scan], Mask]:
    """Return what finds the brain in a scan."""
    if method == "classical":
        return classical
    if method == "bundled":
        finder = BrainFinder()
        return lambda scan: find_brain(scan.flair, finder=finder).mask
    return cross_validated(data, machine_labels) if method == "network" else from_folder(folder)


def main() -> None:
    """Print one row a scan, and the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("method", choices=("network", "bundled", "classical", "masks"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--machine-labels", action="store_true", help="learn from nichart too")
    words = parser.parse_args()
    if words.method == "masks" and words.folder is None:
        parser.error("masks needs the FOLDER that holds them")
    find = finder_of(words.method, words.data, words.folder, words.machine_labels)
    rows = []
    for scan in whole_heads(words.data):
        started = time.process_time()
        found = find(scan)
        seconds = time.process_time() - started
        rows.append({"scan": scan.name} | score(scan, found) | {"cpu_s": seconds})
        if words.folder is not None and words.method != "masks":
            save_like(found, scan.flair, words.folder / f"{scan.name}.nii.gz")
    table = pd.DataFrame(rows).set_index("scan")
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
