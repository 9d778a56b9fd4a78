"""From the words of ``fsh segment`` to cases."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from fsh_core.cases import CHANNELS, Case, discover_cases
from fsh_core.errors import InputError
from fsh_core.sample import sample_case


def choose_cases(
    inputs: Sequence[Path], sample: bool, brain_mask: Path | None, channels: Sequence[str]
) -> tuple[list[Case], list[str]]:
    """Turn the command's words into cases.

    Returns
    -------
    cases : list of Case
        What there is to segment.
    failures : list of str
        One sentence for each input that holds no case, where others do.

    Raises
    ------
    InputError
        If there is no case at all, two of one name, or options that do not fit together.
    """
    if sample and inputs:
        raise InputError("--sample stands alone; leave the other inputs away")
    if sample:
        return [sample_case()], []
    usable, failures = _usable(inputs)
    cases = discover_cases(
        usable or list(inputs), on_problem=lambda error: failures.append(str(error))
    )
    if not cases:
        raise InputError(failures[0])
    given = dict(_channel(words) for words in channels)
    if (brain_mask or given) and len(cases) != 1:
        raise InputError(
            f"--brain-mask and --channels belong to a single FLAIR, found {len(cases)}; "
            "name one file"
        )
    if brain_mask or given:
        case = cases[0]
        cases = [
            dataclasses.replace(
                case, channels=case.channels | given, brain=brain_mask or case.brain
            )
        ]
    return cases, failures


def _channel(words: str) -> tuple[str, Path]:
    """Read ``T1w=FILE``."""
    name, _, file = words.partition("=")
    if name not in CHANNELS[1:] or not file:
        raise InputError(
            f"--channels must be {' or '.join(f'{channel}=FILE' for channel in CHANNELS[1:])}, "
            f"got {words!r}"
        )
    return name, Path(file)


def _usable(inputs: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Split inputs into those that hold a case and sentences about those that do not."""
    usable: list[Path] = []
    failures: list[str] = []
    for path in inputs:
        try:
            discover_cases(path, on_problem=lambda error: None)  # said when all are looked for
        except InputError as error:
            failures.append(str(error))
        else:
            usable.append(path)
    return usable, failures
