"""``fsh simulate --follow-up``: two visits of one patient with lesion changes that are known."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fsh_core.cases import Case, discover_cases
from fsh_core.cli.simulate import TRUTH, Source, check_output, simulate_each
from fsh_core.derivatives.layout import to_json
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.simulation.followup import FollowUp, TrueVisit, simulate_follow_up
from fsh_core.simulation.followup_config import NOTHING_CHANGES, FollowUpConfig, RescanConfig
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.truth import CHANGE_COLUMNS
from fsh_core.tables import TAB, format_table
from fsh_core.volume.volume import save_like

_SESSIONS = ("01", "02")
_COUNTS = {"unchanged": "stable"}  # a setting and the kind that it counts, where names differ
_KINDS = ("new", "enlarging", "shrinking", "resolved", "merged", "split", "unchanged")


def follow_up_command(
    inputs: Sequence[Path],
    out: Path,
    seed: int,
    remove: Path | None,
    stable: bool,
    options: Mapping[str, Any],
) -> list[str]:
    """Make two visits of each scan, with known changes, and write a BIDS dataset with sessions.

    Parameters
    ----------
    inputs : sequence of Path
        FLAIRs, folders, or a BIDS dataset; one scan of each patient.
    out : Path
        The dataset to write.
    seed : int
        Another seed, other changes.
    remove : Path or None
        Mask of lesions to remove first, for a single FLAIR.
    stable : bool
        Whether nothing changes, unless the options say so: what is planted stays.
    options : mapping
        What the user chose of `FollowUpConfig` and `RescanConfig`.

    Returns
    -------
    list of str
        One sentence for each case that failed.

    Raises
    ------
    InputError
        If the words make no sense together or the folder cannot be written.
    """
    counts = NOTHING_CHANGES if stable else {}
    config = FollowUpConfig.from_options(**counts | _those_of(FollowUpConfig, options))
    rescan = RescanConfig.from_options(**_those_of(RescanConfig, options))
    cases = discover_cases(list(inputs))
    _check_one_scan_each(cases)
    check_output(out, [_flair(out, case, session) for case in cases for session in _SESSIONS])
    bank = LesionShapeBank.load()

    def follow(source: Source, rng: np.random.Generator) -> str:
        made = simulate_follow_up(source.flair, source.brain, bank, rng, config, rescan, source.own)
        for session, visit in zip(_SESSIONS, (made.first, made.second), strict=True):
            _write_visit(out, source.case, session, visit)
        _write_changes(out, source.case, made, config, rescan, seed, remove)
        return _summary(made, config)

    return simulate_each(cases, out, seed, remove, follow)


def _those_of(
    config: type[FollowUpConfig] | type[RescanConfig], options: Mapping[str, Any]
) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in config.model_fields}


def _check_one_scan_each(cases: Sequence[Case]) -> None:
    """Refuse two scans of one patient, whose follow-ups would have the same names.

    Raises
    ------
    InputError
        If there are any.
    """
    for subject, scans in Counter(case.subject for case in cases).items():
        if scans > 1:
            raise InputError(
                f"--follow-up makes two visits of one scan, found {scans} scans of sub-{subject}; "
                "name one file of each patient"
            )


def _flair(out: Path, case: Case, session: str) -> Path:
    """Where a simulated visit lies."""
    return _in_session(out, case, session, "FLAIR.nii.gz")


def _in_session(folder: Path, case: Case, session: str, ending: str) -> Path:
    subject = f"sub-{case.subject}"
    name = f"{subject}_ses-{session}_{ending}"
    return folder / subject / f"ses-{session}" / "anat" / name


def _write_visit(out: Path, case: Case, session: str, visit: TrueVisit) -> None:
    """Write one visit and its truth."""
    save_like(visit.flair.data, visit.flair, _flair(out, case, session))
    truth = {
        "label-L_mask.nii.gz": visit.labels > 0,
        "label-L_dseg.nii.gz": visit.labels,
        "label-brain_mask.nii.gz": visit.brain,
    }
    for ending, data in truth.items():
        save_like(data, visit.flair, _in_session(out / TRUTH, case, session, ending))


def _write_changes(
    out: Path,
    case: Case,
    made: FollowUp,
    config: FollowUpConfig,
    rescan: RescanConfig,
    seed: int,
    remove: Path | None,
) -> None:
    """Write the table of changes, and beside it how they were made."""
    subject = f"sub-{case.subject}"
    stem = out / TRUTH / subject / f"{subject}_changes"
    write_atomically(stem.with_suffix(".tsv"), format_table(made.changes, TAB))
    record = {
        "Description": "Lesion changes between two simulated visits",
        "Columns": CHANGE_COLUMNS,
        "FirstToSecond": made.to_second.tolist(),
        "FirstToSecondIs": "world of ses-01 to world of ses-02, RAS+ mm, rigid",
        "Seed": seed,
        "Removed": remove.name if remove is not None else None,
        "Changes": config.model_dump(),
        "SecondScan": rescan.model_dump(),
    }
    write_atomically(stem.with_suffix(".json"), to_json(record))


def _summary(made: FollowUp, config: FollowUpConfig) -> str:
    """Say what was made, and what had no place."""
    planted = Counter(made.changes.loc[made.changes["planted"], "kind"])
    said, short = [], 0
    for name in _KINDS:
        placed, wanted = planted[_COUNTS.get(name, name)], getattr(config, name)
        short += wanted - placed
        if placed:
            said.append(f"{placed} {name}")
    own = Counter(made.changes.loc[~made.changes["planted"], "kind"])
    for kind, wanted in (("new", config.own_new), ("resolved", config.own_resolved)):
        short += wanted - own[kind]
        if own[kind]:
            said.append(f"{own[kind]} {kind} of its own")
    lacking = f" ({short} more wanted: there is no place for them)" if short else ""
    return (", ".join(said) or "no change") + lacking
