"""What several tests share: a finished segmentation of the phantom, and a dataset to train on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.files import sha256_of
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import Segmentation, find_lesions
from fsh_core.record import Record
from fsh_core.volume.volume import save_like
from tests.conftest import REPOSITORY
from tests.core.simulated_head import SimulatedHead

WEIGHTS_SHA256 = "1c" * 32
MakeSegmentation = Callable[..., Segmentation]


@pytest.fixture
def make_segmentation(phantom, tmp_path: Path) -> MakeSegmentation:
    """Make a segmentation of the phantom that found its three lesions, or none of them.

    Its FLAIR lies in ``tmp_path``, so that whether it changed can be checked.
    """

    def make(
        subject: str = "01",
        session: str | None = None,
        *,
        found: bool = True,
        seconds: float = 12.5,
        **settings,
    ):
        path = tmp_path / "input" / f"{subject}_{session}_FLAIR.nii.gz"
        save_like(phantom.flair.data, phantom.flair, path)
        case = Case(subject, session, {"FLAIR": path})
        config = SegmentConfig(**settings)
        probability = np.where(
            phantom.reference, np.float32(0.875 * found), np.float32(0.1234567) * phantom.brain
        )
        probability = probability.astype(np.float32)
        raw, labels = find_lesions(probability, phantom.brain, phantom.flair, config)
        lesions = lesion_table(labels, phantom.flair, probability, phantom.brain)
        record = Record.model_validate(
            {
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
                "brain": {
                    "source": "stripped",
                    "volume_ml": 98.2,
                    "note": "the scan is skull-stripped",
                },
                "grid": {
                    "shape": [48, 56, 20],
                    "spacing_mm": [1.0, 1.0, 2.5],
                    "orientation": "LAS",
                },
                "lesion_count": len(lesions),
                "lesion_volume_ml": float((labels > 0).sum()) * 2.5 / 1000,
                "raw_lesion_volume_ml": float(raw.sum()) * 2.5 / 1000,
                "run": {
                    "seconds": seconds,
                    "date": "2026-11-22T12:00:00+00:00",
                    "device": "cpu",
                    "threads": 2,
                },
            }
        )
        return Segmentation(
            case, phantom.flair, phantom.brain, probability, raw, labels, lesions, record
        )

    return make


@pytest.fixture
def segmentation_record():
    """Write a record of F.sh that names the patients whom its weights learned from."""

    def write(folder, subject, session, trained_on):
        example = next((REPOSITORY / "fsh_dashboard" / "example").rglob("*_dseg.json"))
        record = json.loads(example.read_text(encoding="utf-8"))
        record |= {"subject": subject, "session": session}
        record["weights"]["training"] = {"subjects": trained_on}
        path = folder / f"sub-{subject}_ses-{session}_seg-lesions_dseg.json"
        path.write_text(json.dumps(record))
        return path

    return write


@pytest.fixture(scope="session")
def simulated_heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two heads with white matter, the first one with a lesion."""
    root, head = tmp_path_factory.mktemp("heads"), SimulatedHead((2.0, 2.0, 5.0))
    lesion = np.zeros_like(head.brain)
    lesion[50:53, 40:43, 14:16] = True
    for subject, mask in (("01", lesion), ("02", lesion & False)):
        image = np.where(mask, np.float32(150), head.flair.data)
        of_subject = (
            root / f"derivatives/manual/sub-{subject}/anat/sub-{subject}_label-L_mask.nii.gz"
        )
        save_like(image, head.flair, root / f"sub-{subject}/anat/sub-{subject}_FLAIR.nii.gz")
        save_like(mask, head.flair, of_subject)
    return root
