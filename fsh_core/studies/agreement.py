"""Several raters, or several scans, of the same cases: how well do they agree?"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from fsh_core.errors import InputError, sentence_of
from fsh_core.evaluation.lesionwise import lesion_metrics
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.lesions.label import label_lesions
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.bland_altman import bland_altman
from fsh_core.studies.concordance import concordance
from fsh_core.studies.consensus import staple
from fsh_core.studies.mask_files import Failure
from fsh_core.studies.raters import RatedCase, Ratings
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS, repeatability
from fsh_core.studies.statistics import bootstrap_interval, mean, patient_means, patients_of
from fsh_core.volume.volume import Volume, check_same_grid, load_mask, save_like

QUANTITIES = {"volume_ml": "lesion volume (ml)", "lesions": "number of lesions"}


@dataclass(frozen=True)
class Agreement:
    """An agreement study.

    Attributes
    ----------
    raters : tuple of str
        Names of the raters or scans.
    ratings, pairs, matrix, repeatability : DataFrame
        Tables with the columns of `fsh_core.studies.agreement_columns` and
        `fsh_core.studies.repeatability.REPEATABILITY_COLUMNS`.
    failures : list of (name, sentence)
        Cases that could not be used, and why.
    consensus : list of Path
        The consensus masks that were written.
    """

    raters: tuple[str, ...]
    ratings: pd.DataFrame
    pairs: pd.DataFrame
    matrix: pd.DataFrame
    repeatability: pd.DataFrame
    failures: list[Failure]
    consensus: list[Path]


def measure_agreement(
    study: Ratings,
    consensus_folder: str | Path | None = None,
    repeated_scans: bool = False,
    on_case: Callable[[int, int], None] | None = None,
) -> Agreement:
    """Compare all raters with each other, and with their consensus.

    A case that cannot be used (a damaged file, another grid) becomes a failure with one
    sentence, and the others go on.

    Parameters
    ----------
    study : Ratings
        From `fsh_core.studies.raters.match_raters` or ``match_sessions``.
    consensus_folder : path or None
        Where to write each case's STAPLE consensus, as
        ``CASE_label-L_desc-staple_mask.nii.gz`` on the first rater's grid.
    repeated_scans : bool
        The masks are of several scans, not of several raters: there is no consensus, and
        grids may differ, in which case volumes and numbers are compared, and Dice and F1
        are undefined.
    on_case : callable or None
        Called with (done, total) after each case; raising from it cancels.

    Returns
    -------
    Agreement
        All tables; those of a single case have no intervals and no intraclass
        correlation.

    Raises
    ------
    InputError
        If the consensus cannot be written.
    """
    ratings: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    failures, written = list(study.failures), []
    for done, case in enumerate(study.cases, start=1):
        try:
            masks = _load(case, repeated_scans)
            rows, consensus = _rate(case.name, study.raters, masks, repeated_scans)
            compared_rows = _compare(case.name, study.raters, masks)
        except Exception as error:  # whatever it is, the other cases are not affected
            failures.append((case.name, sentence_of(error, case.name)))
        else:
            ratings += rows
            pairs += compared_rows
            if consensus_folder is not None and consensus is not None:
                path = Path(consensus_folder) / f"{case.name}_label-L_desc-staple_mask.nii.gz"
                save_like(consensus.data, consensus, path)
                written.append(path)
        if on_case is not None:
            on_case(done, len(study.cases))
    rated = pd.DataFrame(ratings, columns=list(RATING_COLUMNS))
    compared = pd.DataFrame(pairs, columns=list(PAIR_COLUMNS))
    return Agreement(
        raters=study.raters,
        ratings=rated,
        pairs=compared,
        matrix=_matrix(study.raters, compared),
        repeatability=_repeatability(study.raters, rated),
        failures=sorted(failures),
        consensus=written,
    )


def _load(case: RatedCase, any_grid: bool) -> list[Volume]:
    """Read the masks of a case; those of raters must be on one grid."""
    first = load_mask(case.masks[0])
    like = None if any_grid else first
    return [first, *(load_mask(path, like, case.masks[0]) for path in case.masks[1:])]


def _rate(
    name: str, raters: tuple[str, ...], masks: list[Volume], repeated_scans: bool
) -> tuple[list[dict[str, object]], Volume | None]:
    """Measure each mask, and set it against the consensus of all; rows of `RATING_COLUMNS`."""
    rows: list[dict[str, object]] = []
    for rater, mask in zip(raters, masks, strict=True):
        lesions = int(label_lesions(mask.data, mask.voxel_volume_mm3).max(initial=0))
        volume_ml = mask.volume_ml(mask.data)
        rows.append({"case": name, "rater": rater, "volume_ml": volume_ml, "lesions": lesions})
    if repeated_scans:
        return rows, None
    found = staple([mask.data for mask in masks])
    consensus = masks[0].with_data(found.mask)
    for row, mask, sensitivity, specificity in zip(
        rows, masks, found.sensitivity, found.specificity, strict=True
    ):
        row["consensus_ml"] = consensus.volume_ml(found.mask)
        row["consensus_dice"] = voxel_metrics(found.mask, mask.data).dice
        row["staple_sensitivity"], row["staple_specificity"] = sensitivity, specificity
    return rows, consensus


def _compare(name: str, raters: tuple[str, ...], masks: list[Volume]) -> list[dict[str, object]]:
    """Compare every two masks of a case; rows of `PAIR_COLUMNS`."""
    labels = [label_lesions(mask.data, mask.voxel_volume_mm3) for mask in masks]
    volumes_ml = [mask.volume_ml(mask.data) for mask in masks]
    rows: list[dict[str, object]] = []
    for first, second in combinations(range(len(masks)), 2):
        row: dict[str, object] = {"case": name, "rater_1": raters[first], "rater_2": raters[second]}
        if _on_one_grid(masks[first], masks[second]):
            row["dice"] = voxel_metrics(masks[first].data, masks[second].data).dice
            row["lesion_f1"] = lesion_metrics(
                labels[first], labels[second], masks[first].voxel_volume_mm3
            ).f1
        row["volume_1_ml"], row["volume_2_ml"] = volumes_ml[first], volumes_ml[second]
        row["volume_difference_ml"] = volumes_ml[second] - volumes_ml[first]
        rows.append(row)
    return rows


def _on_one_grid(first: Volume, second: Volume) -> bool:
    try:
        check_same_grid(first, second, "first", "second")
    except InputError:
        return False
    return True


def _matrix(raters: tuple[str, ...], pairs: pd.DataFrame) -> pd.DataFrame:
    """Summarise every two raters over cases."""
    rows = []
    for first, second in combinations(raters, 2):
        both = pairs[(pairs["rater_1"] == first) & (pairs["rater_2"] == second)]
        patients = patients_of(both)
        row: dict[str, object] = {"rater_1": first, "rater_2": second, "n_cases": len(both)}
        row["n_patients"] = len(set(patients))
        for metric in ("dice", "lesion_f1"):
            values = both[metric].to_numpy(dtype=float)
            row[metric] = mean(patient_means(values, patients))
            low, high = bootstrap_interval(values, patients=patients)
            row[f"{metric}_low"], row[f"{metric}_high"] = low, high
        volumes_1_ml = both["volume_1_ml"].to_numpy(dtype=float)
        volumes_2_ml = both["volume_2_ml"].to_numpy(dtype=float)
        limits = bland_altman(volumes_1_ml, volumes_2_ml, patients)
        row["volume_bias_ml"] = limits.bias.value
        row["volume_lower_ml"], row["volume_upper_ml"] = limits.lower.value, limits.upper.value
        ccc = concordance(volumes_1_ml, volumes_2_ml, patients)
        row["volume_ccc"], row["volume_ccc_low"], row["volume_ccc_high"] = (
            ccc.value,
            ccc.low,
            ccc.high,
        )
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MATRIX_COLUMNS))


def _repeatability(raters: tuple[str, ...], ratings: pd.DataFrame) -> pd.DataFrame:
    """Summarise how well volume and number are repeated."""
    rows = []
    for column, quantity in QUANTITIES.items():
        table = ratings.pivot(index="case", columns="rater", values=column)
        rows.append(
            repeatability(
                quantity,
                table.reindex(columns=list(raters)).to_numpy(dtype=float),
                patients_of(table.reset_index()),
            )
        )
    return pd.DataFrame(rows, columns=list(REPEATABILITY_COLUMNS))
