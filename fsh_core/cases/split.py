"""Training and validation split by subject, stored and reproducible."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.strict_json import first_problem


class OfSubject(Protocol):
    """A case of some subject."""

    @property
    def subject(self) -> str:
        """Subject label without ``sub-``."""


class Split(BaseModel):
    """Which subjects train and which validate. Stored in the run folder.

    Attributes
    ----------
    training : tuple of str
        Subject labels, sorted.
    validation : tuple of str
        Subject labels, sorted.
    lesion_free : tuple of str
        Subjects that train as bodies without lesions, sorted.
    learned_before : tuple of str
        Subjects that the weights learned from with which the training begins, sorted; there need be
        no case of theirs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: tuple[str, ...]
    validation: tuple[str, ...]
    lesion_free: tuple[str, ...] = ()
    learned_before: tuple[str, ...] = ()

    @property
    def learned(self) -> tuple[str, ...]:
        """Everybody whom the weights learn from, sorted."""
        return tuple(sorted({*self.training, *self.lesion_free, *self.learned_before}))

    @property
    def subjects(self) -> set[str]:
        """Everybody."""
        return {*self.training, *self.validation, *self.lesion_free}

    def save(self, path: str | Path) -> None:
        """Write as JSON, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> "Split":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file cannot be read or is not a split.
        """
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror or error}); check the name"
            ) from None
        except ValidationError as error:
            raise InputError(
                f"{path}: expected a split with the lists training and validation, "
                f"found something else ({first_problem(error)}); make a new one"
            ) from None


def split_by_subject(cases: Sequence[OfSubject], validation_fraction: float, seed: int) -> Split:
    """Divide subjects into training and validation; all sessions of one stay together.

    Subjects are ranked by a hash of seed and label, so the same seed gives the same
    split on every machine and numpy version, and in any order of the cases.

    Parameters
    ----------
    cases : sequence of OfSubject
        All cases.
    validation_fraction : float in [0, 1)
        Share of subjects for validation: rounded, but at least one (and one left for
        training) when it is above 0 and there are two subjects or more.
    seed : int
        Another seed, another split.

    Raises
    ------
    InputError
        If there is no case or the fraction is out of range.
    """
    if not 0 <= validation_fraction < 1:
        raise InputError(
            f"--validation-fraction: must be at least 0 and below 1, got {validation_fraction:g}"
        )
    subjects = sorted({case.subject for case in cases})
    if not subjects:
        raise InputError("a split needs at least one case, found none; name a folder with scans")
    ranked = sorted(
        subjects, key=lambda subject: hashlib.sha256(f"{seed}:{subject}".encode()).digest()
    )
    count = 0
    if validation_fraction > 0 and len(subjects) > 1:
        count = min(max(1, round(validation_fraction * len(subjects))), len(subjects) - 1)
    return Split(training=tuple(sorted(ranked[count:])), validation=tuple(sorted(ranked[:count])))


def check_no_leak(split: Split, cases: Sequence[OfSubject] = ()) -> None:
    """Check that every subject is on exactly one side of a split.

    Parameters
    ----------
    split : Split
        The split.
    cases : sequence of OfSubject
        The cases it must cover.

    Raises
    ------
    InputError
        If a subject is on both sides, or a case's subject is on neither.
    """
    sides = Counter([*set(split.training), *set(split.validation), *set(split.lesion_free)])
    both = sorted(subject for subject, count in sides.items() if count > 1)
    if both:
        raise InputError(
            f"the split leaks: {', '.join(both)} must be in training or validation, found in both; "
            "make a new split"
        )
    seen = sorted({*split.validation} & {*split.learned_before})
    if seen:
        raise InputError(
            f"the split leaks: {', '.join(seen)} would be validated on, but the weights to start "
            "from learned from them; validate on other subjects, or exclude them"
        )
    neither = sorted({case.subject for case in cases} - split.subjects)
    if neither:
        raise InputError(
            f"the split is incomplete: {', '.join(neither)} must be in training or validation, "
            "found in neither; make a new split"
        )
