"""``fsh calibrate``: validation patients, and what they say of some weights."""

import json
from pathlib import Path

from rich.console import Console

from fsh_core.cases import discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.inference.predict import BrainFinder, load_predictor
from fsh_core.training.calibrate import calibrate


def calibrate_command(
    data: Path, weights: Path, subjects: list[str], card: Path | None, label: str, config: SegmentConfig
) -> None:
    """Calibrate weights on some subjects, and write what was found into a card.

    Raises
    ------
    InputError
        If the data, the weights or the card cannot be used, or if the weights were trained
        on one of the subjects.
    """
    console = Console()
    predictor = load_predictor(weights, config)
    trained_on = set(predictor.card.get("training", {}).get("subjects", []))
    chosen = {name.removeprefix("sub-") for name in subjects}
    chosen = chosen or set(predictor.card.get("training", {}).get("validated_on", []))
    if chosen & trained_on:
        raise InputError(
            f"{weights}: was trained on {', '.join(sorted(chosen & trained_on))}; calibrate on other subjects"
        )
    cases = [case for case in discover_cases(data, label) if case.subject in chosen]
    missing = sorted(chosen - {case.subject for case in cases})
    if missing:
        raise InputError(f"{data}: there is no subject {', '.join(missing)}; check the name")
    found = calibrate(cases, predictor, finder=BrainFinder(), on_case=console.print)
    card = card or weights.with_suffix(".json")
    try:
        written = json.loads(card.read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{card}: expected the JSON of some weights, cannot be read ({error}); check the name"
        ) from None
    found["calibration"]["weights_sha256"] = predictor.card["sha256"]
    write_atomically(card, json.dumps({**written, **found}, indent=2) + "\n")
    point, misfit = found["operating_point"], found["reliability"]["expected_calibration_error"]
    console.print(
        f"Best on {len(cases)} cases: --threshold {point['threshold']} --minimum-volume-mm3 "
        f"{point['minimum_volume_mm3']:g}; expected calibration error {misfit:.3f}. Written: {card}",
        soft_wrap=True,
    )
