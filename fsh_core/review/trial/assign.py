"""Dealing cases out to readers: balanced, and the same for the same seed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from fsh_core.errors import InputError
from fsh_core.review.readers import exact_name
from fsh_core.review.trial.events import Assign
from fsh_core.review.trial.state import Trial


def assign_cases(
    trial: Trial,
    subjects: Mapping[str, str],
    readers: Iterable[str],
    per_case: int,
    seed: int,
    adjudicator: str = "",
) -> Assign:
    """Deal out the cases that nobody has yet.

    All visits of a patient go to the same readers, since change can only be read in all of them.
    Patients are dealt out in an order that the seed draws, each to those who have the fewest, and
    among these to those who read least with each other: no reader has more than one patient more
    than another one, and every two readers share about as many.

    Parameters
    ----------
    trial : Trial
        What was dealt out before counts.
    subjects : mapping of str to str
        The patient of each case.
    readers : iterable of str
        Who reads.
    per_case : int
        How many of them read each case.
    seed : int
        Another seed, another order.
    adjudicator : str
        Who decides where they differ; empty = whoever it was, or nobody.

    Returns
    -------
    Assign
        What to add to the trial.

    Raises
    ------
    InputError
        If there are too few readers, one is named twice, the adjudicator reads too, or every case
        has its readers.
    """
    names = [exact_name(name) for name in readers]
    adjudicator = exact_name(adjudicator) if adjudicator else ""
    _check(trial, names, per_case, adjudicator)
    readers_of = {subjects[case]: own for case, own in trial.assigned.items() if case in subjects}
    new = [case for case in subjects if case not in trial.assigned]
    if not new:
        raise InputError(
            f"every one of the {len(subjects)} cases has its readers; fsh readers status lists them"
        )
    load = Counter(name for own in readers_of.values() for name in own)
    shared = Counter(pair for own in readers_of.values() for pair in _pairs(own))
    waiting = {subjects[case] for case in new} - readers_of.keys()
    for subject in sorted(waiting, key=lambda subject: _drawn(seed, subject)):
        own: list[str] = []
        while len(own) < per_case:
            left = (name for name in names if name not in own)
            own.append(min(left, key=lambda name: _rank(name, own, load, shared, seed, subject)))
        readers_of[subject] = tuple(own)
        load.update(own)
        shared.update(_pairs(own))
    return Assign(
        assigned={case: readers_of[subjects[case]] for case in new},
        adjudicator=adjudicator,
        seed=seed,
        per_case=per_case,
    )


def reading_order(trial: Trial, reader: str) -> list[str]:
    """List what a reader has to read, in an order that is drawn for each reader.

    So that what is read tired or unpractised is not the same for all.
    """
    seeds = [event.seed for event in trial.events if isinstance(event, Assign)]
    return sorted(trial.cases_of(reader), key=lambda case: _drawn(seeds[0], reader, case))


def _check(trial: Trial, names: Sequence[str], per_case: int, adjudicator: str) -> None:
    if len(set(names)) != len(names):
        raise InputError(f"--reader: every reader once, got {', '.join(names)}")
    if not 1 <= per_case <= len(names):
        raise InputError(
            f"--per-case: must be from 1 to the number of readers, which is {len(names)}, "
            f"got {per_case}"
        )
    before = trial.adjudicator
    if adjudicator and before and adjudicator != before:
        raise InputError(f"--adjudicator: it is {before} already, got {adjudicator}; leave it out")
    if (adjudicator or before) in {*names, *trial.readers} - {""}:
        raise InputError(
            f"--adjudicator: must be nobody who reads, got {adjudicator or before}; name another"
        )


def _rank(
    name: str,
    own: Sequence[str],
    load: Counter[str],
    shared: Counter[tuple[str, str]],
    seed: int,
    subject: str,
) -> tuple[int, int, str]:
    together = sum(shared[pair] for pair in _pairs((name, *own)))
    return load[name], together, _drawn(seed, subject, name)


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    return list(combinations(sorted(names), 2))


def _drawn(seed: int, *words: str) -> str:
    """Return a word to sort by: by chance, and the same on every machine and Python."""
    return hashlib.sha256("\0".join((str(seed), *words)).encode()).hexdigest()
