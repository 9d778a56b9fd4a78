"""Train a network on your own masks, then segment a scan with it.

    python examples/train_on_your_masks.py

Three small scans are made first, so that this runs in seconds; a network of this size learns
nothing of use. For your own data, leave `make_data` away, name your folder, and take the settings
of `TrainConfig.preset("default")`.
"""

from pathlib import Path

import numpy as np

from fsh_core import ModelConfig, TrainConfig, Volume, discover_cases, save_like, segment
from fsh_core.cases import Split
from fsh_core.training.runs import RunFolder
from fsh_core.training.train import Progress, train

SPACING_MM = 4.0


def make_data(folder: Path) -> None:
    """Write three skull-stripped FLAIRs with their masks, named as BIDS wants them."""
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    grid_mm = np.moveaxis(np.indices((40, 44, 40)), 0, -1) * SPACING_MM
    brain = np.linalg.norm(grid_mm - (78, 86, 78), axis=-1) < 70
    for subject, centre_mm in (("01", (60, 70, 80)), ("02", (95, 80, 70)), ("03", (70, 100, 85))):
        lesions = np.linalg.norm(grid_mm - centre_mm, axis=-1) < 14
        noise = np.random.default_rng(int(subject)).normal(0, 5, brain.shape)
        data = (np.where(lesions, 180.0, 100.0) + noise) * brain
        flair = Volume(data.astype(np.float32), affine)
        save_like(flair.data, flair, folder / f"sub-{subject}/anat/sub-{subject}_FLAIR.nii.gz")
        masks = folder / "derivatives" / "manual" / f"sub-{subject}" / "anat"
        save_like(lesions, flair, masks / f"sub-{subject}_label-L_mask.nii.gz")


def show(progress: Progress) -> None:
    """Print the loss of every step; at the end of an epoch there is a row of the log too."""
    if progress.epoch_log is None:
        print(f"step {progress.step} of {progress.steps}: loss {progress.loss:.3f}")


make_data(Path("data"))

# The settings of a network that is made in seconds. Whatever is not named keeps its default.
config = TrainConfig(
    model=ModelConfig(spacing_mm=SPACING_MM, widths=(4, 4, 4, 4, 4)),
    patch_size=(32, 32, 32),
    epochs=2,
    steps_per_epoch=3,
    batch_size=1,
    warmup_steps=1,
    validate_every=2,
)
cases = discover_cases("data")
split = Split(training=("01", "02"), validation=("03",))  # subjects, never scans of one subject
run = RunFolder(Path("run"))
train(cases, split, config, run, on_progress=show)

# The folder holds settings, split, log and weights; `fsh dashboard run` draws its curves.
weights = run.weights("last")
found = segment(cases[-1], weights=weights, patch_size=(32, 32, 32), regions=False)
print(f"{weights} on {found.case.name}: {found.record.lesion_count} lesions")
