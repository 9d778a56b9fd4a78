"""Training of the bundled brain finder.

::

    python -m fsh_core.training.brain.train DATA fsh_core/weights/brain.safetensors

DATA holds ``ms-flair`` (BIDS, some subjects with brain masks, some skull-stripped),
``longitudinal`` (raw scans, a brain mask in a common space, ITK affines) and, for
``--machine-labels``, ``nichart`` (2 mm scans with the labels of a machine). A narrow U-Net of our
own family sees the whole head at once, at 4 mm. Results are in ``docs/brain.md``.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.cases import Case, discover_cases
from fsh_core.config import ModelConfig, TrainConfig
from fsh_core.inference.torch_backend import has_fast_bfloat16
from fsh_core.network.build import build_module
from fsh_core.network.checkpoint import save_checkpoint
from fsh_core.network.losses import composite_loss
from fsh_core.network.model import arrays_of
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.training.brain.heads import Head, vary
from fsh_core.training.schedule import learning_rate
from fsh_core.training.train import deterministic
from fsh_core.volume.itk import read_affine_transform
from fsh_core.volume.resample import resample
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras

RECIPE = TrainConfig(
    model=ModelConfig(
        widths=(8, 16, 32, 64, 64), recurrence=0, attention=False, target="brain", spacing_mm=4.0
    ),
    epochs=1,
    steps_per_epoch=600,
    patch_size=(64, 64, 48),
    weight_decay=1e-3,
)
# P39 is the bundled sample, never trained on. The mask of longitudinal patient 03 leaves
# out a quarter of the brain (seen on the scans), so it would teach the wrong thing.
LEFT_OUT = ("mslessegP39", "patient03")
_INSIDE = 0.5  # of a resampled mask
# Of NiChart, whose labels a machine drew on another image of the head: those where they lie on the
# FLAIR. The other heads moved in between, by up to 3 cm.
_LABELS_LIE_ON_THE_FLAIR = tuple(f"nichart{number}" for number in ("01", "02", "04", "09"))
_LABELS_LIE_ON_THE_FLAIR += tuple(f"nichart{number}" for number in ("13", "19", "21"))
_SULCUS_MM = 10.0  # the labels leave out the fluid between gyri, the brain masks of people do not


def read_heads(data: Path, machine_labels: bool = False) -> list[Head]:
    """Read every scan whose brain is known: with a brain mask, or skull-stripped.

    Parameters
    ----------
    data : Path
        Holds ``ms-flair`` and ``longitudinal``.
    machine_labels : bool
        Also those of ``nichart``; see `labelled_heads`.
    """
    heads = []
    for case in discover_cases(data / "ms-flair"):
        if case.subject not in LEFT_OUT:
            heads += _heads_of(case)
    for folder in sorted((data / "longitudinal").glob("patient*")):
        if folder.name in LEFT_OUT:
            continue
        mask = load_volume(folder / "brain_mask.nii.gz")
        for path in sorted(folder.glob("study*_FLAIR.nii.gz")):
            scan = load_volume(path)
            transform = path.with_name(path.name.replace(".nii.gz", "_to_common_space.txt"))
            heads.append(
                _head(folder.name, scan, resample_mask_to(mask, transform, scan), is_bare=False)
            )
    if machine_labels:
        heads += [
            _head(subject, scan, brain, is_bare=False)
            for subject, scan, brain in labelled_heads(data)
        ]
    return heads


def labelled_heads(data: Path) -> Iterator[tuple[str, Volume, NDArray[np.bool_]]]:
    """Yield the NiChart scans whose labels can be trusted, with the brain that they cover.

    Yields
    ------
    subject : str
        Whose head it is.
    scan : Volume
        The FLAIR, (I, J, K).
    brain : (I, J, K) bool
        All labels, and what lies between them.
    """
    for subject in _LABELS_LIE_ON_THE_FLAIR:
        folder = data / "nichart"
        labels = folder / f"derivatives/automatic/sub-{subject}/anat"
        if not folder.is_dir():
            return
        scan = load_volume(folder / f"sub-{subject}/anat/sub-{subject}_FLAIR.nii.gz")
        labelled = load_volume(labels / f"sub-{subject}_space-T1w_dseg.nii.gz")
        marked = labelled.with_data(_closed(labelled.data > 0, labelled.spacing_mm))
        yield subject, scan, _resampled(marked, np.eye(4), scan)


def _closed(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Close gaps that are narrower than a sulcus."""
    margin = [int(np.ceil(_SULCUS_MM / spacing)) + 1 for spacing in spacing_mm]
    padded = np.pad(mask, [(width, width) for width in margin])
    near = ndimage.distance_transform_edt(~padded, sampling=spacing_mm) <= _SULCUS_MM
    closed = ndimage.distance_transform_edt(near, sampling=spacing_mm) > _SULCUS_MM
    inner = tuple(slice(width, -width) for width in margin)
    return np.asarray(closed[inner] | mask)


def _heads_of(case: Case) -> list[Head]:
    """Heads of a case, one per channel, so that the finder works on every contrast."""
    flair = load_volume(case.flair)
    if case.brain is not None:
        return [
            _head(case.subject, flair, load_mask(case.brain, flair, case.flair).data, is_bare=False)
        ]
    brain = find_brain(flair)
    if brain.source != "stripped":
        return []
    return [
        _head(case.subject, load_volume(path), brain.mask, is_bare=True)
        for path in case.channels.values()
    ]


def _head(subject: str, scan: Volume, brain: NDArray[np.bool_], *, is_bare: bool) -> Head:
    spacing_mm = RECIPE.model.spacing_mm
    image = resample(to_ras(scan), spacing_mm).data
    mask = resample(to_ras(scan.with_data(brain)), spacing_mm).data
    return Head(subject, image, mask, is_bare)


def resample_mask_to(mask: Volume, transform: Path, scan: Volume) -> NDArray[np.bool_]:
    """Resample a mask from a common space to a scan's grid.

    Parameters
    ----------
    mask : Volume
        In the common space.
    transform : Path
        ITK text file of one affine (matrix, translation, centre; LPS), common to scan.
    scan : Volume
        (I, J, K), where the mask is wanted.

    Returns
    -------
    (I, J, K) bool
    """
    return _resampled(mask, read_affine_transform(transform), scan)


def _resampled(mask: Volume, to_scan: NDArray[np.float64], scan: Volume) -> NDArray[np.bool_]:
    """Resample a mask to a scan's grid, by an affine in mm."""
    voxels = np.linalg.inv(to_scan @ mask.affine) @ scan.affine
    resampled = ndimage.affine_transform(
        mask.data.astype(np.float32), voxels[:3, :3], voxels[:3, 3], scan.shape, order=1
    )
    return np.asarray(resampled >= _INSIDE)


@deterministic()
def train_finder(
    heads: Sequence[Head], steps: int = RECIPE.steps_per_epoch, seed: int = 0
) -> torch.nn.Module:
    """Train on heads, every subject equally often; return the averaged network (eval mode)."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model: torch.nn.Module = build_module(RECIPE.model)
    model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=RECIPE.weight_decay)
    follow = torch.optim.swa_utils.get_ema_multi_avg_fn(RECIPE.ema)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=follow)
    share = np.array([1 / sum(other.subject == head.subject for other in heads) for head in heads])
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(RECIPE, step, steps, [])
        drawn = rng.choice(len(heads), RECIPE.batch_size, p=share / share.sum())
        pairs = [vary(heads[index], RECIPE.patch_size, rng) for index in drawn]
        images = torch.from_numpy(np.stack([image for image, _ in pairs]))[:, None]
        brains = torch.from_numpy(np.stack([brain for _, brain in pairs]))[:, None]
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16("cpu")):
            logits = model(images.to(memory_format=torch.channels_last_3d))
        loss = composite_loss(logits, brains, RECIPE.bce_weight).total
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE.gradient_clip)
        optimiser.step()
        average.update_parameters(model)
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", file=sys.stderr)
    model.load_state_dict(average.module.state_dict())
    model.eval()
    return model


def main() -> None:
    """Train on all heads and write a checkpoint."""
    parser = argparse.ArgumentParser(
        prog="python -m fsh_core.training.brain.train", description=__doc__
    )
    parser.add_argument("data", type=Path, help="folder with ms-flair and longitudinal")
    parser.add_argument("out", type=Path, help="checkpoint to write, .safetensors")
    parser.add_argument(
        "--machine-labels", action="store_true", help="learn from DATA/nichart too, 2 mm voxels"
    )
    given = parser.parse_args()
    heads = read_heads(given.data, given.machine_labels)
    finder = train_finder(heads)
    facts = {
        "subjects": sorted({head.subject for head in heads}),
        "steps": RECIPE.steps_per_epoch,
        "seed": 0,
    }
    card = {
        "name": "F.sh brain finder",
        "licence": "Apache-2.0",
        "documentation": "docs/brain.md",
        "training": facts,
    }
    print(save_checkpoint(RECIPE.model, given.out, card, arrays_of(finder)))


if __name__ == "__main__":
    main()
