"""How well the anatomy fits: ventricles against manual masks, real scans against wrong ones, and seconds.

python benchmarks/regions.py DATA   (a BIDS dataset with label-ventricle masks in its derivatives)
"""

import sys
import time
from pathlib import Path

import numpy as np

from fsh_core.cases import discover_cases
from fsh_core.evaluation.surface import surface_distances
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.imaging.brain import find_brain
from fsh_core.imaging.template import Anatomy, Tissue, find_anatomy
from fsh_core.imaging.volume import Volume, load_mask, load_volume, to_ras
from fsh_core.inference.predict import BrainFinder


def main(data: Path) -> None:
    """Print a line a scan, then one for each way to spoil one."""
    finder = BrainFinder()
    print("scan                    found quality seconds  ventricles ml, manual ml, Dice, mean distance mm")
    for case in discover_cases(data):
        flair = load_volume(case.flair)
        given = load_mask(case.brain, flair, case.flair).data if case.brain else None
        brain = find_brain(flair, given, finder).mask
        started = time.process_time()
        anatomy = find_anatomy(flair, brain)
        seconds = time.process_time() - started
        line = f"{case.name:24}{anatomy.found!s:6}{anatomy.quality:6.2f}{seconds:8.1f}"
        print(line, ventricles(data, case.name, flair, anatomy), flush=True)
        if case.subject in ("mslessegP18", "tabriz101228", "ljubljana19"):
            for name, spoilt, mask in wrong(flair, brain):
                fit = find_anatomy(spoilt, mask)
                print(f"  {name:22}{fit.found!s:6}{fit.quality:6.2f}", flush=True)


def ventricles(data: Path, name: str, flair: Volume, anatomy: Anatomy) -> str:
    """Compare with the manual mask where there is one."""
    masks = sorted(data.glob(f"derivatives/*/**/{name}_label-ventricle_mask.nii.gz"))
    if not masks or anatomy.tissue is None:
        return ""
    reference, found = load_mask(masks[0], flair).data, anatomy.tissue == Tissue.VENTRICLE
    distance = surface_distances(reference, found, flair.spacing_mm).assd_mm
    ml = flair.voxel_volume_mm3 / 1000
    dice = voxel_metrics(reference, found).dice
    return f"{found.sum() * ml:6.1f} {reference.sum() * ml:6.1f} {dice:6.3f} {distance:6.2f}"


def wrong(flair: Volume, brain: np.ndarray) -> list[tuple[str, Volume, np.ndarray]]:
    """Spoil a scan in ways that must be noticed."""
    scan, mask = to_ras(flair), to_ras(flair.with_data(brain)).data
    noise = np.random.default_rng(0).normal(100, 20, mask.shape).astype(np.float32)
    planes = np.flatnonzero(mask.any(axis=(0, 1)))
    middle = int(planes.mean())
    upper, lower = mask.copy(), mask.copy()
    upper[:, :, :middle], lower[:, :, middle:] = False, False
    return [
        ("upside down", Volume(scan.data[:, :, ::-1].copy(), scan.affine), mask[:, :, ::-1].copy()),
        ("back to front", Volume(scan.data[:, ::-1].copy(), scan.affine), mask[:, ::-1].copy()),
        ("noise in a brain", Volume(noise, scan.affine), mask),
        ("upper half", scan, upper),
        ("lower half", scan, lower),
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
