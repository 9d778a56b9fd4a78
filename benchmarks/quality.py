"""Quality checks and lesion flags on real scans: the tables of docs/quality.md.

python benchmarks/quality.py DATA checks         every check on every scan, T1w and T2w too
python benchmarks/quality.py DATA disturbed      FLAIR-likeness of scans disturbed in 24 ways
python benchmarks/quality.py DATA exchanged      FLAIRs as they are, and black and white exchanged
python benchmarks/quality.py DATA spoilt         noise, ghosts, motion and clipping in real scans
python benchmarks/quality.py DATA flags FOLD...  flags of true and of false lesions
python benchmarks/quality.py DATA planted        a bright ball of 5 mm in the widest place of every
                                                 scan's ventricles

``disturbed`` and ``flags`` take some minutes. For ``flags`` each scan is segmented by the first
weights, of a cross-validation's folds and the bundled ones, that were not trained on it.

DATA holds ``ms-flair`` and ``longitudinal``, for ``exchanged`` also ``nichart`` and
``ms-unlabelled``.
"""

import argparse
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core import BrainFinder, load_predictor, segment_case
from fsh_core.anatomy.template import Tissue, find_anatomy
from fsh_core.cases import Case, discover_cases
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.lesions.flags import FLAGS, lesion_flags
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import lesion_table
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.quality.assess import check_quality
from fsh_core.quality.flair_contrast import BLURRED_MM, check_sequence
from fsh_core.volume.volume import Volume, load_mask, load_volume

SAMPLE = "mslessegP39"  # nothing is tuned on it


class Scan(NamedTuple):
    """An image and where its brain is."""

    name: str
    sequence: str
    flair: Volume
    brain: NDArray[np.bool_]
    source: str


Disturb = Callable[[Scan], Scan | None]


def read_scans(data: Path, others: bool = False) -> Iterator[Scan]:
    """Read every image of every sequence; ``others``: FLAIRs without manual masks too."""
    finder = BrainFinder()
    paths = [
        *data.glob("ms-flair/sub-*/anat/*.nii.gz"),
        *data.glob("longitudinal/*/study*_FLAIR.nii.gz"),
    ]
    if others:
        paths += data.glob("nichart/sub-*/anat/*_FLAIR.nii.gz")
        paths += data.glob("ms-unlabelled/sub-*/anat/*_FLAIR.nii.gz")
    for path in sorted(paths):
        flair = load_volume(path)
        brain = find_brain(flair, finder=finder)
        name = path.name.removesuffix(".nii.gz")
        name = (
            f"{path.parent.name}_{name}" if name.startswith("study") else name.removeprefix("sub-")
        )
        yield Scan(name, name.rsplit("_", 1)[1], flair, brain.mask, brain.source)


def checks(data: Path) -> pd.DataFrame:
    """Every check on every scan."""
    rows = {}
    for scan in read_scans(data):
        started = time.process_time()
        quality = check_quality(scan.flair, scan.brain, source=scan.source)
        seconds = time.process_time() - started
        mark = {"pass": "", "caution": " C", "fail": " F"}
        rows[scan.name] = {
            check.name: ("-" if check.value is None else f"{check.value:.3g}") + mark[check.verdict]
            for check in quality.checks
        } | {"verdict": quality.verdict, "cpu_s": round(seconds, 2)}
    return pd.DataFrame(rows).T


def _with(scan: Scan, data: NDArray[np.floating]) -> Scan:
    return scan._replace(flair=Volume(data.astype(np.float32), scan.flair.affine))


def gamma(exponent: float) -> Disturb:
    """Bend the grey scale."""

    def disturb(scan: Scan) -> Scan:
        low, high = (
            min(0.0, np.percentile(scan.flair.data, 0.1)),
            np.percentile(scan.flair.data[scan.brain], 99),
        )
        return _with(
            scan, np.clip((scan.flair.data - low) / (high - low), 0, None) ** exponent * high
        )

    return disturb


def linear(gain: float, offset: float) -> Disturb:
    """Scale, and shift by a part of the brain's median."""
    return lambda scan: _with(
        scan, gain * (scan.flair.data + offset * np.median(scan.flair.data[scan.brain]))
    )


def bias(amount: float, axis: int | None) -> Disturb:
    """Brighten towards one side, or (None) towards the rim."""

    def disturb(scan: Scan) -> Scan:
        places = np.meshgrid(
            *[np.linspace(-1, 1, size) for size in scan.flair.shape], indexing="ij", sparse=True
        )
        field = sum(place**2 for place in places) - 0.3 if axis is None else places[axis]
        return _with(scan, scan.flair.data * (1 + amount * field))

    return disturb


def noise(fraction: float) -> Disturb:
    """Add Rician noise, a part of the brain's median."""

    def disturb(scan: Scan) -> Scan:
        rng, level = np.random.default_rng(0), fraction * np.median(scan.flair.data[scan.brain])
        real = rng.normal(0, level, scan.flair.shape)
        imaginary = rng.normal(0, level, scan.flair.shape)
        return _with(scan, np.hypot(scan.flair.data + real, imaginary))

    return disturb


def thick(slices_mm: float, axis: int) -> Disturb:
    """Average slices; nothing where they are as thick already."""

    def disturb(scan: Scan) -> Scan | None:
        step = round(slices_mm / scan.flair.spacing_mm[axis])
        if step < 2:
            return None
        length = scan.flair.shape[axis] // step * step
        means = [
            np.moveaxis(
                np.moveaxis(array, axis, 0)[:length]
                .reshape(length // step, step, *rest)
                .mean(axis=1),
                0,
                axis,
            )
            for array in (scan.flair.data, scan.brain)
            for rest in [np.moveaxis(array, axis, 0).shape[1:]]
        ]
        affine = scan.flair.affine.copy()
        affine[:, axis] *= step
        return scan._replace(
            flair=Volume(means[0].astype(np.float32), affine), brain=means[1] >= 0.5
        )

    return disturb


def cropped(low: float, high: float) -> Disturb:
    """Keep a part of the brain's slices along the third axis."""

    def disturb(scan: Scan) -> Scan:
        used = np.flatnonzero(scan.brain.any(axis=(0, 1)))
        keep = np.s_[:, :, used[0] + int(low * len(used)) : used[0] + int(high * len(used))]
        return scan._replace(
            flair=Volume(scan.flair.data[keep], scan.flair.affine), brain=scan.brain[keep]
        )

    return disturb


def regrown(voxels: int) -> Disturb:
    """Grow or shrink the mask."""
    change = ndimage.binary_dilation if voxels > 0 else ndimage.binary_erosion
    return lambda scan: scan._replace(brain=change(scan.brain, iterations=abs(voxels)))


DISTURBANCES: dict[str, Disturb] = {
    "none": lambda scan: scan,
    **{f"gamma {exponent}": gamma(exponent) for exponent in (0.5, 0.7, 1.5, 2.0)},
    "gain 0.01, offset 30 %": linear(0.01, 0.3),
    "gain 20, offset -100 %": linear(20.0, -1.0),
    **{f"bias 40 % along axis {axis}": bias(0.4, axis) for axis in range(3)},
    "rim +50 %": bias(0.5, None),
    "rim -40 %": bias(-0.4, None),
    **{f"noise {fraction:.0%}": noise(fraction) for fraction in (0.05, 0.1, 0.2)},
    **{
        f"slices of {slices_mm} mm, axis {axis}": thick(slices_mm, axis)
        for slices_mm in (3, 5, 7)
        for axis in range(3)
    },
    "upper half": cropped(0.5, 1.0),
    "lower half": cropped(0.0, 0.5),
    "middle third": cropped(0.33, 0.67),
    "mask grown by 2 voxels": regrown(2),
    "mask shrunk by 3 voxels": regrown(-3),
}


def disturbed(data: Path) -> pd.DataFrame:
    """FLAIR-likeness of disturbed scans: pass / caution / fail by sequence."""
    rows = []
    for scan in read_scans(data):
        for name, disturb in DISTURBANCES.items():
            changed = disturb(scan)
            if changed is not None and not (name.startswith("slices") and "tabriz" in scan.name):
                verdict = check_sequence(changed.flair, changed.brain).verdict
                rows.append({"disturbance": name, "sequence": scan.sequence, "verdict": verdict})
    table = pd.DataFrame(rows)
    table = pd.concat([table, table.assign(disturbance="all")])
    counts = (
        table.groupby(["disturbance", "sequence", "verdict"], sort=False)
        .size()
        .unstack(fill_value=0)
    )
    text = (
        counts.reindex(columns=["pass", "caution", "fail"], fill_value=0)
        .astype(str)
        .agg(" / ".join, axis=1)
    )
    return text.unstack(fill_value="").reindex([*DISTURBANCES, "all"])


def _stripped(scan: Scan) -> Scan:
    return _with(scan, np.where(scan.brain, scan.flair.data, 0))


def _exchanged(scan: Scan) -> Scan:
    return _with(scan, scan.flair.data.max() - scan.flair.data)


def exchanged(data: Path) -> pd.DataFrame:
    """FLAIR-likeness, and the verdict on the scan, of FLAIRs as they are and exchanged.

    Whole heads with the brain that F.sh finds in what it is given, and stripped by the mask that
    was found in the scan as it is.
    """
    finder, rows = BrainFinder(), []
    for scan in read_scans(data, others=True):
        if scan.sequence != "FLAIR":
            continue
        site = re.sub("[^a-z].*", "", scan.name)
        thick = max(scan.flair.spacing_mm) > BLURRED_MM
        kind = f"{site}, slices above {BLURRED_MM:g} mm" if thick else site
        shown = {"stripped": _stripped(scan)}
        shown["stripped, exchanged"] = _stripped(_exchanged(shown["stripped"]))
        if scan.source != "stripped":
            shown["whole head"] = scan
            whole = _exchanged(scan)
            found = find_brain(whole.flair, finder=finder)
            shown["whole head, exchanged"] = whole._replace(brain=found.mask, source=found.source)
        for how, one in shown.items():
            quality = check_quality(one.flair, one.brain, source=one.source)
            likeness = next(check for check in quality.checks if check.name == "flair_likeness")
            rows.append(
                {"scans": kind, "how": how, "is it a FLAIR": likeness.verdict}
                | {"scan": scan.name, "overall": quality.verdict}
            )
            print(*rows[-1].values(), sep=", ", flush=True)
    table = pd.DataFrame(rows)
    parts = [
        table.groupby(["how", "scans"])[column].value_counts().unstack(fill_value=0)
        for column in ("is it a FLAIR", "overall")
    ]
    return pd.concat(parts, axis=1, keys=["is it a FLAIR", "overall"])


def ghosts(fraction: float) -> Disturb:
    """Add a copy displaced by half of the picture along the second axis."""
    return lambda scan: _with(
        scan,
        scan.flair.data + fraction * np.roll(scan.flair.data, scan.flair.shape[1] // 2, axis=1),
    )


def motion(shift_mm: float) -> Disturb:
    """Motion artefact: the head moves along the first axis while lines of the second are read."""

    def disturb(scan: Scan) -> Scan:
        lines = np.fft.fft2(scan.flair.data, axes=(0, 1))
        moved = shift_mm / scan.flair.spacing_mm[0] * np.sin(np.arange(scan.flair.shape[1]) / 8)
        phase = np.exp(-2j * np.pi * np.fft.fftfreq(scan.flair.shape[0])[:, None] * moved[None, :])
        return _with(scan, np.abs(np.fft.ifft2(lines * phase[:, :, None], axes=(0, 1))))

    return disturb


def clipped(percent: float) -> Disturb:
    """Cut off the brightest part of the brain."""
    return lambda scan: _with(
        scan, np.minimum(scan.flair.data, np.percentile(scan.flair.data[scan.brain], 100 - percent))
    )


SPOILT: dict[str, tuple[str, dict[str, Disturb]]] = {
    "contrast_to_noise": (
        "noise",
        {f"{level:.0%}": noise(level) for level in (0.02, 0.05, 0.1, 0.15, 0.2)},
    ),
    "ghosting": (
        "ghosts",
        {f"copy of {part:.0%}": ghosts(part) for part in (0.05, 0.1, 0.2)}
        | {f"motion of {shift} mm": motion(shift) for shift in (1, 2, 4)},
    ),
    "intensities": ("clipping", {f"{percent} %": clipped(percent) for percent in (0.1, 0.5, 2.0)}),
}


def spoilt(data: Path) -> pd.DataFrame:
    """How each check answers to what it looks for."""
    rows = []
    for scan in read_scans(data):
        if scan.name not in (
            "tabriz101228_FLAIR",
            "tabriz107130_FLAIR",
            "mslessegP18_FLAIR",
            "ljubljana07_FLAIR",
        ):
            continue
        for name, (what, disturbances) in SPOILT.items():
            for level, disturb in {"none": DISTURBANCES["none"], **disturbances}.items():
                changed = disturb(scan)
                checks = check_quality(changed.flair, changed.brain).checks
                check = next(check for check in checks if check.name == name)
                if check.value is not None:
                    shown = f"{check.value:.3g} {check.verdict}"
                    rows.append({"scan": scan.name, "what": what, "level": level, "value": shown})
    return pd.DataFrame(rows).set_index(["what", "level", "scan"])["value"].unstack()


def unseen_by(subject: str, predictors: Iterable[NetworkPredictor]) -> NetworkPredictor | None:
    """Return the first predictor that was not trained on a subject."""
    for predictor in predictors:
        if subject not in predictor.card.training.subjects:
            return predictor
    return None


def unseen_cases(
    cases: Iterable[Case], predictors: Sequence[NetworkPredictor]
) -> Iterator[tuple[Case, NetworkPredictor]]:
    """Go through the cases with a mask that some weights never saw; name those left out."""
    for case in cases:
        predictor = unseen_by(case.subject, predictors)
        if predictor is None or case.reference is None:
            print(f"{case.name}: all weights were trained on it, or it has no mask; left out")
            continue
        yield case, predictor


def flags(data: Path, *folds: str) -> pd.DataFrame:
    """Count flags on lesions that the network found, true or false, and that readers drew."""
    predictors = [*(load_predictor(Path(fold)) for fold in folds), load_predictor()]
    finder = BrainFinder()
    tables = []
    for case in discover_cases(data / "ms-flair"):
        reference = load_mask(case.reference).data
        flair = load_volume(case.flair)
        brain = find_brain(flair, finder=finder).mask
        anatomy = find_anatomy(flair, brain)
        drawn = label_lesions(reference, flair.voxel_volume_mm3, 3.0)
        sets = {"drawn": (drawn, lesion_table(drawn, flair, reference.astype(np.float32), brain))}
        predictor = unseen_by(case.subject, predictors)
        if predictor is not None:
            found = segment_case(case, predictor, finder=finder)
            sets["found"] = found.lesion_labels, found.lesions
        for kind, (labels, table) in sets.items():
            keys = lesion_flags(labels, table, flair, brain, anatomy)
            true = np.isin(table["label"], np.unique(labels[reference]))
            who = "sample" if case.subject == SAMPLE else "others"
            kinds = np.where(true, f"{kind}, true, {who}", f"{kind}, false, {who}")
            tables.append(
                pd.DataFrame({"kind": kinds, "keys": keys, "volume_mm3": table["volume_mm3"]})
            )
    every = pd.concat(tables)
    rows = {
        key: every["keys"].str.split(";").apply(lambda keys, key=key: key in keys) for key in FLAGS
    }
    rows |= {"any": every["keys"] != "", "lesions": every["keys"].notna()}
    return (
        pd.DataFrame({name: every["kind"][rows[name]].value_counts() for name in rows})
        .T.fillna(0)
        .astype(int)
    )


def planted(data: Path) -> pd.DataFrame:
    """Flags of a bright ball in the ventricles, which looks like choroid plexus."""
    rows = {}
    for scan in read_scans(data):
        if scan.sequence != "FLAIR":
            continue
        spacing_mm, anatomy = scan.flair.spacing_mm, find_anatomy(scan.flair, scan.brain)
        if anatomy.tissue is None:
            continue
        depth_mm = ndimage.distance_transform_edt(
            anatomy.tissue == Tissue.VENTRICLE, sampling=spacing_mm
        )
        centre = np.ones(scan.flair.shape, dtype=bool)
        centre[np.unravel_index(depth_mm.argmax(), depth_mm.shape)] = False
        ball = ndimage.distance_transform_edt(centre, sampling=spacing_mm) <= 2.5
        bright = 1.4 * np.median(scan.flair.data[scan.brain])
        flair = _with(scan, np.where(ball, bright, scan.flair.data)).flair
        labels = ball.astype(np.int32)
        table = lesion_table(labels, flair, ball.astype(np.float32), scan.brain)
        keys = lesion_flags(labels, table, flair, scan.brain, find_anatomy(flair, scan.brain))
        rows[scan.name] = {"ventricle_depth_mm": round(depth_mm.max(), 1), "flags": keys.iloc[0]}
    return pd.DataFrame(rows).T


def main() -> None:
    """Print one table."""
    tables = {
        "checks": checks,
        "disturbed": disturbed,
        "exchanged": exchanged,
        "spoilt": spoilt,
        "flags": flags,
        "planted": planted,
    }
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("table", choices=tables)
    parser.add_argument("folds", nargs="*", help="for flags: weights of a cross-validation")
    words = parser.parse_args()
    print(tables[words.table](words.data, *words.folds).to_string())


if __name__ == "__main__":
    main()
