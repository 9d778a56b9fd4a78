"""Predictions against references: one case, or two folders of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from fsh_core.anatomy.template import Anatomy
from fsh_core.errors import sentence_of
from fsh_core.evaluation.case_metrics import CASE_COLUMNS, CaseMetrics, evaluate_case
from fsh_core.evaluation.regions import REGION_COLUMNS, region_metrics, unknown_regions
from fsh_core.studies.mask_files import Failure
from fsh_core.studies.pairs import Pair, match_masks
from fsh_core.studies.statistics import SUMMARY_COLUMNS, summarise
from fsh_core.studies.tables import write_tables
from fsh_core.volume.volume import Volume, load_mask

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
        One row per case, see `CASE_COLUMNS`.
    summary : DataFrame
        One row per metric, see `fsh_core.studies.statistics.SUMMARY_COLUMNS`.
    failures : list of (name, sentence)
        Cases that could not be evaluated, and why.
    regions : DataFrame or None
        Several rows per case, see `fsh_core.evaluation.regions.REGION_COLUMNS`; None where
        nobody asked for regions.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame
    failures: list[Failure]
    regions: pd.DataFrame | None = None


def evaluate_folders(
    predictions: str | Path,
    references: str | Path,
    minimum_overlap_fraction: float = 0.0,
    minimum_volume_mm3: float = 0.0,
    on_case: Callable[[int, int], None] | None = None,
    find_anatomy: FindAnatomy | None = None,
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
    find_anatomy : callable or None
        Gives the anatomy of a pair's scan; without it there are no regions.

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
            rows.append({"case": pair.name} | metrics.row())
        except Exception as error:  # whatever it is, the other cases are not affected
            failures.append((pair.name, sentence_of(error, pair.prediction)))
        if on_case is not None:
            on_case(done, len(pairs))
    cases = pd.DataFrame(rows, columns=list(CASE_COLUMNS))
    placed = None if find_anatomy is None else pd.DataFrame(regions, columns=list(REGION_COLUMNS))
    return Evaluation(cases, summarise(cases), sorted(failures), placed)


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

    Writes ``cases.csv``, ``summary.csv``, ``regions.csv`` if regions were asked for,
    ``failures.csv`` (only its heading when all went well, so that no older one stays
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
        "cases.csv": (evaluation.cases, CASE_COLUMNS),
        "summary.csv": (evaluation.summary, SUMMARY_COLUMNS),
    }
    if evaluation.regions is not None:
        tables["regions.csv"] = evaluation.regions, REGION_COLUMNS
    return write_tables(tables, evaluation.failures, out_folder)
