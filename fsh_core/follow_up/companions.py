"""What else there is of a patient beside a FLAIR: other contrasts, and the visits before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from fsh_core.anatomy.visit_registration import register_visits
from fsh_core.cases import CHANNELS, Case, discover_cases
from fsh_core.errors import InputError
from fsh_core.follow_up.dates import date_of_scan, visit_order
from fsh_core.tracking.halfway import resample_by
from fsh_core.volume.volume import Volume, load_volume

_SAME_PLACE_MM = 1e-3
CONTRASTS = tuple(channel for channel in CHANNELS if channel != "FLAIR")


@dataclass(frozen=True)
class Companion:
    """A scan that belongs to a FLAIR.

    Attributes
    ----------
    name : str
        ``T1w``, ``T2w``, or ``FLAIR ses-Y`` of an earlier visit.
    path : Path
        Its file.
    is_visit : bool
        Whether it is of another visit, so that the patient lay otherwise in the scanner.
    """

    name: str
    path: Path
    is_visit: bool = False


@dataclass(frozen=True)
class Companions:
    """What was found beside a FLAIR, and what was not.

    Attributes
    ----------
    found : tuple of Companion
        T1w and T2w of the same session, then the earlier visits, the latest first.
    missing : tuple of str
        A sentence for each thing that was looked for in vain, or could not be used.
    """

    found: tuple[Companion, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PlacedCompanion:
    """A companion on the grid of its FLAIR.

    Attributes
    ----------
    companion : Companion
        What it is.
    volume : Volume
        (I, J, K) float32 on the FLAIR's grid; 0 where the companion has no voxel.
    placed : str
        How it came there: ``same grid``, ``registered``, or ``not registered``, where the
        scanner's coordinates alone say where it lies.
    """

    companion: Companion
    volume: Volume
    placed: str


def find_companions(flair: Path, subject: str, session: str | None) -> Companions:
    """Look beside a FLAIR for its T1w and T2w, and for FLAIRs of earlier visits.

    In a BIDS dataset that is the subject's folder, elsewhere the folder of the file; see
    `fsh_core.cases.discover_cases`. Earlier is by the dates of the dataset's tables
    (`fsh_core.follow_up.dates.date_of_scan`) where both visits have one, else by the names of the
    sessions.

    Parameters
    ----------
    flair : Path
        The file.
    subject, session : str, and str or None
        Labels of its case.
    """
    folder = _folder_of(flair)
    problems: list[str] = []
    cases: list[Case] = []
    try:
        cases = discover_cases(folder, on_problem=lambda problem: problems.append(str(problem)))
    except InputError as error:
        problems = [str(error)]
    of_patient = [case for case in cases if case.subject == subject]
    own = [case for case in of_patient if case.flair.resolve() == flair.resolve()]
    channels = own[0].channels if own else {}
    found = [Companion(name, channels[name]) for name in CONTRASTS if name in channels]
    absent = [name for name in CONTRASTS if name not in channels]
    visits = _earlier(flair, session, of_patient)
    if not visits:
        absent.append("earlier visit")
    # Problems of a folder that is not the patient's alone may be those of somebody else.
    missing = problems if folder.name.startswith("sub-") else []
    if absent:
        missing = [f"no {' and no '.join(absent)} in {folder}", *missing]
    return Companions((*found, *visits), tuple(missing))


def place_companion(companion: Companion, flair: Volume) -> PlacedCompanion:
    """Read a companion and bring it onto the grid of its FLAIR.

    An earlier visit is registered rigidly (`fsh_core.anatomy.visit_registration`). A contrast of
    the same session is taken to lie where its affine says: as it is where the grids are the same,
    else interpolated linearly, and not registered.

    Parameters
    ----------
    companion : Companion
        What is wanted.
    flair : Volume
        The FLAIR, (I, J, K) float32.

    Raises
    ------
    InputError
        If the file cannot be read, or a visit has nothing in common with the FLAIR.
    """
    volume = load_volume(companion.path)
    movement, placed = np.eye(4), "not registered"
    if companion.is_visit:
        try:
            movement, placed = register_visits(flair, volume), "registered"
        except InputError as error:
            raise InputError(f"{companion.path}: {error}") from None
    elif volume.shape == flair.shape and np.allclose(
        volume.affine, flair.affine, atol=_SAME_PLACE_MM
    ):
        return PlacedCompanion(companion, volume, "same grid")
    moved = flair.with_data(resample_by(volume, flair, movement))
    if not moved.data.any():
        raise InputError(
            f"{companion.path}: lies nowhere in the FLAIR, expected a scan of the same head; "
            "check the affine of both files"
        )
    return PlacedCompanion(companion, moved, placed)


def _folder_of(flair: Path) -> Path:
    """Return the subject's folder of a BIDS dataset, else the folder of the file."""
    above = flair.absolute().parents
    if above[0].name == "anat":
        for folder in above[1:3]:
            if folder.name.startswith("sub-"):
                return folder
    return above[0]


def _earlier(flair: Path, session: str | None, cases: Sequence[Case]) -> list[Companion]:
    """List the FLAIRs of visits before a session, the latest first."""
    if session is None:
        return []
    visits = {case.session: case.flair for case in cases if case.session is not None}
    visits[session] = flair
    dates = {name: date_of_scan(path) for name, path in visits.items()}
    if None in dates.values():
        order = sorted(visits, key=visit_order)
    else:
        order = sorted(visits, key=lambda name: dates[name] or datetime.min)
    return [
        Companion(f"FLAIR ses-{name}", visits[name], is_visit=True)
        for name in reversed(order[: order.index(session)])
    ]
