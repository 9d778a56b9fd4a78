"""``fsh agreement``: several raters, or several scans, of the same cases."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from fsh_core.cli.terminal import print_failures
from fsh_core.report.agreement_page import write_agreement_page
from fsh_core.report.page import MISSING, Row, show
from fsh_core.studies.agreement import Agreement, measure_agreement
from fsh_core.studies.agreement_columns import MATRIX_COLUMNS, PAIR_COLUMNS, RATING_COLUMNS
from fsh_core.studies.counting import patients_and_scans
from fsh_core.studies.raters import match_raters, match_sessions
from fsh_core.studies.repeatability import REPEATABILITY_COLUMNS
from fsh_core.studies.tables import write_tables


def agreement_command(masks: Sequence[Path], out: Path, retest: bool, consensus: bool) -> list[str]:
    """Compare all masks of each case, write tables and page, print the matrix.

    Parameters
    ----------
    masks : sequence of path
        One mask, or folder of masks, per rater; with ``retest`` one per repetition, or a
        single folder whose sessions are the repetitions.
    out : path
        Folder for what is written.
    retest : bool
        The masks are of repeated scans: grids may differ, and there is no consensus.
    consensus : bool
        Write the STAPLE consensus of each case.

    Returns
    -------
    list of str
        One sentence for each case that could not be used.

    Raises
    ------
    InputError
        If there are fewer than two raters, nothing to compare, or a file cannot be
        written.
    """
    console = Console()
    study = match_sessions(masks[0]) if retest and len(masks) == 1 else match_raters(masks)
    found = measure_agreement(
        study, out / "consensus" if consensus and not retest else None, retest
    )
    tables: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {
        "matrix.csv": (found.matrix, MATRIX_COLUMNS),
        "repeatability.csv": (found.repeatability, REPEATABILITY_COLUMNS),
        "pairs.csv": (found.pairs, PAIR_COLUMNS),
        "ratings.csv": (found.ratings, RATING_COLUMNS),
    }
    written = write_tables(tables, found.failures, out)
    page = out / "agreement.html"
    write_agreement_page(found, page, ", ".join(str(path) for path in masks), retest)
    console.print(_matrix_table(found))
    for row in found.repeatability.to_dict("records"):
        console.print(_describe(row), highlight=False, soft_wrap=True)
    console.print(
        f"Written: {', '.join(str(path) for path in [*written, *found.consensus, page])}",
        soft_wrap=True,
    )
    sentences = [sentence for _, sentence in found.failures]
    print_failures(sentences)
    return sentences


def _matrix_table(found: Agreement) -> Table:
    size = patients_and_scans(found.ratings.drop_duplicates("case"))
    table = Table(title=f"{len(found.raters)} masks each of {size}: means over patients")
    for name in ("first", "second", "Dice", "lesion F1", "volume difference (ml)"):
        table.add_column(name, justify="left" if name in ("first", "second") else "right")
    for row in found.matrix.to_dict("records"):
        numbers = (
            show(row["dice"], "dice"),
            show(row["lesion_f1"], "f1"),
            show(row["volume_bias_ml"], "_ml", signed=True),
        )
        table.add_row(str(row["rater_1"]), str(row["rater_2"]), *numbers)
    return table


def _describe(row: Row) -> str:
    """Say in a sentence how well a quantity is repeated."""
    quantity = str(row["quantity"]).capitalize()
    variation = "undefined" if np.isnan(row["cv_fraction"]) else f"{100 * row['cv_fraction']:.1f} %"
    correlations = [show(row[name], name) for name in ("icc_2_1", "icc_3_1")]
    if MISSING in correlations:
        return (
            f"{quantity}: coefficient of variation {variation}; "
            "intraclass correlations need cases that differ."
        )
    return (
        f"{quantity}: coefficient of variation {variation}, ICC(2,1) {correlations[0]}, "
        f"ICC(3,1) {correlations[1]}."
    )
