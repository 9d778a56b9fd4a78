"""Predictions against references: one case, or two folders of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fsh_core.anatomy.template import Anatomy
from fsh_core.cases.names import patient_of, stem_of
from fsh_core.errors import InputError, sentence_of
from fsh_core.evaluation.case_metrics import CASE_COLUMNS, CaseMetrics, evaluate_case
from fsh_core.evaluation.regions import REGION_COLUMNS, region_metrics, unknown_regions
from fsh_core.file_names import RECORD_ENDING, case_of_image
from fsh_core.record import read_record
from fsh_core.studies.mask_files import Failure
from fsh_core.studies.pairs import Pair, match_masks
from fsh_core.studies.statistics import SUMMARY_COLUMNS, patients_of, summarise
from fsh_core.studies.tables import write_tables
from fsh_core.studies.volume_agreement import VOLUME_COLUMNS, volume_agreement
from fsh_core.volume.volume import Volume, load_mask

STUDY_COLUMNS: dict[str, str] = {
    "case": CASE_COLUMNS["case"],
    "subject": "Patient of the case: what follows `sub-`, or the whole name.",
    "trained_on": "Whether the weights that made the prediction learned from this patient; empty "
    "where no record of F.sh beside the prediction says so.",
    **CASE_COLUMNS,
}
"""Every column of ``cases.csv`` and what it holds, with its unit."""

FindAnatomy = Callable[[Pair, Volume], Anatomy]
"""Gives the anatomy of a pair's scan on the grid of its reference, or says why it is not known."""

__all__ = [
    "CASE_COLUMNS",
    "CaseMetrics",
    "Evaluation",
    "FindAnatomy",
    "evaluate_case",
    "evaluate_folders",
    "write_evaluation",
]


class Evaluation(NamedTuple):
    """Predictions of a cohort against their references.

    Attributes
    ----------
    cases : DataFrame
        One row per case, see `STUDY_COLUMNS`.
    summary : DataFrame
        One row per metric, see `fsh_core.studies.statistics.SUMMARY_COLUMNS`.
    failures : list of (name, sentence)
        Cases that could not be evaluated, and why.
    regions : DataFrame or None
        Several rows per case, see `fsh_core.evaluation.regions.REGION_COLUMNS`; None where
        nobody asked for regions.
    with_training_patients : bool
        Whether patients that the weights learned from count in ``summary``.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame
    failures: list[Failure]
    regions: pd.DataFrame | None = None
    with_training_patients: bool = False

    @property
    def trained_on(self) -> list[str]:
        """Names of the cases whose patients the weights learned from."""
        return [str(name) for name in self.cases["case"][_is_trained_on(self.cases)]]

    @property
    def counted(self) -> pd.DataFrame:
        """The cases that count in means: those of patients that the weights never saw."""
        return self.cases if self.with_training_patients else unseen(self.cases)

    @property
    def volumes(self) -> pd.DataFrame:
        """Bias and limits of the volumes, see `fsh_core.studies.volume_agreement`."""
        cases = self.counted
        return volume_agreement(cases["reference_ml"], cases["prediction_ml"], patients_of(cases))


def unseen(cases: pd.DataFrame) -> pd.DataFrame:
    """Leave out the cases whose column ``trained_on`` says that the weights learned from them."""
    return cases[~_is_trained_on(cases)]


def _is_trained_on(cases: pd.DataFrame) -> "pd.Series[bool]":
    return cases["trained_on"].map(lambda value: value is True or value is np.True_).astype(bool)


def evaluate_folders(
    predictions: str | Path,
    references: str | Path,
    minimum_overlap_fraction: float = 0.0,
    minimum_volume_mm3: float = 0.0,
    on_case: Callable[[int, int], None] | None = None,
    find_anatomy: FindAnatomy | None = None,
    with_training_patients: bool = False,
) -> Evaluation:
    """Compare every prediction with its reference.

    Cases of patients that the weights learned from, as F.sh's records beside the predictions
    say, are in the table and marked, and left out of the summary: their scores do not say
    how well the weights do.

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
    find_anatomy : callable or None
        Gives the anatomy of a pair's scan; without it there are no regions.
    with_training_patients : bool
        Count them in the summary all the same.

    Returns
    -------
    Evaluation
        Per-case table, summary, failures, and regions if asked for.

    Raises
    ------
    InputError
        If a path does not exist, a folder holds no mask, or nothing matches.
    """
    pairs, failures = match_masks(predictions, references)
    rows = []
    regions: list[dict[Any, Any]] = []
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
            if find_anatomy is not None:
                anatomy = find_anatomy(pair, reference)
                by_region = _regions(
                    reference, prediction, anatomy, minimum_overlap_fraction, minimum_volume_mm3
                )
                regions += by_region.assign(case=pair.name).to_dict("records")
            rows.append(
                {"case": pair.name, "subject": patient_of(pair.name)}
                | {"trained_on": was_trained_on(pair.prediction)}
                | metrics.row()
            )
        except Exception as error:  # whatever it is, the other cases are not affected
            failures.append((pair.name, sentence_of(error, pair.prediction)))
        if on_case is not None:
            on_case(done, len(pairs))
    cases = pd.DataFrame(rows, columns=list(STUDY_COLUMNS))
    cases["trained_on"] = cases["trained_on"].astype(object)  # True, False or not known
    placed = None if find_anatomy is None else pd.DataFrame(regions, columns=list(REGION_COLUMNS))
    counted = cases if with_training_patients else unseen(cases)
    return Evaluation(cases, summarise(counted), sorted(failures), placed, with_training_patients)


def was_trained_on(prediction: Path) -> bool | None:
    """Tell whether the weights that made a mask learned from its patient.

    Returns
    -------
    bool or None
        None where no record of F.sh lies beside the mask, or it does not say.
    """
    name = case_of_image(prediction.name) or stem_of(prediction).split("_space-")[0]
    record = prediction.with_name(name + RECORD_ENDING)
    try:
        return read_record(record).was_trained_on() if record.is_file() else None
    except InputError:  # the masks can be compared all the same
        return None


def _regions(
    reference: Volume,
    prediction: Volume,
    anatomy: Anatomy,
    least_overlap_fraction: float,
    least_volume_mm3: float,
) -> pd.DataFrame:
    """Compare region by region, or say why that cannot be done."""
    if not anatomy.found:
        return unknown_regions(anatomy.note)
    table = region_metrics(reference, prediction, anatomy, least_overlap_fraction, least_volume_mm3)
    return table.assign(note="")


def write_evaluation(evaluation: Evaluation, out_folder: str | Path) -> list[Path]:
    """Write an evaluation as CSV tables, each whole or not at all.

    Writes ``cases.csv``, ``summary.csv``, ``volumes.csv``, ``regions.csv`` if regions were asked
    for, ``failures.csv`` (only its heading when all went well, so that no older one stays
    behind) and ``columns.json``, which says what every column holds. Undefined values are
    ``n/a``.

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
    tables = {
        "cases.csv": (evaluation.cases, STUDY_COLUMNS),
        "summary.csv": (evaluation.summary, SUMMARY_COLUMNS),
        "volumes.csv": (evaluation.volumes, VOLUME_COLUMNS),
    }
    if evaluation.regions is not None:
        tables["regions.csv"] = evaluation.regions, REGION_COLUMNS
    return write_tables(tables, evaluation.failures, out_folder)
