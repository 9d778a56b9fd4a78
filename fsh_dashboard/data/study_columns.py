"""Headings and meanings of the tables of studies, and of groups."""

from collections.abc import Mapping

from fsh_core.evaluation.lesionwise import SIZE_BINS
from fsh_core.report.evaluation_page import NAMES as METRIC_NAMES
from fsh_core.report.evaluation_page import size_name
from fsh_dashboard.data.columns import label_of

HEADINGS = {
    "subject": "Patient",
    "f1": "F1 over voxels",
    "prediction_lesions": "Predicted lesions",
    "n": "Scans",
    "n_cases": "Scans",
    "n_patients": "Patients",
    "n_missing": "Undefined",
    "n_left_out": "Left out",
    "n_measurements": "Measurements",
    "mean": "Mean",
    "median": "Median",
    "sd": "SD",
    "ci_low": "From (95 %)",
    "ci_high": "To (95 %)",
    "metric": "Metric",
    "meaning": "What it is",
    "mean_first": "First",
    "mean_second": "Second",
    "mean_difference": "Second − first",
    "median_difference": "Median difference",
    "n_higher": "Second higher",
    "n_lower": "Second lower",
    "wilcoxon_p": "p (Wilcoxon)",
    "quantity": "Quantity",
    "within_case_sd": "SD within a case",
    "repeatability_coefficient": "Repeatability coefficient",
    "cv_fraction": "Coefficient of variation",
    "icc_2_1": "ICC(2,1)",
    "icc_2_1_low": "ICC(2,1) from",
    "icc_2_1_high": "ICC(2,1) to",
    "icc_3_1": "ICC(3,1)",
    "icc_3_1_low": "ICC(3,1) from",
    "icc_3_1_high": "ICC(3,1) to",
    "rater": "Rater",
    "rater_1": "First",
    "rater_2": "Second",
    "dice": "Dice",
    "dice_low": "Dice from",
    "dice_high": "Dice to",
    "lesion_f1": "Lesion F1",
    "lesion_f1_low": "Lesion F1 from",
    "lesion_f1_high": "Lesion F1 to",
    "volume_bias_ml": "Volume difference (ml)",
    "volume_lower_ml": "Lower limit (ml)",
    "volume_upper_ml": "Upper limit (ml)",
    "volume_ccc": "CCC of the volumes",
    "volume_ccc_low": "CCC from",
    "volume_ccc_high": "CCC to",
    "volume_ml": "Volume (ml)",
    "volume_1_ml": "Volume, first (ml)",
    "volume_2_ml": "Volume, second (ml)",
    "volume_difference_ml": "Difference (ml)",
    "lesions": "Lesions",
    "consensus_ml": "Consensus (ml)",
    "consensus_dice": "Dice with the consensus",
    "staple_sensitivity": "Sensitivity (STAPLE)",
    "staple_specificity": "Specificity (STAPLE)",
    "number": "Number",
    "scans": "Scans",
    "mean_low": "Mean from",
    "mean_high": "Mean to",
    "median_low": "Median from",
    "median_high": "Median to",
    "baseline": "Compared with",
    "baseline_patients": "Patients compared with",
    "difference_low": "From (95 %)",
    "difference_high": "To (95 %)",
    "p": "p (Mann-Whitney)",
    "p_adjusted": "p, corrected",
    "scale": "Scale",
    "effect": "Effect",
    "effect_low": "Effect from",
    "effect_high": "Effect to",
    "size": "Equivalent diameter",
    "region": "Region",
    "load": "Load",
    "bias": "Bias",
    "bias_low": "Bias from",
    "bias_high": "Bias to",
    "lower": "Lower limit",
    "lower_low": "Lower from",
    "lower_high": "Lower to",
    "upper": "Upper limit",
    "upper_low": "Upper from",
    "upper_high": "Upper to",
    "slope": "Slope",
    "slope_low": "Slope from",
    "slope_high": "Slope to",
}
# The summary by patient of what `lesions_by_size` counts.
BY_SIZE = {
    "size": "Size of the lesion, by the diameter of a ball of its volume.",
    "reference_lesions": "Reference lesions of this size, of all scans together.",
    "detected_lesions": "Those of them that were found.",
    "lesion_sensitivity": "Mean over patients of the share of the reference lesions that were "
    "found; each patient counts once, so that it is not the ratio of the counts.",
    "lesion_sensitivity_low": "Lower end of its 95 % bootstrap interval over patients; undefined "
    "for fewer than 5.",
    "lesion_sensitivity_high": "Upper end of that interval.",
    "prediction_lesions": "Predicted lesions of this size, of all scans together.",
    "false_lesions": "Those of them that overlap no reference lesion.",
    "lesion_precision": "Mean over patients of the share of the predicted lesions that are in the "
    "reference.",
    "lesion_precision_low": "Lower end of its 95 % bootstrap interval over patients; undefined "
    "for fewer than 5.",
    "lesion_precision_high": "Upper end of that interval.",
}
HEADINGS |= {
    f"lesion_{name}_{end}": f"{name.capitalize()} {word}"
    for name in ("sensitivity", "precision")
    for end, word in (("low", "from"), ("high", "to"))
}


def heading_of(column: str) -> str:
    """What a column of a study is called."""
    label = label_of(column)
    return HEADINGS.get(column) or label[:1].upper() + label[1:]


def metric_name(metric: str) -> str:
    """What a metric of a summary is called: ``Lesion sensitivity, below 3 mm``."""
    for size in SIZE_BINS:
        base = metric.removesuffix(f"_{size}")
        if base != metric:
            return f"{metric_name(base)}, {size_name(size)}"
    return METRIC_NAMES.get(metric) or heading_of(metric)


def named(meanings: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Give heading and meaning of each column of a table."""
    return {column: (heading_of(column), meaning) for column, meaning in meanings.items()}
