"""All metrics of one case, and the columns that hold them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.evaluation.lesionwise import SIZE_BINS, LesionMetrics, lesion_metrics
from fsh_core.evaluation.matching import RULES
from fsh_core.evaluation.surface import SurfaceMetrics, surface_distances
from fsh_core.evaluation.voxel import VolumeMetrics, VoxelMetrics, volume_metrics, voxel_metrics
from fsh_core.lesions.label import label_lesions
from fsh_core.volume.volume import Volume, check_same_grid

CASE_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "dice": "Overlap of the masks: Dice coefficient, 0 to 1; 1 if both are empty.",
    "normalised_dice": "Dice as it would be at a lesion load of 0.1 % of the voxels (nDSC, "
    "Raina et al. 2023), 0 to 1.",
    "f1": "F1 over voxels: the same number as dice.",
    "sensitivity": "Share of the reference's voxels that were predicted, 0 to 1.",
    "precision": "Share of the predicted voxels that are in the reference, 0 to 1.",
    "specificity": "Share of the voxels outside the reference that were left out, 0 to 1, "
    "over the whole image.",
    "accuracy": "Share of voxels on which both masks agree, 0 to 1, over the whole image.",
    "hd95_mm": "95th-percentile Hausdorff distance of the surfaces, in mm; "
    "undefined if one mask is empty.",
    "assd_mm": "Average symmetric surface distance, in mm; undefined if one mask is empty.",
    "reference_ml": "Lesion volume of the reference, in ml.",
    "prediction_ml": "Lesion volume of the prediction, in ml.",
    "volume_difference_ml": "Prediction minus reference, in ml.",
    "volume_difference_fraction": "That difference over the reference's volume; "
    "undefined if only that is empty.",
    "lesion_f1": "F1 over lesions: harmonic mean of lesion_sensitivity and lesion_precision, "
    "0 to 1.",
    "lesion_sensitivity": "Share of the reference's lesions that were found, 0 to 1.",
    "lesion_precision": "Share of the predicted lesions that are in the reference (positive "
    "predictive value), 0 to 1.",
    "reference_lesions": "Lesions (26-connected components) in the reference.",
    "prediction_lesions": "Lesions in the prediction.",
    "detected_lesions": "Reference lesions that the prediction overlaps.",
    "false_lesions": "Predicted lesions that overlap no reference lesion.",
}
CASE_COLUMNS |= {
    f"lesion_f1_{rule}": f"F1 over lesions {words}, 0 to 1." for rule, words in RULES.items()
}
CASE_COLUMNS |= {
    "segmentation_quality": "Mean intersection over union of lesions that lesion_f1_iou50 matches; "
    "undefined without.",
    "panoptic_quality": "Product of lesion_f1_iou50 and segmentation_quality (Kirillov et al. "
    "2019), 0 to 1.",
}
CASE_COLUMNS |= {
    f"{column}_{size}": sentence.format(size=words)
    for size, words in SIZE_BINS.items()
    for column, sentence in (
        (
            "lesion_sensitivity",
            "Share of the reference's lesions {size} that were found; undefined without any.",
        ),
        (
            "lesion_precision",
            "Share of the predicted lesions {size} that are in the reference; "
            "undefined without any.",
        ),
        ("reference_lesions", "Reference lesions {size}."),
        ("detected_lesions", "Reference lesions {size} that were found."),
        ("prediction_lesions", "Predicted lesions {size}."),
        ("false_lesions", "Predicted lesions {size} that overlap no reference lesion."),
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
        values |= {f"lesion_f1_{rule}": f1 for rule, f1 in self.lesion.f1_by_rule.items()}
        values |= vars(self.lesion.panoptic)
        for size, counted in self.lesion.by_size.items():
            values |= {
                f"lesion_sensitivity_{size}": counted.sensitivity,
                f"lesion_precision_{size}": counted.precision,
                f"reference_lesions_{size}": counted.lesions,
                f"detected_lesions_{size}": counted.detected,
                f"prediction_lesions_{size}": counted.predicted,
                f"false_lesions_{size}": counted.predicted - counted.confirmed,
            }
        return {column: values[column] for column in CASE_COLUMNS if column != "case"}


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
    reference_labels = label_lesions(reference.data, voxel_volume_mm3, minimum_volume_mm3)
    prediction_labels = label_lesions(prediction.data, voxel_volume_mm3, minimum_volume_mm3)
    return CaseMetrics(
        voxel=voxel_metrics(reference.data, prediction.data, brain),
        volume=volume_metrics(reference.data, prediction.data, voxel_volume_mm3),
        surface=surface_distances(reference.data, prediction.data, reference.spacing_mm),
        lesion=lesion_metrics(
            reference_labels, prediction_labels, voxel_volume_mm3, minimum_overlap_fraction
        ),
    )
