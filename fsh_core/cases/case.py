"""One case: one session of one subject."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from fsh_core.cases.names import identify, spelled_otherwise
from fsh_core.errors import InputError

_log = logging.getLogger(__name__)

CHANNELS = ("FLAIR", "T1w", "T2w")


@dataclass(frozen=True)
class Case:
    """One session of one subject.

    Attributes
    ----------
    subject : str
        Subject label without ``sub-``.
    session : str or None
        Session label without ``ses-``.
    channels : dict of str to Path
        Image files by channel: ``FLAIR`` always, ``T1w`` and ``T2w`` when found.
    reference : Path or None
        Reference lesion mask.
    brain : Path or None
        Brain mask.
    name_note : str or None
        Says so where the labels do not have the letters of the name that was found.
    """

    subject: str
    session: str | None
    channels: dict[str, Path] = field(hash=False)
    reference: Path | None = None
    brain: Path | None = None
    name_note: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """``sub-X`` or ``sub-X_ses-Y``: how files of this case begin."""
        return f"sub-{self.subject}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def flair(self) -> Path:
        """The FLAIR's file."""
        return self.channels["FLAIR"]

    @property
    def files(self) -> list[Path]:
        """Every file of the case: images and masks."""
        return list(self.named_files.values())

    @property
    def named_files(self) -> dict[str, Path]:
        """Every file of the case by what it is: a channel, ``reference`` or ``brain mask``."""
        masks = {"reference": self.reference, "brain mask": self.brain}
        return self.channels | {kind: mask for kind, mask in masks.items() if mask is not None}


OnProblem = Callable[[InputError], None]
"""Told of a case that cannot be used while others can; raising from it ends the search."""


def case_called(
    name: str,
    channels: dict[str, Path],
    reference: Path | None = None,
    brain: Path | None = None,
    *,
    found: Path | None = None,
) -> Case:
    """Make a case of files called ``name``; say once if its labels have other letters.

    Parameters
    ----------
    name : str
        As it was found, ``sub-X_ses-Y`` or any other.
    channels, reference, brain
        As of `Case`.
    found : Path, optional
        The file or folder that has the name; by default the FLAIR.

    Raises
    ------
    InputError
        If no label can be made of the name.
    """
    found = found or channels["FLAIR"]
    subject, session = identify(re.sub(r"(?<=.)_0000$", "", name), found)
    case = Case(subject, session, channels, reference, brain)
    if not spelled_otherwise(name):
        return case
    note = f"{name} is called {case.name}, as BIDS names hold only letters a-z, digits and +"
    _log.warning("%s: %s", found, note)
    return replace(case, name_note=note)
