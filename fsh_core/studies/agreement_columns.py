"""Columns of the tables of an agreement study, with their units."""

RATING_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "rater": "Name of the rater, or of the scan.",
    "volume_ml": "Lesion volume of this mask, in ml.",
    "lesions": "Lesions (26-connected components) in this mask.",
    "consensus_ml": "Lesion volume of the STAPLE consensus of all raters, in ml; "
    "undefined for repeated scans.",
    "consensus_dice": "Dice of this mask with the consensus, 0 to 1.",
    "staple_sensitivity": "Sensitivity that STAPLE estimates for this rater, 0 to 1; "
    "undefined if all masks are empty.",
    "staple_specificity": "Specificity near lesions that STAPLE estimates, 0 to 1; "
    "undefined if all masks are empty.",
}
"""Every column of the table with one row per mask, with its unit."""

PAIR_COLUMNS: dict[str, str] = {
    "case": "Name of the case.",
    "rater_1": "The first of the two.",
    "rater_2": "The second of the two.",
    "dice": "Dice of the two masks, 0 to 1; 1 if both are empty; undefined if their grids differ.",
    "lesion_f1": "F1 over lesions (any overlap), 0 to 1; "
    "the same whichever is taken as the reference.",
    "volume_1_ml": "Lesion volume of the first, in ml.",
    "volume_2_ml": "Lesion volume of the second, in ml.",
    "volume_difference_ml": "Second minus first, in ml.",
}
"""Every column of the table with one row per case and two raters, with its unit."""

MATRIX_COLUMNS: dict[str, str] = {
    "rater_1": "The first of the two.",
    "rater_2": "The second of the two.",
    "n_cases": "Cases of both.",
    "n_patients": "Patients of these cases: the visits of one are averaged, and each counts once.",
    "dice": "Mean Dice over patients, 0 to 1.",
    "dice_low": "Lower end of its 95 % bootstrap interval; undefined below 5 patients.",
    "dice_high": "Upper end of its 95 % bootstrap interval.",
    "lesion_f1": "Mean F1 over lesions, over patients, 0 to 1.",
    "lesion_f1_low": "Lower end of its 95 % bootstrap interval; undefined below 5 patients.",
    "lesion_f1_high": "Upper end of its 95 % bootstrap interval.",
    "volume_bias_ml": "Mean volume difference over patients, second minus first, in ml.",
    "volume_lower_ml": "Lower 95 % limit of agreement of volumes (Bland and Altman), in ml; "
    "undefined for fewer than 5 patients.",
    "volume_upper_ml": "Upper 95 % limit of agreement of the volumes, in ml.",
    "volume_ccc": "Lin's concordance correlation of the volumes, -1 to 1; each patient counts "
    "once; undefined for one patient or where no two volumes differ.",
    "volume_ccc_low": "Lower end of its 95 % bootstrap interval over patients; undefined below 5 "
    "patients.",
    "volume_ccc_high": "Upper end of that interval.",
}
"""Every column of the inter-rater matrix, one row per two raters, with its unit."""
