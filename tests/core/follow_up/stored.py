"""Visits of the tracking phantom, stored as ``fsh segment`` stores a case."""

import shutil
from pathlib import Path

from fsh_core.cases import Case
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.derivatives import write_segmentation
from fsh_core.files import sha256_of
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import Segmentation
from fsh_core.record import Record
from fsh_core.tracking import Visit
from fsh_core.volume.volume import save_like


def copy_of_dataset(followed: Path, root: Path) -> Path:
    """Copy a dataset with results, so that a test may change it; give back the results."""
    copy = shutil.copytree(followed, root)
    for record in (copy / "derivatives" / "fsh").rglob("*_dseg.json"):
        record.write_text(record.read_text().replace(str(followed), str(copy)))
    return copy / "derivatives" / "fsh"


def store_visit(folder: Path, scans: Path, subject: str, session: str | None, visit: Visit) -> Path:
    """Write the scan of a visit and its results; give back the scan."""
    home = scans / f"sub-{subject}" / (f"ses-{session}" if session else "") / "anat"
    name = f"sub-{subject}_ses-{session}" if session else f"sub-{subject}"
    flair = home / f"{name}_FLAIR.nii.gz"
    save_like(visit.flair.data, visit.flair, flair)
    case = Case(subject, session, {"FLAIR": flair})
    assert visit.probability is not None
    lesions = lesion_table(visit.labels, visit.flair, visit.probability, visit.brain)
    record = Record.model_validate(
        {
            "case": case.name,
            "subject": subject,
            "session": session,
            "input": {"FLAIR": {"path": str(flair), "sha256": sha256_of(flair)}},
            "version": "0.1.0",
            "weights": {
                "name": "fsh-default",
                "sha256": "1c" * 32,
                "config": ModelConfig().model_dump(mode="json"),
            },
            "settings": SegmentConfig().model_dump(mode="json"),
            "brain": {"source": "stripped", "volume_ml": 1100.0, "note": "skull-stripped"},
            "grid": {
                "shape": list(visit.flair.shape),
                "spacing_mm": list(visit.flair.spacing_mm),
                "orientation": "RAS",
            },
            "lesion_count": len(lesions),
            "lesion_volume_ml": visit.flair.volume_ml(visit.labels),
            "raw_lesion_volume_ml": visit.flair.volume_ml(visit.labels),
            "run": {"seconds": 12.5},
        }
    )
    found = Segmentation(
        case,
        visit.flair,
        visit.brain,
        visit.probability,
        visit.labels > 0,
        visit.labels,
        lesions,
        record,
    )
    write_segmentation(found, folder)
    return flair
