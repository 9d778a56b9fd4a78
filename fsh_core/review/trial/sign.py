"""Signing readings, locking cases, and opening either again."""

from collections.abc import Iterable
from pathlib import Path

from fsh_core.derivatives import StoredSegmentation
from fsh_core.errors import InputError
from fsh_core.file_names import READERS_FILE
from fsh_core.review.open import read_journal, read_ledger
from fsh_core.review.readers import exact_name
from fsh_core.review.state import ReviewState
from fsh_core.review.trial.events import Lock, Sign, Unlock
from fsh_core.review.trial.file import change_trial, read_trial
from fsh_core.review.trial.state import Trial


def root_of(stored: StoredSegmentation) -> Path:
    """Return the derivatives folder of a case."""
    return stored.record.folder(stored.paths["record"])


def trial_of(root: Path) -> Trial:
    """Read the trial of a derivatives folder.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    trial = read_trial(root)
    if trial is None:
        raise InputError(
            f"{root / READERS_FILE}: not there, so that nobody has a case here; "
            "begin with fsh readers assign"
        )
    return trial


def sign_readings(cases: Iterable[StoredSegmentation], reader: str) -> list[str]:
    """Sign a reader's readings of cases of one folder; they are closed from then on.

    Parameters
    ----------
    cases : iterable of StoredSegmentation
        What is signed; all of them, or none if one cannot be.
    reader : str
        Who read.

    Returns
    -------
    list of str
        The names of the cases.

    Raises
    ------
    InputError
        If a case is closed, not this reader's, or not completed with every lesion decided.
    """
    reader = exact_name(reader)
    chosen = list(cases)
    if not chosen:
        return []
    root = root_of(chosen[0])
    trial_of(root)

    def sign(_: Trial) -> list[Sign]:
        return [_signature(stored, reader) for stored in chosen]

    change_trial(root, sign)
    return [stored.record.case for stored in chosen]


def check_may_sign(stored: StoredSegmentation, state: ReviewState, reader: str) -> None:
    """Refuse to sign what is closed, or not completed with every lesion decided.

    Raises
    ------
    InputError
        If it cannot be signed.
    """
    case = stored.record.case
    if why := trial_of(root_of(stored)).why_closed(case, reader):
        raise InputError(why)
    if not state.is_final:
        left = len(state.lesions) - state.decided
        raise InputError(
            f"{case}: {reader} must complete it with every lesion decided before signing "
            f"({left} undecided, {state.case_status}); go on in Plugins > F.sh > Review"
        )


def _signature(stored: StoredSegmentation, reader: str) -> Sign:
    case = stored.record.case
    check_may_sign(stored, read_ledger(stored, reader), reader)
    journal = read_journal(stored, reader)
    return Sign(
        case=case,
        reader=reader,
        journal_sha256=journal.sha256(),
        labels_sha256=journal.about["labels_sha256"],
    )


def lock_cases(root: Path, cases: Iterable[str]) -> list[str]:
    """Close cases for everyone.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    cases : iterable of str
        Their names; none = every case that has a final reading and is not locked.

    Returns
    -------
    list of str
        What was locked.

    Raises
    ------
    InputError
        If a case is unknown, locked already, or has no final reading yet.
    """
    trial_of(root)
    chosen = list(cases)
    locked: list[str] = []

    def lock(trial: Trial) -> list[Lock]:
        ready = [case for case in trial.assigned if trial.final_reader(case)]
        locked.extend(chosen or [case for case in ready if case not in trial.locks])
        for case in locked:
            _check_known(trial, case)
            if case in trial.locks:
                raise InputError(trial.why_closed(case, ""))
            if case not in ready:
                raise InputError(
                    f"{case}: has no final reading yet, it is {trial.stage(case)}; "
                    "fsh readers status says what is missing"
                )
        return [Lock(case=case) for case in locked]

    change_trial(root, lock)
    return locked


def unlock(root: Path, case: str, reason: str, reader: str = "") -> None:
    """Open a case, or a signed reading of it, again; the reason is kept.

    A reading that is opened takes with it what was made of it: the comparison of the case, and
    the signature of the adjudicator.

    Raises
    ------
    InputError
        If there is nothing to open, no reason is given, or the reading is of a locked case.
    """
    trial_of(root)
    reason = " ".join(reason.split())
    reader = exact_name(reader) if reader else ""
    if not reason:
        raise InputError("--reason: must say why, got nothing; it is kept")

    def open_again(trial: Trial) -> list[Unlock]:
        _check_known(trial, case)
        if reader and case in trial.locks:
            raise InputError(trial.why_closed(case, reader))
        if reader and (case, reader) not in trial.signatures:
            raise InputError(f"{case}: is not signed by {reader}, so that it is open already")
        if not reader and case not in trial.locks:
            raise InputError(
                f"{case}: is not locked; name the --reader whose signed reading is to be opened"
            )
        return [Unlock(case=case, reader=reader, reason=reason)]

    change_trial(root, open_again)


def _check_known(trial: Trial, case: str) -> None:
    if case not in trial.assigned:
        raise InputError(f"{case}: is assigned to nobody; fsh readers status lists the cases")
