"""From a case on disk to its lesions: the whole path, free of torch."""

import platform
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.anatomy.template import Anatomy, find_anatomy
from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.inference.record import (
    describe_brain,
    describe_ensemble,
    describe_grid,
    describe_input,
    describe_weights,
)
from fsh_core.inference.scan import (
    OnPatch,
    Prediction,
    Predictor,
    expected_model,
    predict_scan,
)
from fsh_core.lesions.confidence import Calibration
from fsh_core.lesions.describe import describe_lesions
from fsh_core.lesions.growth import grow_lesions
from fsh_core.lesions.label import label_lesions, smooth_mask
from fsh_core.lesions.regions import dissemination
from fsh_core.lesions.uncertainty import (
    patient_uncertainty,
    volume_spread,
    voxel_entropy,
    voxel_variance,
)
from fsh_core.network.card import WeightsCard
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.preprocess.load import load_scan
from fsh_core.quality.assess import check_quality
from fsh_core.record import (
    Record,
    RecordedQuality,
    RecordedRegions,
    RecordedRun,
    RecordedSettings,
    VolumeInterval,
)
from fsh_core.strict_json import rounded
from fsh_core.timings import timed
from fsh_core.volume.volume import Volume

LIVE_SETTINGS = ("threshold", "minimum_volume_mm3", "smooth")
"""Settings that act on the probability: no network runs when they change."""
_OF_THE_RUN = frozenset(
    (
        "scan_uncertainty",
        "lesion_volume_interval_ml",
        "grown_volume_ml",
        "regions",
        "part_count",
        "evaluation",
    )
)
"""Fields of the record that hold for the threshold of the run alone."""


@dataclass(frozen=True)
class Segmentation:
    """Everything found in one scan, on the scan's own grid (I, J, K).

    Attributes
    ----------
    case : Case
        What was segmented.
    flair : Volume
        The FLAIR, (I, J, K) float32, with air at 0.
    brain : (I, J, K) bool
        Where the brain is; no lesion lies outside.
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability, 0 outside the brain; with ``grow`` as growth left it.
    raw_prediction : (I, J, K) bool
        Probability at or above the threshold, before post-processing.
    lesion_labels : (I, J, K) int32
        0 = background, 1 = largest lesion, and so on.
    lesions : DataFrame
        One row per lesion, see `fsh_core.lesions.measure.lesion_table`.
    record : Record
        What made this (version, weights' hash, settings, input hash) and what was found
        (brain source, counts, volume). What differs between two runs of the same thing
        (seconds, date) stands under ``run`` alone.
    entropy, variance : (I, J, K) float32 or None
        How sure an ensemble is of each voxel, see
        `fsh_core.inference.record.describe_ensemble`; None without one.
    """

    case: Case
    flair: Volume
    brain: NDArray[np.bool_]
    probability: NDArray[np.float32]
    raw_prediction: NDArray[np.bool_]
    lesion_labels: NDArray[np.int32]
    lesions: pd.DataFrame
    record: Record
    entropy: NDArray[np.float32] | None = None
    variance: NDArray[np.float32] | None = None

    @property
    def prediction(self) -> NDArray[np.bool_]:
        """Lesions after post-processing, (I, J, K) bool."""
        return self.lesion_labels > 0

    def rethreshold(self, config: SegmentConfig, *, describe: bool = True) -> "Segmentation":
        """Find the lesions again in the same probability, without the network.

        What only a run can tell is left out: the regions, and how sure an ensemble is of a
        lesion and of the scan.

        Parameters
        ----------
        config : SegmentConfig
            The settings of the run with others of `LIVE_SETTINGS`.
        describe : bool
            Describe the lesions too; without it, fast enough to follow a slider, ``lesions``
            is left as it is.

        Returns
        -------
        Segmentation
            This one itself where no setting changes.

        Raises
        ------
        InputError
            If a setting changes that needs the network.
        """
        settings = RecordedSettings.from_config(config)
        if settings == self.record.settings:
            return self
        before, after = self.record.settings.complete(), settings.to_json()
        others = [
            name for name in after if after[name] != before[name] and name not in LIVE_SETTINGS
        ]
        if others:
            raise InputError(
                f"only {', '.join(LIVE_SETTINGS)} can change without the network, "
                f"got another {', '.join(others)}; segment the case again"
            )
        raw, labels = find_lesions(self.probability, self.brain, self.flair, config)
        lesions = self.lesions
        if describe:
            lesions = describe_lesions(
                labels, self.flair, self.brain, self.probability, (), config.threshold
            )
        record = self.record.changed(
            settings=settings,
            lesion_count=int(labels.max(initial=0)),
            lesion_volume_ml=round(self.flair.volume_ml(labels), 4),
            raw_lesion_volume_ml=round(self.flair.volume_ml(raw), 4),
            **dict.fromkeys(_OF_THE_RUN & self.record.model_fields_set),
        )
        return replace(
            self, raw_prediction=raw, lesion_labels=labels, lesions=lesions, record=record
        )


def segment_case(
    case: Case,
    predictor: Predictor,
    config: SegmentConfig | None = None,
    *,
    finder: BrainSegmenter | None = None,
    on_patch: OnPatch | None = None,
) -> Segmentation:
    """Segment one case.

    Parameters
    ----------
    case : Case
        Its FLAIR, other channels where the predictor wants them, and its brain mask where
        there is one.
    predictor : Predictor
        From an image to a probability.
    config : SegmentConfig, optional
        Threshold, minimum volume, smoothing.
    finder : callable, optional
        Finds the brain in a whole head without a brain mask.
    on_patch : callable, optional
        Called with (done, total); raising from it cancels.

    Returns
    -------
    Segmentation
        On the grid of the FLAIR's file.

    Raises
    ------
    InputError
        If a file cannot be used.
    """
    config = config or SegmentConfig()
    started = time.perf_counter()
    card = WeightsCard.of(predictor)
    calibration = Calibration.from_card(card)
    model = expected_model(predictor)
    with timed("reading the scan, finding the brain"):
        scan = load_scan(case, model, finder)
    flair, brain = scan.flair, scan.brain.mask
    # What needs no lesions yet is done while the network runs.
    with ThreadPoolExecutor(1) as beside:
        find, check = timed("finding the regions")(find_anatomy), timed("quality")(check_quality)
        anatomy_later = beside.submit(find, flair, brain) if config.regions else None
        quality = beside.submit(check, flair, brain, source=scan.brain.source)
        with timed("the networks"):
            predicted = predict_scan(scan, predictor, on_patch)
    anatomy = anatomy_later.result() if anatomy_later else None
    verdict = quality.result().verdict
    if verdict == "fail":
        calibration = None  # what it says was measured on scans that are fit to be relied on
    probability, grown_ml = _grown(predicted, anatomy, config)
    with timed("lesions and their table"):
        raw, labels = find_lesions(probability, brain, flair, config)
        scan_uncertainty = patient_uncertainty(predicted.members, config.threshold)
        lesions = describe_lesions(
            labels,
            flair,
            brain,
            probability,
            predicted.members,
            config.threshold,
            anatomy=anatomy,
            calibration=calibration,
            scan_uncertainty=scan_uncertainty,
            split=config.split,
        )
    volume_ml = flair.volume_ml(labels)
    record = Record(
        case=case.name,
        subject=case.subject,
        session=case.session,
        input=describe_input(case, model),
        version=version("fsh-ms"),
        weights=describe_weights(card),
        settings=RecordedSettings.from_config(config),
        brain=describe_brain(scan.brain, flair),
        grid=describe_grid(flair),
        lesion_count=len(lesions),
        lesion_volume_ml=round(volume_ml, 4),
        lesion_volume_interval_ml=_interval(
            calibration,
            volume_ml,
            volume_spread(probability, flair.voxel_volume_mm3, config.threshold),
            is_guaranteed=verdict == "pass" and not config.grow,  # measured without growth
        ),
        raw_lesion_volume_ml=round(flair.volume_ml(raw), 4),
        grown_volume_ml=grown_ml,
        part_count=int(lesions["parts"].sum()) if config.split else None,
        quality=RecordedQuality.model_validate(quality.result().to_json()),
        regions=_regions(anatomy, lesions),
        scan_uncertainty=rounded(scan_uncertainty),
        ensemble=describe_ensemble(len(predicted.members)),
        run=RecordedRun(
            seconds=round(time.perf_counter() - started, 2),
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            threads=getattr(predictor, "workers", None),
            arithmetic=getattr(predictor, "arithmetic", None),
            eight_bits_sha256=getattr(predictor, "eight_bits_sha256", None),
            platform=platform.platform(),
            folder=str(Path.cwd()),
        ),
    )
    # Of a single member both say nothing that its probability does not.
    entropy = voxel_entropy(probability) if len(predicted.members) > 1 else None
    variance = voxel_variance(predicted.members) if len(predicted.members) > 1 else None
    return Segmentation(
        case, flair, brain, probability, raw, labels, lesions, record, entropy, variance
    )


def _grown(
    predicted: Prediction, anatomy: Anatomy | None, config: SegmentConfig
) -> tuple[NDArray[np.float32], float | None]:
    """Let lesions grow where that is wanted and the scan was registered; and by how many ml."""
    probability = predicted.probability
    if not config.grow or anatomy is None or not anatomy.found:
        return probability, None
    with timed("growth"):
        grown = grow_lesions(probability, predicted.flair, predicted.brain.mask, anatomy)
    added = (grown >= config.threshold) & (probability < config.threshold)
    return grown, round(predicted.flair.volume_ml(added), 4)


def _interval(
    calibration: Calibration | None, volume_ml: float, spread: float, *, is_guaranteed: bool
) -> VolumeInterval | None:
    """Say where the reference volume is expected, and how often such an interval is right."""
    if calibration is None:
        return None
    low, high = calibration.volume_interval_ml(volume_ml, spread)
    return VolumeInterval(
        low=round(low, 4),
        high=round(high, 4),
        rate=calibration.rate,
        is_guaranteed=is_guaranteed,
    )


def _regions(anatomy: Anatomy | None, lesions: pd.DataFrame) -> RecordedRegions | None:
    """Say how the regions were found and what they hold; None where they were not asked for."""
    if anatomy is None:
        return None
    found: dict[str, Any] = {
        "found": anatomy.found,
        "quality": rounded(anatomy.quality),
        "note": anatomy.note,
    }
    if anatomy.found:
        found["dissemination"] = dissemination(lesions)
    return RecordedRegions.model_validate(found)


def find_lesions(
    probability: NDArray[np.float32], brain: NDArray[np.bool_], flair: Volume, config: SegmentConfig
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Turn a probability into lesions; fast enough to follow a slider.

    Parameters
    ----------
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    brain : (I, J, K) bool
        Lesions lie inside.
    flair : Volume
        For the voxel size.
    config : SegmentConfig
        Threshold, minimum volume, smoothing.

    Returns
    -------
    raw_prediction : (I, J, K) bool
        At or above the threshold.
    lesion_labels : (I, J, K) int32
        After smoothing and the minimum volume, 1 = largest.
    """
    raw = (probability >= config.threshold) & brain
    mask = smooth_mask(raw, flair.spacing_mm) & brain if config.smooth else raw
    return raw, label_lesions(mask, flair.voxel_volume_mm3, config.minimum_volume_mm3)
