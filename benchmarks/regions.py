"""How well the anatomy fits a scan: the tables of docs/regions.md.

python benchmarks/regions.py DATA               ventricles, wrong input, cortex; about 5 minutes
python benchmarks/regions.py --figure OUT.png   the picture: the sample and its reference lesions

DATA is a BIDS dataset with label-ventricle masks in its derivatives, and a T1w for some patients.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_multiotsu

from fsh_core.anatomy.atlas import load_atlas
from fsh_core.anatomy.template import Anatomy, Tissue, find_anatomy
from fsh_core.anatomy.template_registration import align, resample_to, tissue_map
from fsh_core.cases import Case, discover_cases
from fsh_core.evaluation.surface import surface_distances
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.figures.png import save_figure
from fsh_core.inference.predict import BrainFinder
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import lesion_table
from fsh_core.lesions.regions import REGIONS, region_table
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.sample import sample_case
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras

Mask = NDArray[np.bool_]
VENTRICLES = (Tissue.VENTRICLE, Tissue.THIRD_VENTRICLE, Tissue.FOURTH_VENTRICLE)
SPOILT = ("mslessegP18", "ljubljana07", "tabriz101228", "tabriz111008")
WITH_T1 = ("ljubljana07", "ljubljana19", "mslessegP18")
COLOURS = {
    "periventricular": "#ff9a1f",
    "juxtacortical": "#45c4f0",
    "infratentorial": "#7bd88f",
    "deep_white_matter": "#f27cc3",
}


def main(data: Path) -> None:
    """Print one row a scan, then wrong input, then the cortex against a T1."""
    finder, scans, wrong, cortex = BrainFinder(), [], [], []
    for case in discover_cases(data):
        flair = load_volume(case.flair)
        brain = find_brain(flair, finder=finder).mask  # as a user's scan comes: without a mask
        started = time.process_time()
        anatomy = find_anatomy(flair, brain)
        row = {
            "scan": case.name,
            "quality": anatomy.quality,
            "cpu_s": time.process_time() - started,
        }
        scans.append(row | ventricles(data, case, flair, brain, anatomy))
        if case.subject in SPOILT:
            wrong += [
                {
                    "scan": case.subject,
                    "what": what,
                    "quality": fit.quality,
                    "found": fit.found,
                    "why": fit.note,
                }
                for what, volume, mask in spoil(flair, brain)
                for fit in (find_anatomy(volume, mask),)
            ]
        if case.subject in WITH_T1:
            cortex.append(distances_to_cortex(data, case, flair, brain, anatomy))
    table = pd.DataFrame(scans).set_index("scan")
    table.loc["mean"] = table.mean()
    print(table.round(3).to_string())
    print(pd.DataFrame(wrong).drop(columns="why").round(3).to_string(index=False))
    print(pd.concat(cortex).to_string(index=False))


def ventricles(
    data: Path, case: Case, flair: Volume, brain: Mask, anatomy: Anatomy
) -> dict[str, float]:
    """Compare the atlas, resampled and as seen in the scan, with the manual mask, if any."""
    masks = sorted(data.glob(f"derivatives/*/**/{case.name}_label-ventricle_mask.nii.gz"))
    if not masks or anatomy.tissue is None:
        return {}
    reference = load_mask(masks[0], flair).data
    atlas = load_atlas()
    alignment = align(tissue_map(flair, brain), atlas.template)
    row = {"manual_ml": flair.volume_ml(reference)}
    for name, tissue in (
        ("affine", resample_to(atlas.tissue, alignment.affine, flair, nearest=True)),
        ("carried", resample_to(atlas.tissue, alignment.full, flair, nearest=True)),
        ("seen", anatomy.tissue),
    ):
        found = np.isin(tissue, VENTRICLES) & brain
        row[f"{name}_dice"] = voxel_metrics(reference, found).dice
        row[f"{name}_mm"] = surface_distances(reference, found, flair.spacing_mm).assd_mm
    return row


def spoil(flair: Volume, brain: Mask) -> Iterator[tuple[str, Volume, Mask]]:
    """Make input that must be noticed, and half a head, which must not."""
    scan, mask = to_ras(flair), to_ras(flair.with_data(brain)).data
    rng = np.random.default_rng(0)
    middle = [
        int(np.mean(np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))))) for axis in range(3)
    ]
    for what, axis in (("upside down", 2), ("back to front", 1)):
        yield what, Volume(np.flip(scan.data, axis).copy(), scan.affine), np.flip(mask, axis).copy()
    yield (
        "noise in a brain",
        Volume(rng.normal(100, 20, mask.shape).astype(np.float32), scan.affine),
        mask,
    )
    upper, lower, right = mask.copy(), mask.copy(), mask.copy()
    upper[:, :, : middle[2]], lower[:, :, middle[2] :], right[: middle[0]] = False, False, False
    yield "mask of the upper half", scan, upper
    yield "mask of the lower half", scan, lower
    yield "mask of one hemisphere", scan, right
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, 2] * middle[2]
    yield (
        "scan of the upper half",
        Volume(scan.data[:, :, middle[2] :], affine),
        mask[:, :, middle[2] :],
    )
    for angle in (15, 30):
        turned = rotation(angle)
        yield f"head turned by {angle} degrees", Volume(scan.data, turned @ scan.affine), mask
    yield "knee", *knee(rng)


def rotation(degrees: float) -> NDArray[np.float64]:
    """Turn the world about all three axes at once, (4, 4)."""
    turn, angle = np.eye(4), np.radians(degrees)
    for first, second in ((0, 1), (1, 2), (0, 2)):
        in_plane = np.eye(4)
        in_plane[[first, second], [first, second]] = np.cos(angle)
        in_plane[first, second], in_plane[second, first] = -np.sin(angle), np.sin(angle)
        turn = turn @ in_plane
    return turn


def knee(rng: np.random.Generator) -> tuple[Volume, Mask]:
    """Two balls of blotchy tissue with a dark gap between them, as large as a brain."""
    grid = np.indices((80, 80, 100)) - np.array([40, 40, 50])[:, None, None, None]
    balls = [
        np.sqrt(grid[0] ** 2 + grid[1] ** 2 + (grid[2] + shift) ** 2) < 24 for shift in (-21, 21)
    ]
    mask = balls[0] | balls[1]
    blotches = ndimage.gaussian_filter(rng.normal(0, 1, mask.shape), 2) * 60
    data = np.where(np.abs(grid[2]) < 3, 30.0, 100.0 + blotches) * mask
    return Volume(data.astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0])), mask


def distances_to_cortex(
    data: Path, case: Case, flair: Volume, brain: Mask, anatomy: Anatomy
) -> pd.DataFrame:
    """Compare lesions' distances to the cortex with those to the grey matter of a T1 (Otsu)."""
    t1 = load_volume(data / case.name / "anat" / f"{case.name}_T1w.nii.gz").data
    lesions = load_mask(case.reference, flair).data
    inside = brain & (t1 > 0) & ~lesions
    levels = threshold_multiotsu(np.clip(t1[inside], *np.percentile(t1[inside], [1, 99])), 3)
    not_cortex = far(np.isin(anatomy.tissue, VENTRICLES), flair) <= 5
    not_cortex |= (
        far(np.isin(anatomy.tissue, (Tissue.DEEP_GREY, Tissue.INFRATENTORIAL)), flair) <= 4
    )
    grey = inside & (t1 > levels[0]) & (t1 <= levels[1]) & ~not_cortex
    parts, _ = label_components(grey)
    grey = np.isin(parts, np.flatnonzero(np.bincount(parts.ravel())[1:] > 200) + 1)
    truth, cortex_mm = far(grey, flair), far(anatomy.tissue == Tissue.CORTEX, flair)
    white = inside & (t1 > levels[1]) & ~not_cortex & (truth <= 12)
    labels = label_lesions(lesions, flair.voxel_volume_mm3, 5.0)
    numbers = np.arange(1, labels.max() + 1)
    touching = ndimage.minimum(truth, labels, numbers) <= 1.5
    reached = np.asarray(ndimage.minimum(cortex_mm, labels, numbers))
    row = {
        "scan": case.subject,
        "mean_error_mm": round(float(np.abs(cortex_mm - truth)[white].mean()), 2),
    }
    row |= {"touching": int(touching.sum()), "apart": int((~touching).sum())}
    for limit in (1.0, 1.5, 2.0, 3.0):
        named = reached <= limit
        row[f"within {limit} mm"] = f"{(named & touching).sum()} and {(named & ~touching).sum()}"
    return pd.DataFrame([row])


def far(mask: Mask, flair: Volume) -> NDArray[np.float64]:
    """Distance from every voxel to a mask, in mm."""
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=flair.spacing_mm))


def draw(path: Path, heights_mm: tuple[float, ...] = (-32.0, 0.0, 22.0, 44.0)) -> None:
    """Draw four axial slices of the sample: anatomy above, lesions by region below."""
    case = sample_case()
    flair, reference = load_volume(case.flair), load_mask(case.reference)
    brain = find_brain(flair).mask
    anatomy = find_anatomy(flair, brain)
    labels = label_lesions(reference.data, flair.voxel_volume_mm3, 3.0)
    table = lesion_table(labels, flair, reference.data.astype(np.float32), brain)
    names = region_table(labels, table, flair, anatomy)["region"]
    place = np.array([0, *(REGIONS.index(name) + 1 if name else 0 for name in names)])[labels]
    scan = to_ras(flair)
    tissue = to_ras(flair.with_data(anatomy.tissue))
    place = to_ras(flair.with_data(place))
    figure = Figure(figsize=(10, 6.1), facecolor="black", dpi=110)
    outlines = (
        (VENTRICLES, COLOURS["periventricular"]),
        ((Tissue.CORTEX,), COLOURS["juxtacortical"]),
    )
    outlines += (((Tissue.INFRATENTORIAL,), COLOURS["infratentorial"]),)
    masks = [[(np.isin(tissue.data, kinds), colour) for kinds, colour in outlines]]
    masks.append(
        [(place.data == REGIONS.index(name) + 1, colour) for name, colour in COLOURS.items()]
    )
    white = float(np.percentile(scan.data[scan.data > 0], 99.5))
    for row, shown in enumerate(masks):
        for column, height in enumerate(heights_mm):
            axes = figure.add_axes((column / 4, 0.52 - 0.48 * row, 0.245, 0.48))
            k = round((height - scan.affine[2, 3]) / scan.spacing_mm[2])
            axes.imshow(scan.data[::-1, :, k].T, cmap="gray", origin="lower", vmin=0, vmax=white)
            for mask, colour in shown:
                if mask[:, :, k].any():
                    axes.contour(
                        mask[::-1, :, k].T.astype(float), [0.5], colors=[colour], linewidths=0.8
                    )
            axes.set_axis_off()
            if row == 0:
                axes.set_title(f"S = {height:+.0f} mm", color="white", size=8, y=0.93)
    for column, (name, colour) in enumerate(COLOURS.items()):
        count = int((names == name).sum())
        figure.text(
            column / 4 + 0.02, 0.015, f"{name.replace('_', ' ')}: {count}", color=colour, size=9
        )
    save_figure(figure, path)
    print(pd.Series(names).value_counts().to_string())


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--figure", type=Path)
    words = parser.parse_args()
    if words.figure is not None:
        draw(words.figure)
    elif words.data is not None:
        main(words.data)
    else:
        parser.error("DATA or --figure OUT.png is needed")


if __name__ == "__main__":
    run()
