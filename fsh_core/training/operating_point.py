"""Operating point: threshold and minimum lesion volume, chosen on validation patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import SegmentConfig
from fsh_core.evaluation.lesionwise import lesion_metrics
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.inference.scan import Prediction
from fsh_core.lesions.label import label_lesions
from fsh_core.pipeline import find_lesions

THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
MINIMUM_VOLUMES_MM3 = (3.0, 5.0, 8.0, 12.0, 20.0)
ALIKE = 0.005  # of the mean of Dice and lesion F1


@dataclass(frozen=True)
class ValidationCase:
    """A validation patient with what the network says of it.

    Attributes
    ----------
    name : str
        ``sub-X[_ses-Y]``.
    predicted : Prediction
        The network's probabilities.
    reference : (I, J, K) bool
        The reference lesions inside the brain.
    group : str
        Cases of one group together count as much as those of another: a patient's visits, or a
        site's patients.
    """

    name: str
    predicted: Prediction
    reference: NDArray[np.bool_]
    group: str = ""

    @cached_property
    def reference_labels(self) -> NDArray[np.int32]:
        """The reference's lesions, (I, J, K), numbered."""
        return label_lesions(self.reference, self.predicted.flair.voxel_volume_mm3)


def operating_point(cases: Sequence[ValidationCase]) -> SegmentConfig:
    """Threshold, then minimum volume, of the best mean of Dice and lesion F1 over groups.

    Of what is within `ALIKE` of the best, the threshold nearest to a half and the smallest
    volume: a difference that small is chance, and a small lesion is a lesion.
    """
    thresholds = [
        SegmentConfig(threshold=value)
        for value in sorted(THRESHOLDS, key=lambda value: abs(value - 0.5))
    ]
    threshold = _first_of_the_best(cases, thresholds).threshold
    sizes = [
        SegmentConfig(threshold=threshold, minimum_volume_mm3=value)
        for value in MINIMUM_VOLUMES_MM3
    ]
    return _first_of_the_best(cases, sizes)


def _first_of_the_best(
    cases: Sequence[ValidationCase], configs: Sequence[SegmentConfig]
) -> SegmentConfig:
    scores = [_score(cases, config) for config in configs]
    return next(
        config
        for config, score in zip(configs, scores, strict=True)
        if score >= max(scores) - ALIKE
    )


def _score(cases: Sequence[ValidationCase], config: SegmentConfig) -> float:
    scores: dict[str, list[float]] = {}
    for case in cases:
        row = measure(case, config)
        scores.setdefault(case.group or case.name, []).append((row["dice"] + row["lesion_f1"]) / 2)
    return float(np.mean([np.mean(of_group) for of_group in scores.values()]))


def measure(case: ValidationCase, config: SegmentConfig) -> dict[str, Any]:
    """Measure a case at an operating point: Dice, lesions, volumes, recall by size."""
    predicted = case.predicted
    voxel_mm3 = predicted.flair.voxel_volume_mm3
    _, labels = find_lesions(predicted.probability, predicted.brain.mask, predicted.flair, config)
    voxels = voxel_metrics(case.reference, labels > 0)
    lesions = lesion_metrics(case.reference_labels, labels, voxel_mm3)
    row: dict[str, Any] = {
        "case": case.name,
        "dice": voxels.dice,
        "sensitivity": voxels.sensitivity,
        "precision": voxels.precision,
        "lesion_f1": lesions.f1,
        "lesion_sensitivity": lesions.sensitivity,
        "lesion_precision": lesions.precision,
        "reference_ml": predicted.flair.volume_ml(case.reference),
        "prediction_ml": predicted.flair.volume_ml(labels),
        "false_lesions": lesions.prediction_lesions - lesions.confirmed_lesions,
    }
    for size, counted in lesions.by_size.items():
        row |= {f"{size}_lesions": counted.lesions, f"{size}_found": counted.detected}
    return row
