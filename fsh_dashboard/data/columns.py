"""What columns are called on the pages: names with units, and what each holds."""

from fsh_core.evaluation.case_metrics import CASE_COLUMNS as AGREEMENT
from fsh_core.lesions.confidence import CONFIDENCE_COLUMNS
from fsh_core.lesions.measure import LESION_COLUMNS

CASES = {
    "case": "Case",
    "flags": "Look at",
    "review": "Review",
    "quality": "Quality",
    "lesion_count": "Lesions",
    "lesion_volume_ml": "Lesion volume (ml)",
    "reviewed_lesion_count": "Lesions after review",
    "reviewed_lesion_volume_ml": "Volume after review (ml)",
    "periventricular_lesions": "Periventricular lesions",
    "juxtacortical_lesions": "Juxtacortical lesions",
    "infratentorial_lesions": "Infratentorial lesions",
    "deep_white_matter_lesions": "Deep white matter lesions",
    "periventricular_ml": "Periventricular (ml)",
    "juxtacortical_ml": "Juxtacortical (ml)",
    "infratentorial_ml": "Infratentorial (ml)",
    "deep_white_matter_ml": "Deep white matter (ml)",
    "volume_low_ml": "Volume from (ml)",
    "volume_high_ml": "Volume to (ml)",
    "scan_uncertainty": "Uncertainty",
    "raw_lesion_volume_ml": "Volume before processing (ml)",
    "largest_lesion_mm3": "Largest lesion (mm³)",
    "least_probability": "Least certain lesion (probability)",
    "least_confidence": "Least certain lesion (confidence)",
    "flagged_lesions": "Flagged lesions",
    "lesions_at_border": "Lesions at border",
    "brain_volume_ml": "Brain volume (ml)",
    "brain_source": "Brain from",
    "voxel_mm": "Voxel (mm)",
    "seconds": "Time (s)",
    "weights": "Weights",
    "version": "Version",
    "trained_on": "Trained on",
    "dice": "Dice",
    "sensitivity": "Sensitivity",
    "precision": "Precision",
    "lesion_f1": "Lesion F1",
    "lesion_sensitivity": "Lesion sensitivity",
    "lesion_precision": "Lesion precision",
    "hd95_mm": "HD95 (mm)",
    "assd_mm": "ASSD (mm)",
    "reference_ml": "Reference volume (ml)",
    "prediction_ml": "Predicted volume (ml)",
    "volume_difference_ml": "Volume difference (ml)",
    "reference_lesions": "Reference lesions",
    "detected_lesions": "Found lesions",
    "false_lesions": "False lesions",
}
LESIONS = {
    "case": "Case",
    "label": "Lesion",
    "status": "Status",
    "volume_mm3": "Volume (mm³)",
    "equivalent_diameter_mm": "Diameter (mm)",
    "in_reference": "In reference (share)",
    "region": "Region",
    "flags": "Look at",
    "confidence": "Confidence",
    "uncertainty": "Uncertainty",
    "mean_probability": "Mean probability",
    "max_probability": "Highest probability",
    "contrast": "Contrast (ratio)",
    "mean_intensity": "Mean intensity",
    "touches_border": "At border",
    "ventricle_distance_mm": "To ventricle (mm)",
    "cortex_distance_mm": "To cortex (mm)",
    "inside_r_mm": "R (mm)",
    "inside_a_mm": "A (mm)",
    "inside_s_mm": "S (mm)",
    "mni_x_mm": "MNI x (mm)",
    "mni_y_mm": "MNI y (mm)",
    "mni_z_mm": "MNI z (mm)",
    "voxels": "Voxels",
}
HELP = {
    **LESION_COLUMNS,
    **CONFIDENCE_COLUMNS,
    **AGREEMENT,
    "flags": "Reasons to look at it: computed from the table, not a diagnosis.",
    "in_reference": "Share of the lesion's voxels that are in the reference, 0 to 1; 0 = false.",
    "trained_on": "Whether the weights learned from this patient: its scores say little.",
    "review": "How far each reader is with this case.",
    "reviewed_lesion_count": "Without the rejected lesions, as the reader left the case whose act "
    "is the latest.",
    "reviewed_lesion_volume_ml": "Without the rejected lesions, with what was painted or erased, "
    "as the reader left "
    "the case whose act is the latest.",
    "status": "What the readers decided about this lesion.",
    "volume_low_ml": "Lower end of the interval in which the reference volume is expected.",
    "volume_high_ml": "Upper end of the interval in which the reference volume is expected.",
    "least_confidence": "The lowest confidence among the lesions of the case.",
    "least_probability": "The lowest mean probability among the lesions of the case.",
    "raw_lesion_volume_ml": "Everything above the threshold, before small lesions were dropped.",
    "brain_source": "given: a mask beside the scan; stripped: the scan had no skull; found: "
    "by F.sh; none: not found.",
}
MAIN_METRICS = (
    "dice",
    "sensitivity",
    "precision",
    "lesion_f1",
    "lesion_sensitivity",
    "lesion_precision",
)


def label_of(column: str) -> str:
    """What a column is called; unknown ones by their own name."""
    return CASES.get(column) or LESIONS.get(column) or column.replace("_", " ")
