"""How far the review of a derivatives folder is: one row a case, without opening an image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fsh_core.derivatives import find_records, read_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import case_of_record
from fsh_core.review.events import CASE_STATUSES
from fsh_core.review.open import hides_others, read_ledger
from fsh_core.review.queue import Queue
from fsh_core.review.readers import exact_name, other_readers
from fsh_core.review.trial.assign import reading_order
from fsh_core.review.trial.file import read_trial
from fsh_core.review.trial.state import Trial


@dataclass(frozen=True)
class CaseState:
    """How far a reader is with a case.

    Attributes
    ----------
    case : str
        Its name.
    record : Path
        Its record.
    status : str
        One of `fsh_core.review.CASE_STATUSES`.
    decided, lesions : int
        Lesions that are accepted, rejected or unsure, and all that are there now; of
        those the queue names, where it names some.
    others : mapping of str to str
        What the other readers said of the case, by reader; in a trial nothing.
    wanted : tuple of int
        Lesions that the queue names, in its order; empty = all.
    reason : str
        Why the case is in the queue.
    problem : str
        One sentence why the case cannot be reviewed; empty if it can.
    is_final : bool
        Whether the case is completed with every lesion decided, those that the queue does not
        name too: before, a blinded reader sees nothing of the others.
    reading_time_s : float
        How long the reader looked at the case; see `fsh_core.review.reading_time`.
    """

    case: str
    record: Path
    status: str = CASE_STATUSES[0]
    decided: int = 0
    lesions: int = 0
    others: Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[int, ...] = ()
    reason: str = ""
    problem: str = ""
    is_final: bool = False
    reading_time_s: float = 0.0


def list_cases(root: Path, reader: str, queue: Queue | None = None) -> list[CaseState]:
    """List the cases of a derivatives folder, or those of a queue in its order.

    In a trial these are the cases that the reader was given, in the reader's own order, and for
    the adjudicator those whose readers differ. A case that cannot be used is listed with its
    ``problem``; the others are not affected.

    Parameters
    ----------
    root : Path
        The derivatives folder.
    reader : str
        Whose review.
    queue : Queue, optional
        Which cases, and which of their lesions.

    Raises
    ------
    InputError
        If the folder does not exist, or the reader's name cannot be used.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: no such folder; choose the folder that fsh segment or Save record wrote into"
        )
    trial = read_trial(root)
    if queue is not None:
        own = None if trial is None else trial.cases_of(exact_name(reader))
        return [
            case_state(root / item.record, reader, item.lesions, item.reason)
            for item in queue.items
            if own is None or item.case in own
        ]
    if trial is not None:
        return _given(root, trial, exact_name(reader))
    return [case_state(record, reader) for record in find_records(root)]


def _given(root: Path, trial: Trial, reader: str) -> list[CaseState]:
    """List what a reader of a trial has to read."""
    if reader not in (*trial.readers, trial.adjudicator):
        raise InputError(
            f"{root}: {reader} has no case in this trial; give the name as it was assigned in "
            "File > Preferences > F.sh"
        )
    records = {case_of_record(record): record for record in find_records(root)}
    wanted = {
        case: compared.lesions
        for case, compared in trial.comparisons.items()
        if reader == trial.adjudicator
    }
    return [
        case_state(
            records[case],
            reader,
            wanted.get(case, ()),
            "the readers differ" if case in wanted else "",
        )
        for case in reading_order(trial, reader)
        if case in records
    ]


def case_state(
    record: Path, reader: str, wanted: tuple[int, ...] = (), reason: str = ""
) -> CaseState:
    """Tell how far a reader is with one case; see `CaseState`."""
    name = case_of_record(record)
    try:
        stored = read_segmentation(record)
        state = read_ledger(stored, reader)
        names = [] if hides_others(stored) else other_readers(stored, reader)
        others = {other: read_ledger(stored, other).case_status for other in names}
    except InputError as error:
        return CaseState(name, record, wanted=wanted, reason=reason, problem=str(error))
    shown = [label for label in state.lesions if not wanted or label in wanted]
    decided = sum(state.status(label) != "unreviewed" for label in shown)
    return CaseState(
        name,
        record,
        state.case_status,
        decided,
        len(shown),
        others,
        wanted,
        reason,
        is_final=state.is_final,
        reading_time_s=state.reading_time.case_s,
    )
