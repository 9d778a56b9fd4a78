"""``fsh calibrate``: operating point and confidences of weights, on validation patients."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from fsh_core.cases import Case, discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, load_predictor
from fsh_core.strict_json import parse_json
from fsh_core.training.calibrate import calibrate


def calibrate_command(
    data: Path,
    weights: Sequence[Path],
    subjects: list[str],
    card: Path | None,
    label: str,
    group_by: str | None,
    config: SegmentConfig,
) -> None:
    """Calibrate weights on patients they never saw, and write what was found into a card.

    Parameters
    ----------
    data : Path
        Dataset with references.
    weights : sequence of Path
        One file, or the folds of a cross-validation, each judged on what it was validated on.
    subjects : list of str
        Instead of those validated on; for a single file.
    card : Path, optional
        JSON to write into; beside a single file if None.
    label : str
        BIDS label of the references.
    group_by : str, optional
        Column of the dataset's ``participants.tsv``: its values count the same, and are left
        out one after the other; each patient by itself if None.
    config : SegmentConfig
        How the network is run.

    Raises
    ------
    InputError
        If the data, the weights or the card cannot be used, or if weights were trained
        on a subject they are to be judged on.
    """
    if len(weights) > 1 and (subjects or card is None):
        raise InputError(
            "several --weights are the folds of a cross-validation: give --card, and no --subject"
        )
    written_to = card or weights[0].with_suffix(".json")
    written = _read_card(written_to)
    console = Console()
    predictors = [load_predictor(path, config) for path in weights]
    cases = discover_cases(data, label)
    folds = [
        (predictor, _judged_on(predictor, path, subjects, cases, data))
        for predictor, path in zip(predictors, weights, strict=True)
    ]
    groups = _groups(data, group_by, [case for _, judged in folds for case in judged])
    found = calibrate(folds, groups=groups, finder=BrainFinder(), on_case=console.print)
    found["calibration"] |= {
        "group_by": group_by or "patient",
        "weights_sha256": [predictor.card.sha256 for predictor in predictors],
    }
    write_atomically(written_to, json.dumps({**written, **found}, indent=2) + "\n")
    point, misfit = found["operating_point"], found["reliability"]["expected_calibration_error"]
    console.print(
        f"Best on {len(found['validation'])} cases: --threshold {point['threshold']} "
        f"--minimum-volume-mm3 {point['minimum_volume_mm3']:g}; expected calibration error "
        f"{misfit:.3f}. Written: {written_to}",
        soft_wrap=True,
    )


def _judged_on(
    predictor: NetworkPredictor, weights: Path, subjects: list[str], cases: list[Case], data: Path
) -> list[Case]:
    """Return the cases of the named subjects, or of those the weights were validated on."""
    training = predictor.card.training
    chosen = {name.removeprefix("sub-") for name in subjects} or set(training.validated_on)
    if seen := sorted(chosen & set(training.subjects)):
        raise InputError(
            f"{weights}: was trained on {', '.join(seen)}; calibrate on other subjects"
        )
    if missing := sorted(chosen - {case.subject for case in cases}):
        raise InputError(f"{data}: there is no subject {', '.join(missing)}; check the name")
    return [case for case in cases if case.subject in chosen]


def _groups(data: Path, column: str | None, cases: list[Case]) -> dict[str, str]:
    """Return the value of a column of participants.tsv for each subject; nothing without one."""
    if column is None:
        return {}
    path = data / "participants.tsv"
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        values = dict(zip(table["participant_id"], table[column], strict=True))
    except KeyError as missing:
        raise InputError(
            f"{path}: there is no column {missing}, which --group-by {column} needs; add it"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: --group-by {column} reads it, cannot be read ({error}); correct it"
        ) from None
    found = {case.subject: values.get(f"sub-{case.subject}", "") for case in cases}
    if unknown := sorted(subject for subject, value in found.items() if not value):
        raise InputError(
            f"{path}: column {column} says nothing of {', '.join(unknown)}; fill it in"
        )
    return found


def _read_card(path: Path) -> dict[str, object]:
    try:
        card = parse_json(path.read_bytes(), allow_nan=True)
        if not isinstance(card, dict):
            raise ValueError("it is a list or a single value")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected the JSON of some weights, cannot be read ({error}); check the name"
        ) from None
    return card
