"""Good files of every kind that F.sh reads, small ones, and what reads them."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsh_core.cases import Case, Split, discover_cases
from fsh_core.cases.raw import raw_files
from fsh_core.config import ModelConfig, SegmentConfig, TrainConfig
from fsh_core.derivatives import (
    StoredSegmentation,
    find_records,
    read_cohort,
    read_segmentation,
    write_segmentation,
)
from fsh_core.file_names import READERS_FILE
from fsh_core.follow_up import (
    StoredTrack,
    find_tracks,
    read_track,
    read_visits,
    write_track,
    write_track_cohort,
)
from fsh_core.lesions.confidence import Calibration
from fsh_core.network.build import build_module
from fsh_core.network.card import read_card
from fsh_core.network.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fsh_core.network.model import arrays_of
from fsh_core.pipeline import segment_case
from fsh_core.review import Queue, QueueItem, Review, load_queue, open_review, save_queue
from fsh_core.review.trial.assign import assign_cases
from fsh_core.review.trial.file import change_trial, read_trial
from fsh_core.review.trial.state import Trial
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.tracking import TrackConfig, track_visits
from fsh_core.training.runs import RunFolder
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like

__all__ = ["Read", "read_segmentation"]

SPACING_MM = (1.0, 1.0, 2.5)
SHAPE = (40, 44, 18)
_SMALL = ModelConfig(widths=(4, 4, 4, 4, 4), recurrence=0, spacing_mm=2.0)


@dataclass(frozen=True)
class Read:
    """What was read of an image file, to be compared with what nibabel reads of it."""

    path: Path
    volume: Volume
    is_mask: bool
    by_qform: bool


def head() -> tuple[Volume, NDArray[np.bool_]]:
    """A brain of 100, two lesions of 180 in it, nothing around; and where the lesions are."""
    places = np.stack(np.indices(SHAPE), axis=-1) - (np.array(SHAPE) - 1) / 2
    brain = ((places / (np.array(SHAPE) * 0.45)) ** 2).sum(axis=-1) < 1
    lesions = np.zeros(SHAPE, dtype=bool)
    lesions[12:18, 20:26, 8:10] = lesions[26:29, 22:25, 9:11] = True
    noise = np.random.default_rng(0).normal(0, 4, SHAPE)
    data = np.where(lesions, 180.0, np.where(brain, 100 + noise, 0))
    data[18:22, 18:26, 7:11] = 30.0
    return Volume(data.astype(np.float32), np.diag([*SPACING_MM, 1.0])), lesions


def nifti(folder: Path) -> Path:
    """A scan of 16-bit numbers with a slope, as scanners write them."""
    scan, _ = head()
    save_like(scan.data.astype(np.int16), scan, folder / "a_FLAIR.nii")
    return folder / "a_FLAIR.nii"


def nifti_gz(folder: Path) -> Path:
    """A scan, compressed."""
    scan, _ = head()
    save_like(scan.data, scan, folder / "a_FLAIR.nii.gz")
    return folder / "a_FLAIR.nii.gz"


def mask(folder: Path) -> Path:
    """A lesion mask."""
    scan, lesions = head()
    save_like(lesions, scan, folder / "a_mask.nii.gz")
    return folder / "a_mask.nii.gz"


def read_nifti(path: Path) -> Read:
    """Read a scan."""
    return _read(path, load_volume(path), is_mask=False)


def read_mask(path: Path) -> Read:
    """Read a mask."""
    return _read(path, load_mask(path), is_mask=True)


def _read(path: Path, volume: Volume, is_mask: bool) -> Read:
    sform = volume.header.get_sform()
    return Read(path, volume, is_mask, by_qform=not np.allclose(sform, volume.affine, atol=1e-6))


def _bright(image: NDArray[np.float32], on_patch: object = None) -> NDArray[np.float32]:
    """Call a lesion what is bright: a predictor that needs no weights."""
    return np.where(image[0] > 0.5, np.float32(0.9), np.float32(0.01))


def record(folder: Path) -> Path:
    """A segmented case, its record."""
    path = nifti_gz(folder / "in")
    case = Case("01", None, {"FLAIR": path})
    found = segment_case(case, _bright, SegmentConfig(regions=False))
    return write_segmentation(found, folder / "fsh")["record"]


def lesion_table(folder: Path) -> Path:
    """A segmented case, its table of lesions."""
    return record(folder).with_suffix(".tsv")


def read_table(path: Path) -> StoredSegmentation:
    """Read a lesion table, by its record and with its cohort."""
    read_cohort(path.parent.parent.parent)
    return read_segmentation(path.with_suffix(".json"))


def tracks(folder: Path) -> Path:
    """Two visits of a patient, followed: their record."""
    scan, lesions = head()
    records = []
    for number, session in enumerate("ab"):
        data = np.where(np.roll(lesions, 4 * number, axis=1), 180.0, np.minimum(scan.data, 120))
        path = folder / "in" / f"{session}_FLAIR.nii.gz"
        save_like(data.astype(np.float32), scan, path)
        case = Case("01", session, {"FLAIR": path})
        found = segment_case(case, _bright, SegmentConfig(regions=False))
        records.append(write_segmentation(found, folder / "fsh")["record"])
    visits, order = read_visits(records)
    config = TrackConfig()
    track = track_visits([visit.load() for visit in visits], config)
    _, paths = write_track(
        "01", visits, order, track, folder / "fsh", config=config, started=time.perf_counter()
    )
    return paths["record"]


def table_of_changes(folder: Path) -> Path:
    """Two visits of a patient, followed: the table of changes."""
    made = tracks(folder)
    return made.with_name(made.name.replace("_tracks.json", "_changes.tsv"))


def read_tracks(path: Path) -> StoredTrack:
    """Read followed visits, by the record or the table, and with their cohort."""
    (record,) = find_tracks(path.parent.parent.parent)
    write_track_cohort(path.parent.parent.parent)
    return read_track(record)


def weights(folder: Path) -> Path:
    """A small network's weights."""
    module = build_module(_SMALL)
    card = {"name": "small", "training": {"subjects": ["01"], "validated_on": ["02"]}}
    save_checkpoint(_SMALL, folder / "small.safetensors", card, arrays_of(module))
    return folder / "small.safetensors"


def weights_card(folder: Path) -> Path:
    """The JSON beside weights: that of the bundled ones, with its calibration."""
    made = weights(folder).with_suffix(".json")
    bundled = read_card(Path(str(load_checkpoint().path)).with_suffix(".json")).to_json()
    content = json.loads(made.read_text()) | {"calibration": bundled["calibration"]}
    made.write_text(json.dumps(content))
    return made


def read_weights(path: Path) -> Checkpoint:
    """Load weights with their card."""
    return load_checkpoint(path.with_suffix(".safetensors"))


def read_calibration(path: Path) -> Calibration | None:
    """Read the calibration in a card."""
    return Calibration.from_card(read_card(path))


def queue(folder: Path) -> Path:
    """A review queue."""
    items = (QueueItem("sub-01", "sub-01/anat/sub-01.json", (1, 2), "uncertain"),)
    return save_queue(folder, Queue("look", "2026-01-01", "by uncertainty", items))


def read_queue(path: Path) -> Queue | None:
    """Read a queue."""
    return load_queue(path.parent)


def readers(folder: Path) -> Path:
    """A reading trial."""
    change_trial(folder, lambda trial: [assign_cases(trial, {"sub-01": "01"}, ["a", "b"], 2, 7)])
    return folder / READERS_FILE


def read_readers(path: Path) -> Trial | None:
    """Read a trial."""
    return read_trial(path.parent)


def journal(folder: Path) -> Path:
    """A review of a case with some acts."""
    review = open_review(record(folder), "a")
    review.set_status(1, "accepted")
    review.set_note(1, "periventricular")
    review.set_status(2, "rejected")
    review.delete(2)
    return review.journal.path


def read_journal(path: Path) -> Review:
    """Open a review."""
    (stored,) = find_records(path.parent.parent.parent)
    return open_review(stored, "a")


def split(folder: Path) -> Path:
    """A split."""
    Split(training=("01", "02"), validation=("03",)).save(folder / "split.json")
    return folder / "split.json"


def read_split(path: Path) -> Split:
    """Read a split."""
    return Split.load(path)


def _run(folder: Path) -> RunFolder:
    run = RunFolder(folder / "run")
    config = TrainConfig(model=_SMALL, patch_size=(32, 32, 32), epochs=2)
    run.create(config, Split(training=("01",), validation=()), ())
    for epoch in (1, 2):
        run.append({"epoch": epoch, "step": epoch, "train_loss": 0.5, "val_dice": None})
    return run


def run_config(folder: Path) -> Path:
    """The settings of a training."""
    return _run(folder).path / "config.json"


def read_run(path: Path) -> object:
    """Read the settings of a training."""
    return RunFolder(path.parent).open()


def run_state(folder: Path) -> Path:
    """The state of a training."""
    run = _run(folder)
    run.save_state(dict(build_module(_SMALL).state_dict()), 2)
    return run.state


def read_run_state(path: Path) -> object:
    """Read the state of a training."""
    return RunFolder(path.parent).load_state()


def run_log(folder: Path) -> Path:
    """The log of a training."""
    return _run(folder).log


def read_run_log(path: Path) -> object:
    """Read the log of a training, to go on with it."""
    return RunFolder(path.parent).mend(2)


def bank(folder: Path) -> Path:
    """The bundled bank of lesion shapes, a few of them."""
    LesionShapeBank.load().save(folder / "bank.npz")
    return folder / "bank.npz"


def read_bank(path: Path) -> list[object]:
    """Read a bank, and some of its shapes."""
    found = LesionShapeBank.load(path)
    return [found[number] for number in range(0, len(found), max(1, len(found) // 20))]


def nnunet(folder: Path) -> Path:
    """The ``dataset.json`` of an nnU-Net raw dataset of one case."""
    scan, lesions = head()
    save_like(scan.data, scan, folder / "Dataset001" / "imagesTr" / "a_0000.nii.gz")
    save_like(scan.data, scan, folder / "Dataset001" / "imagesTr" / "a_0001.nii.gz")
    save_like(lesions, scan, folder / "Dataset001" / "labelsTr" / "a.nii.gz")
    content = {
        "channel_names": {"0": "FLAIR", "1": "T1w"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    path = folder / "Dataset001" / "dataset.json"
    path.write_text(json.dumps(content))
    return path


def find_cases(path: Path) -> list[Case]:
    """Find the cases of a dataset."""
    return discover_cases(path.parent)


def bids(folder: Path) -> Path:
    """The ``dataset_description.json`` of a derivative beside a BIDS dataset."""
    nifti_gz(folder / "sub-01" / "anat")
    shutil.move(
        folder / "sub-01" / "anat" / "a_FLAIR.nii.gz",
        folder / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz",
    )
    made = record(folder / "derivatives")
    path = made.parent.parent.parent / "dataset_description.json"
    content = {"Name": "F.sh", "BIDSVersion": "1.10.0", "GeneratedBy": [{"Name": "F.sh"}]}
    path.write_text(json.dumps(content))
    return path


def find_raw(path: Path) -> list[Path]:
    """Find what is raw data, and the cases, around a derivative."""
    discover_cases(path.parent.parent.parent)
    return list(raw_files([path.parent.parent.parent]))
