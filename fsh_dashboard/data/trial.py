"""A reading trial as tables: who has what, how far it is, what differs, what happened."""

from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.errors import InputError
from fsh_core.file_names import READERS_FILE
from fsh_core.review.events import CASE_STATUSES, COMPLETED, STATUSES
from fsh_core.review.trial.events import Compare, Event
from fsh_core.review.trial.file import read_trial
from fsh_core.review.trial.state import Trial
from fsh_dashboard.data.folder import Opened

READERS = ["reader", "role", "cases", "started", "completed", "signed", "minutes", "median_minutes"]
CASES = ["case", "readers", "signed_by", "stage", "differing", "final_reader", "locked"]
DIFFERENCES = ["case", "lesion", "difference", "decision"]
EVENTS = ["time", "act", "case", "reader", "what", "by", "version"]
READER, ADJUDICATOR = "reader", "adjudicator"
_SECONDS = 60  # in a minute


def trial_in(opened: Opened, folder: Path) -> Trial | None:
    """Read the trial of a derivatives folder; None where there is none.

    Raises
    ------
    InputError
        If it leads out of the opened folder, or cannot be read.
    """
    opened.inside(folder / READERS_FILE)
    return read_trial(folder)


def cases_shown(opened: Opened, folder: Path) -> set[str] | None:
    """Return the cases that who reads the pages may see; None = all.

    Raises
    ------
    InputError
        If the trial cannot be read, or the reader has no part in it.
    """
    trial = trial_in(opened, folder) if opened.reader else None
    if trial is None:
        return None
    if opened.reader not in (*trial.readers, trial.adjudicator):
        raise InputError(
            f"{READERS_FILE}: {opened.reader} has no case in this trial; start with "
            "fsh dashboard --reader and the name as it was assigned"
        )
    return set(trial.cases_of(opened.reader))


def reader_rows(trial: Trial, progress: pd.DataFrame, only: str = "") -> pd.DataFrame:
    """Say how far every reader is.

    Parameters
    ----------
    trial : Trial
        The trial.
    progress : DataFrame
        From `fsh_dashboard.data.reviews.Reviews`.
    only : str
        The one reader to tell of; empty = all.

    Returns
    -------
    DataFrame
        Columns `READERS`; minutes are those of the journals, without breaks, and their median that
        of completed cases.
    """
    names = [*trial.readers, *([trial.adjudicator] if trial.adjudicator else [])]
    rows: list[dict[str, Any]] = []
    for name in names:
        if only not in ("", name):
            continue
        given = trial.cases_of(name)
        own = progress[(progress["reader"] == name) & progress["case"].isin(given)]
        is_done = own["status"] == COMPLETED
        minutes = own["reading_time_s"].astype(float) / _SECONDS
        rows.append(
            {
                "reader": name,
                "role": ADJUDICATOR if name == trial.adjudicator else READER,
                "cases": len(given),
                "started": len(own),
                "completed": int(is_done.sum()),
                "signed": sum((case, name) in trial.signatures for case in given),
                "minutes": round(float(minutes.sum()), 1),
                "median_minutes": round(float(minutes[is_done].median()), 1),
            }
        )
    return pd.DataFrame(rows, columns=READERS)


def own_cases(trial: Trial, progress: pd.DataFrame, reader: str) -> pd.DataFrame:
    """List the cases of one reader: ``case``, ``status`` and when it was ``signed``."""
    said = dict(zip(progress["case"], progress["status"], strict=True))
    rows = []
    for case in sorted(trial.cases_of(reader)):
        signature = trial.signatures.get((case, reader))
        status = said.get(case, CASE_STATUSES[0])
        rows.append((case, status, signature.time if signature else ""))
    return pd.DataFrame(rows, columns=["case", "status", "signed"])


def case_rows(trial: Trial) -> pd.DataFrame:
    """Say how far every case is; columns `CASES`."""
    rows = []
    for case, readers in trial.assigned.items():
        compared = trial.comparisons.get(case)
        lock = trial.locks.get(case)
        signed = [name for name in readers if (case, name) in trial.signatures]
        rows.append(
            {
                "case": case,
                "readers": ", ".join(readers),
                "signed_by": ", ".join(signed),
                "stage": trial.stage(case),
                "differing": len(compared.lesions) if compared else None,
                "final_reader": trial.final_reader(case),
                "locked": lock.time if lock else "",
            }
        )
    return pd.DataFrame(rows, columns=CASES)


def differences(trial: Trial, decisions: pd.DataFrame) -> pd.DataFrame:
    """List the lesions that the adjudicator decides about, and what was decided.

    Lesions that a reader added have no decision here: they are none of the segmentation.

    Returns
    -------
    DataFrame
        Columns `DIFFERENCES`.
    """
    own = decisions[decisions["reader"] == trial.adjudicator]
    said = dict(zip(zip(own["case"], own["label"], strict=True), own["status"], strict=True))
    rows = [
        (case, lesion, words, "" if words == _ADDED else said.get((case, lesion), STATUSES[0]))
        for case, compared in trial.comparisons.items()
        for words, lesions in _kinds(compared)
        for lesion in lesions
    ]
    return pd.DataFrame(rows, columns=DIFFERENCES)


_ADDED = "added by a reader"


def _kinds(compared: Compare) -> list[tuple[str, tuple[int, ...]]]:
    return [
        ("decided differently", compared.decided),
        ("drawn differently", compared.drawn),
        (_ADDED, compared.added),
    ]


def of_pairs(trial: Trial, decisions: pd.DataFrame) -> pd.DataFrame:
    """Keep the decisions of those who were given a case; the adjudicator's are left out."""
    given = {(case, name) for case, names in trial.assigned.items() for name in names}
    pairs = zip(decisions["case"], decisions["reader"], strict=True)
    # By `loc`: of a frame without rows, an empty list would choose no column.
    return decisions.loc[[pair in given for pair in pairs]]


def reading_minutes(trial: Trial, progress: pd.DataFrame) -> pd.DataFrame:
    """Return how long each completed reading took: ``case``, ``reader``, ``minutes``."""
    given = {(case, name) for name in _everyone(trial) for case in trial.cases_of(name)}
    readings = zip(progress["case"], progress["reader"], progress["status"], strict=True)
    is_done = [(case, name) in given and said == COMPLETED for case, name, said in readings]
    done = progress.loc[is_done]
    minutes = done["reading_time_s"].astype(float) / _SECONDS
    return done[["case", "reader"]].assign(minutes=minutes).reset_index(drop=True)


def _everyone(trial: Trial) -> list[str]:
    return [*trial.readers, *([trial.adjudicator] if trial.adjudicator else [])]


def event_rows(trial: Trial) -> pd.DataFrame:
    """List what happened in the trial; columns `EVENTS`."""
    rows = [
        {
            "time": event.time,
            "act": event.act,
            "case": getattr(event, "case", ""),
            "reader": getattr(event, "reader", ""),
            "what": _what(event),
            "by": event.by,
            "version": event.version,
        }
        for event in trial.events
    ]
    return pd.DataFrame(rows, columns=EVENTS)


def _what(event: Event) -> str:
    match event.act:
        case "assign":
            names = sorted({name for names in event.assigned.values() for name in names})
            return f"{len(event.assigned)} cases to {', '.join(names)}, seed {event.seed}"
        case "compare":
            return f"{len(event.lesions)} lesions differ"
        case "sign":
            return f"journal {event.journal_sha256[:12]}…"
        case "unlock":
            return event.reason
        case _:
            return ""
