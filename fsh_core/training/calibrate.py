"""Calibration on validation patients: operating point, lesion confidence, volume interval.

Nothing here may see a patient that is tested on, nor one that was trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from fsh_core.anatomy.template import find_anatomy
from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.evaluation.calibration import reliability, reliability_bins, retention_curve
from fsh_core.evaluation.lesionwise import SIZE_BINS, lesion_metrics
from fsh_core.inference.scan import Predictor, predict_case
from fsh_core.lesions.confidence import (
    FEATURES,
    calibration_json,
    conformal_quantile,
    lesion_features,
    volume_score,
)
from fsh_core.lesions.describe import describe_lesions
from fsh_core.lesions.uncertainty import patient_uncertainty, volume_spread
from fsh_core.pipeline import find_lesions
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.training.operating_point import ValidationCase, measure, operating_point
from fsh_core.volume.volume import load_mask

RATE = 0.8
_RIDGE = 1.0
_FEWEST_PATIENTS = 3
_FEWEST_GROUPS = 2
_SHOWN = (
    *("dice", "sensitivity", "precision", "lesion_f1", "lesion_sensitivity", "lesion_precision"),
    *("reference_ml", "prediction_ml", "false_lesions"),
)


def calibrate(
    folds: Sequence[tuple[Predictor, Sequence[Case]]],
    *,
    groups: Mapping[str, str] | None = None,
    finder: BrainSegmenter | None = None,
    on_case: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Choose threshold and minimum volume; calibrate lesion confidence and volume interval.

    Every group counts the same. What is said of patients left out is said of patients whose
    whole group was left out.

    Parameters
    ----------
    folds : sequence of (Predictor, sequence of Case)
        Each network, run as it will be used, with the patients it is judged on: one network
        and its validation patients, or every fold of a cross-validation. At least three
        cases in all, with references.
    groups : mapping of str to str, optional
        Group of each subject, such as its site; a group for each subject if not given.
    finder : callable, optional
        Finds the brain where no mask is given and the scan is not stripped.
    on_case : callable, optional
        Called with each case's name before it is segmented.

    Returns
    -------
    dict
        For the weights' card, plain JSON: ``operating_point``, ``validation`` (a row a case),
        ``recall_by_size``, ``reliability``, ``calibration``, ``confidence`` (how well it is
        calibrated on groups left out of the fit) and ``retention``.

    Raises
    ------
    InputError
        If there are too few cases or groups, one has no reference, or a file cannot be used.
    """
    loaded = _predict_folds(folds, groups or {}, finder, on_case)
    config = operating_point(loaded)
    of_group = [case.group for case in loaded]
    lesions = _weighted([_found(case, config) for case in loaded], of_group)
    results = pd.DataFrame([measure(case, config) for case in loaded])
    volumes = _volume_scores(loaded, results, config)
    factor = conformal_quantile(volumes["score"].to_numpy(), RATE)
    chances = _left_out(lesions, of_group)
    return {
        "operating_point": {
            "threshold": config.threshold,
            "minimum_volume_mm3": config.minimum_volume_mm3,
        },
        "validation": [
            {
                key: round(value, 4) if isinstance(value, float) else value
                for key, value in row.items()
            }
            for row in results[["case", *_SHOWN]].to_dict(orient="records")
        ],
        "recall_by_size": {
            size: {
                "lesions": int(results[f"{size}_lesions"].sum()),
                "found": int(results[f"{size}_found"].sum()),
            }
            for size in SIZE_BINS
        },
        "reliability": reliability(
            [
                (
                    case.predicted.probability[case.predicted.brain.mask],
                    case.reference[case.predicted.brain.mask],
                )
                for case in loaded
            ]
        ),
        "calibration": calibration_json(fit_lesions(lesions), round(factor, 4), len(loaded), RATE)
        | _coverage(volumes, factor)
        | {"on": [case.name for case in loaded]},
        "confidence": {
            "lesions": len(chances),
            "real": int(chances["real"].sum()),
            "brier": _brier(chances["chance"], chances["real"]),
            "brier_of_share": _brier(chances["share"], chances["real"]),
            "bins": reliability_bins(
                chances["chance"].to_numpy(), chances["real"].to_numpy(np.float64)
            ),
        },
        "retention": retention_curve(chances["chance"].to_numpy(), chances["real"].to_numpy(bool)),
    }


def _predict_folds(
    folds: Sequence[tuple[Predictor, Sequence[Case]]],
    groups: Mapping[str, str],
    finder: BrainSegmenter | None,
    on_case: Callable[[str], None] | None,
) -> list[ValidationCase]:
    names = [case.name for _, cases in folds for case in cases]
    if len(names) < _FEWEST_PATIENTS:
        raise InputError(
            f"fsh calibrate needs at least {_FEWEST_PATIENTS} validation cases, got {len(names)}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"{', '.join(twice)}: held out by two of the weights; each case may be judged on once"
        )
    of_group = {
        case.name: groups.get(case.subject) or case.subject for _, cases in folds for case in cases
    }
    if len(set(of_group.values())) < _FEWEST_GROUPS:
        raise InputError(
            f"fsh calibrate leaves out one group after the other and needs at least "
            f"{_FEWEST_GROUPS}, got {', '.join(sorted(set(of_group.values())))} alone"
        )
    loaded = []
    for predictor, cases in folds:
        for case in cases:
            if case.reference is None:
                raise InputError(
                    f"{case.name}: has no reference mask; add one or leave the case out"
                )
            if on_case is not None:
                on_case(case.name)
            predicted = predict_case(case, predictor, finder=finder)
            reference = (
                load_mask(case.reference, predicted.flair, case.flair).data & predicted.brain.mask
            )
            loaded.append(ValidationCase(case.name, predicted, reference, of_group[case.name]))
    return loaded


def _found(case: ValidationCase, config: SegmentConfig) -> pd.DataFrame:
    """Return the features of each found lesion, and whether it is real."""
    predicted = case.predicted
    brain, flair = predicted.brain.mask, predicted.flair
    _, labels = find_lesions(predicted.probability, brain, flair, config)
    lesions = describe_lesions(
        *(labels, flair, brain, predicted.probability, predicted.members, config.threshold),
        anatomy=find_anatomy(flair, brain),
    )
    uncertainty = patient_uncertainty(predicted.members, config.threshold)
    table = pd.DataFrame(lesion_features(lesions, uncertainty), columns=list(FEATURES))
    matched = lesion_metrics(
        case.reference_labels, labels, flair.voxel_volume_mm3
    ).prediction_matched
    return table.assign(real=[matched[label] for label in lesions["label"]])


def _weighted(lesions: Sequence[pd.DataFrame], groups: Sequence[str]) -> list[pd.DataFrame]:
    """Weigh lesions: every group the same, in it every patient, however many lesions it has."""
    share = len(lesions) / len(set(groups))
    return [
        table.assign(weight=share / (groups.count(group) * max(1, len(table))))
        for table, group in zip(lesions, groups, strict=True)
    ]


def _volume_scores(
    cases: Sequence[ValidationCase], results: pd.DataFrame, config: SegmentConfig
) -> pd.DataFrame:
    """Return each case's group, how much it leaves open, and how far off its volume is."""
    spreads = [
        volume_spread(
            case.predicted.probability, case.predicted.flair.voxel_volume_mm3, config.threshold
        )
        for case in cases
    ]
    scores = [
        volume_score(float(reference), float(found), spread)
        for reference, found, spread in zip(
            results["reference_ml"], results["prediction_ml"], spreads, strict=True
        )
    ]
    groups = [case.group for case in cases]
    return pd.DataFrame({"group": groups, "spread": spreads, "score": scores})


def fit_lesions(lesions: Sequence[pd.DataFrame]) -> tuple[float, ...]:
    """Ridge logistic regression of a lesion being real on its standardised `FEATURES`.

    Parameters
    ----------
    lesions : sequence of DataFrame
        One a patient: `FEATURES`, ``real`` and ``weight``.
    """
    table = pd.concat(lesions, ignore_index=True)
    features, real = table[list(FEATURES)].to_numpy(np.float64), table["real"].to_numpy(np.float64)
    weights = table["weight"].to_numpy(np.float64)
    mean, spread = np.average(features, 0, weights), np.ones(features.shape[1])
    spread[1:] = np.sqrt(np.average((features - mean) ** 2, 0, weights))[1:]
    mean[0], spread[spread == 0] = 0, 1
    features = (features - mean) / spread

    def loss(coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = features @ coefficients
        cost = weights @ (np.logaddexp(0, logits) - real * logits) + _RIDGE / 2 * float(
            coefficients[1:] @ coefficients[1:]
        )
        slope = (
            features.T @ (weights * (special.expit(logits) - real))
            + _RIDGE * np.r_[0, coefficients[1:]]
        )
        return float(cost), slope

    found = optimize.minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    coefficients = found.x / spread
    coefficients[0] -= coefficients[1:] @ mean[1:]
    return tuple(round(float(value), 6) for value in coefficients)


def _left_out(lesions: Sequence[pd.DataFrame], groups: Sequence[str]) -> pd.DataFrame:
    """Leave-one-group-out chance of every lesion, and share of real lesions in the fit."""
    parts = []
    for table, group in zip(lesions, groups, strict=True):
        others = [one for one, of in zip(lesions, groups, strict=True) if of != group]
        coefficients = np.asarray(fit_lesions(others))
        chance = special.expit(table[list(FEATURES)].to_numpy(np.float64) @ coefficients)
        known = pd.concat(others)
        share = np.average(known["real"].to_numpy(np.float64), weights=known["weight"])
        parts.append(
            pd.DataFrame({"chance": chance, "share": share, "real": table["real"].to_numpy(bool)})
        )
    return pd.concat(parts, ignore_index=True)


def _brier(chances: pd.Series, real: pd.Series) -> float:
    return round(float(((chances - real) ** 2).mean()), 4)


def _coverage(volumes: pd.DataFrame, factor: float) -> dict[str, Any]:
    """Say how often intervals fitted on the other groups hold, and how wide they are."""
    groups, scores = volumes["group"].to_numpy(), volumes["score"].to_numpy(np.float64)
    covered = pd.Series(
        [
            bool(score <= conformal_quantile(scores[groups != group], RATE))
            for group, score in zip(groups, scores, strict=True)
        ]
    )
    by_group = covered.groupby(volumes["group"]).mean()
    return {
        "covered": round(float(covered.mean()), 4),
        "covered_by_group": {
            str(group): round(float(by_group[group]), 4) for group in by_group.index
        },
        "median_factor": round(float(np.exp(factor * volumes["spread"].median())), 3),
    }
