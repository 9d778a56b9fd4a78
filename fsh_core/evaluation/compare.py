"""Predictions against references: one case, or two folders of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.evaluation.lesionwise import SIZE_BINS, LesionMetrics, lesion_metrics
from fsh_core.evaluation.pairs import Failure, match_masks
from fsh_core.evaluation.statistics import SUMMARY_COLUMNS, summarise
from fsh_core.evaluation.surface import SurfaceMetrics, surface_distances
from fsh_core.evaluation.voxel import VolumeMetrics, VoxelMetrics, volume_metrics, voxel_metrics
from fsh_core.files import write_atomically
from fsh_core.imaging.volume import Volume, check_same_grid, load_mask
from fsh_core.lesions.label import label_lesions

CASE_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "dice": "Overlap of the masks: Dice coefficient, 0 to 1; 1 if both are empty.",
    "f1": "F1 over voxels: the same number as dice.",
    "sensitivity": "Share of the reference's voxels that were predicted, 0 to 1.",
    "precision": "Share of the predicted voxels that are in the reference, 0 to 1.",
    "specificity": "Share of the voxels outside the reference that were left out, 0 to 1, over the whole image.",
    "accuracy": "Share of voxels on which both masks agree, 0 to 1, over the whole image.",
    "hd95_mm": "95th-percentile Hausdorff distance of the surfaces, in mm; undefined if one mask is empty.",
    "assd_mm": "Average symmetric surface distance, in mm; undefined if one mask is empty.",
    "reference_ml": "Lesion volume of the reference, in ml.",
    "prediction_ml": "Lesion volume of the prediction, in ml.",
    "volume_difference_ml": "Prediction minus reference, in ml.",
    "volume_difference_fraction": "That difference over the reference's volume; undefined if only that is empty.",
    "lesion_f1": "F1 over lesions: harmonic mean of lesion_sensitivity and lesion_precision, 0 to 1.",
    "lesion_sensitivity": "Share of the reference's lesions that were found, 0 to 1.",
    "lesion_precision": "Share of the predicted lesions that are in the reference (positive predictive value), 0 to 1.",
    "reference_lesions": "Lesions (26-connected components) in the reference.",
    "prediction_lesions": "Lesions in the prediction.",
    "detected_lesions": "Reference lesions that the prediction overlaps.",
    "false_lesions": "Predicted lesions that overlap no reference lesion.",
} | {
    f"{column}_{size}": sentence.format(size=words)
    for size, words in SIZE_BINS.items()
    for column, sentence in (
        ("lesion_sensitivity", "Share of the reference's lesions {size} that were found; undefined without any."),
        ("reference_lesions", "Reference lesions {size}."),
        ("detected_lesions", "Reference lesions {size} that were found."),
    )
}
"""Every column of the per-case table and what it holds, with its unit."""


@dataclass(frozen=True)
class CaseMetrics:
    """All metrics of one case.

    Attributes
    ----------
    voxel, volume, surface, lesion
        The metrics by kind; each class documents its fields and empty cases.
    """

    voxel: VoxelMetrics
    volume: VolumeMetrics
    surface: SurfaceMetrics
    lesion: LesionMetrics

    def row(self) -> dict[str, float]:
        """Return the numbers under the names of `CASE_COLUMNS` (without ``case``)."""
        values: dict[str, float] = {}
        for part in (self.voxel, self.volume, self.surface):
            values |= vars(part)
        values |= {
            "lesion_f1": self.lesion.f1,
            "lesion_sensitivity": self.lesion.sensitivity,
            "lesion_precision": self.lesion.precision,
            "reference_lesions": self.lesion.reference_lesions,
            "prediction_lesions": self.lesion.prediction_lesions,
            "detected_lesions": self.lesion.detected_lesions,
            "false_lesions": self.lesion.prediction_lesions - self.lesion.confirmed_lesions,
        }
        for size, counted in self.lesion.by_size.items():
            values[f"lesion_sensitivity_{size}"] = counted.sensitivity
            values[f"reference_lesions_{size}"] = counted.lesions
            values[f"detected_lesions_{size}"] = counted.detected
        return {column: values[column] for column in CASE_COLUMNS if column != "case"}


class Evaluation(NamedTuple):
    """Predictions of a cohort against their references.

    Attributes
    ----------
    cases : DataFrame
        One row per case, see `CASE_COLUMNS`.
    summary : DataFrame
        One row per metric, see `fsh_core.evaluation.statistics.SUMMARY_COLUMNS`.
    failures : list of (name, sentence)
        Cases that could not be evaluated, and why.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame
    failures: list[Failure]


def evaluate_case(
    reference: Volume,
    prediction: Volume,
    brain: NDArray[np.bool_] | None = None,
    minimum_overlap_fraction: float = 0.0,
    minimum_volume_mm3: float = 0.0,
) -> CaseMetrics:
    """Compare a predicted mask with its reference.

    Parameters
    ----------
    reference, prediction : Volume
        Masks, (I, J, K) bool, on one grid.
    brain : (I, J, K) bool or None
        Count voxels here only (accuracy and specificity depend on it); the whole image
        when None. Volumes, surfaces and lesions are never restricted.
    minimum_overlap_fraction : float in [0, 1]
        Share of a lesion's voxels that must overlap for a match; 0: one voxel suffices.
    minimum_volume_mm3 : float
        Lesions below it, in either mask, are not counted as lesions, in mm3.

    Returns
    -------
    CaseMetrics
        Voxel, volume, surface and lesion metrics.

    Raises
    ------
    InputError
        If the grids differ.
    """
    check_same_grid(prediction, reference, "prediction", "reference")
    voxel_volume_mm3 = reference.voxel_volume_mm3
    reference_labels, prediction_labels = (
        label_lesions(mask.data, voxel_volume_mm3, minimum_volume_mm3) for mask in (reference, prediction)
    )
    return CaseMetrics(
        voxel=voxel_metrics(reference.data, prediction.data, brain),
        volume=volume_metrics(reference.data, prediction.data, voxel_volume_mm3),
        surface=surface_distances(reference.data, prediction.data, reference.spacing_mm),
        lesion=lesion_metrics(reference_labels, prediction_labels, voxel_volume_mm3, minimum_overlap_fraction),
    )


def evaluate_folders(
    predictions: str | Path,
    references: str | Path,
    minimum_overlap_fraction: float = 0.0,
    minimum_volume_mm3: float = 0.0,
    on_case: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Compare every prediction with its reference.

    A case that cannot be evaluated (no partner, a damaged file, another grid) becomes a
    failure with one sentence, and the others go on.

    Parameters
    ----------
    predictions, references : path
        Two mask files, or two folders; `match_masks` says how cases are found.
    minimum_overlap_fraction, minimum_volume_mm3 : float
        As for `evaluate_case`.
    on_case : callable or None
        Called with (done, total) after each pair; raising from it cancels.

    Returns
    -------
    Evaluation
        Per-case table, summary and failures.

    Raises
    ------
    InputError
        If a path does not exist, a folder holds no mask, or nothing matches.
    """
    pairs, failures = match_masks(predictions, references)
    rows = []
    for done, pair in enumerate(pairs, start=1):
        try:
            reference = load_mask(pair.reference)
            prediction = load_mask(pair.prediction, reference, pair.reference)
            metrics = evaluate_case(
                reference,
                prediction,
                minimum_overlap_fraction=minimum_overlap_fraction,
                minimum_volume_mm3=minimum_volume_mm3,
            )
            rows.append({"case": pair.name} | metrics.row())
        except InputError as error:
            failures.append((pair.name, str(error)))
        if on_case is not None:
            on_case(done, len(pairs))
    cases = pd.DataFrame(rows, columns=list(CASE_COLUMNS))
    return Evaluation(cases, summarise(cases), sorted(failures))


def write_evaluation(evaluation: Evaluation, out_folder: str | Path) -> list[Path]:
    """Write an evaluation as CSV tables, each whole or not at all.

    Writes ``cases.csv``, ``summary.csv``, ``failures.csv`` (only its heading when all
    went well, so that no older one stays behind) and ``columns.json``, which says what
    every column holds. Undefined values are ``n/a``.

    Parameters
    ----------
    evaluation : Evaluation
        What `evaluate_folders` returned.
    out_folder : path
        Made if missing.

    Returns
    -------
    list of Path
        The files, in the order above.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    failures = pd.DataFrame(evaluation.failures, columns=["case", "reason"])
    payloads = {
        "cases.csv": _to_csv(evaluation.cases),
        "summary.csv": _to_csv(evaluation.summary),
        "failures.csv": _to_csv(failures),
        "columns.json": json.dumps({"cases.csv": CASE_COLUMNS, "summary.csv": SUMMARY_COLUMNS}, indent=2) + "\n",
    }
    written = []
    for name, payload in payloads.items():
        path = Path(out_folder) / name
        write_atomically(path, payload)
        written.append(path)
    return written


def _to_csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, na_rep="n/a", float_format="%.6g", lineterminator="\n")
