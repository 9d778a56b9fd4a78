"""What several tests share: a finished segmentation of the phantom, and a dataset to train on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.files import sha256_of
from fsh_core.imaging.volume import Volume, save_like
from fsh_core.inference.segment import Segmentation, find_lesions
from fsh_core.lesions.table import lesion_table

WEIGHTS_SHA256 = "1c" * 32
MakeSegmentation = Callable[..., Segmentation]


@pytest.fixture
def make_segmentation(phantom, tmp_path: Path) -> MakeSegmentation:
    """Make a segmentation of the phantom that found its three lesions, or none of them.

    Its FLAIR lies in ``tmp_path``, so that whether it changed can be checked.
    """

    def make(subject: str = "01", session: str | None = None, *, found: bool = True, seconds: float = 12.5, **settings):
        path = tmp_path / "input" / f"{subject}_{session}_FLAIR.nii.gz"
        save_like(phantom.flair.data, phantom.flair, path)
        case = Case(subject, session, {"FLAIR": path})
        config = SegmentConfig(**settings)
        probability = np.where(phantom.reference, np.float32(0.875 * found), np.float32(0.1234567) * phantom.brain)
        probability = probability.astype(np.float32)
        raw, labels = find_lesions(probability, phantom.brain, phantom.flair, config)
        lesions = lesion_table(labels, phantom.flair, probability, phantom.brain)
        record = {
            "case": case.name,
            "subject": subject,
            "session": session,
            "input": {"FLAIR": {"path": str(path), "sha256": sha256_of(path)}},
            "version": "0.1.0",
            "weights": {
                "name": "fsh-default",
                "sha256": WEIGHTS_SHA256,
                "config": ModelConfig().model_dump(mode="json"),
            },
            "settings": config.model_dump(mode="json"),
            "brain": {"source": "stripped", "volume_ml": 98.2, "note": "the scan is skull-stripped"},
            "grid": {"shape": [48, 56, 20], "spacing_mm": [1.0, 1.0, 2.5], "orientation": "LAS"},
            "lesion_count": len(lesions),
            "lesion_volume_ml": float((labels > 0).sum()) * 2.5 / 1000,
            "raw_lesion_volume_ml": float(raw.sum()) * 2.5 / 1000,
            "run": {"seconds": seconds, "date": "2026-11-22T12:00:00+00:00", "device": "cpu", "threads": 2},
        }
        return Segmentation(case, phantom.flair, phantom.brain, probability, raw, labels, lesions, record)

    return make


@pytest.fixture(scope="session")
def training_bids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BIDS dataset to train on: four subjects, five scans, with lesions and brains that are easy to see.

    Voxels of 2 mm (subject 03: 2 x 2 x 4 mm), brain about 100, three lesions of 180 in each, the rest 0.
    Subject 02 has two sessions. Made for a network with ``spacing_mm`` 2; do not write into it.
    """
    root = tmp_path_factory.mktemp("training")
    scans = (("01", None), ("02", "a"), ("02", "b"), ("03", None), ("04", None))
    for seed, (subject, session) in enumerate(scans):
        rng = np.random.default_rng(seed)
        thickness_mm = 4.0 if subject == "03" else 2.0
        shape = (40, 38, round(72 / thickness_mm))
        affine = np.diag([-2.0, 2.0, thickness_mm, 1.0])
        places = np.moveaxis(np.indices(shape), 0, -1) * (2.0, 2.0, thickness_mm)
        brain = (((places - (39, 37, 35)) / (36, 34, 32)) ** 2).sum(axis=-1) < 1
        reference = np.zeros(shape, dtype=bool)
        for centre_mm, radius_mm in zip(rng.uniform((26, 20, 18), (52, 54, 52), (3, 3)), (11, 8, 5), strict=True):
            reference |= np.linalg.norm(places - centre_mm, axis=-1) < radius_mm
        data = (np.where(reference, 180.0, 100.0) + rng.normal(0, 5, shape)) * brain
        flair = Volume(data.astype(np.float32), affine)
        name = f"sub-{subject}" + (f"_ses-{session}" if session else "")
        folder = Path(f"sub-{subject}") / (f"ses-{session}" if session else "") / "anat"
        save_like(flair.data, flair, root / folder / f"{name}_FLAIR.nii.gz")
        for label, mask in (("L", reference & brain), ("brain", brain)):
            save_like(mask, flair, root / "derivatives" / "manual" / folder / f"{name}_label-{label}_mask.nii.gz")
    return root
