"""Where the scan and the reference mask of a record lie, and whether they may be opened.

A file in the opened folder, or in a folder of images, may be opened. Any other one only if it is
exactly the file that the record speaks of: a NIfTI whose SHA-256 is the recorded one. A record
that somebody made up can thus show nothing whose content its author did not know already.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fsh_core.cases import Case, discover_cases
from fsh_core.cases.names import is_nifti_name
from fsh_core.derivatives import places_of
from fsh_core.errors import InputError
from fsh_core.files import sha256_of
from fsh_core.record import InputFile, Record
from fsh_dashboard.data.folder import Opened

NAME_THE_SCANS = (
    "open the folder that holds both, or name the scans: fsh dashboard FOLDER --images SCANS"
)
NOT_THERE = "is not there"


class Source(NamedTuple):
    """The files that a case was made from, resolved; each may be opened.

    Attributes
    ----------
    flair : Path
        The FLAIR.
    reference : Path or None
        The reference lesion mask, where there is one.
    problems : tuple of str
        One sentence for every file that is another one than when the case was segmented.
    """

    flair: Path
    reference: Path | None
    problems: tuple[str, ...] = ()


def find_source(
    opened: Opened, results: str, record: Record, known: Mapping[str, Case] | None = None
) -> Source:
    """Find the scan and the reference mask of a record among what may be opened.

    The recorded paths are tried first; a relative one against the folder of the run, the working
    directory, the opened folder and every place where a data set may lie. Then, for a file of
    the recorded content, the places of `fsh_core.derivatives.places_of`. Then every data set in
    these places that has a case of that name.

    Parameters
    ----------
    opened : Opened
        The opened folder.
    results : str
        The derivatives folder, relative to it.
    record : Record
        Of the case.
    known : mapping of str to Case or None
        From `known_cases`; None looks for them when they are needed.

    Raises
    ------
    InputError
        If the FLAIR is not there or may not be opened; the sentence names the recorded path.
    """
    reasons: list[str] = []
    flair = _recorded(opened, results, record, record.flair, reasons)
    given = record.reference
    reference = _recorded(opened, results, record, given, []) if given is not None else None
    if flair is None or reference is None:
        cases = known_cases(opened, results) if known is None else known
        case = cases.get(record.case)
        if flair is None and case is not None:
            flair = _allowed(opened, case.flair, record.flair.sha256, reasons)
        if reference is None and case is not None and case.reference is not None:
            reference = _allowed(opened, case.reference, given.sha256 if given else "", [])
    if flair is None:
        # That a file is there but may not be opened says more than that there is none elsewhere.
        why = next((reason for reason in reasons if reason != NOT_THERE), NOT_THERE)
        raise InputError(
            f"{record.case}: its FLAIR {record.flair.path:.200} {why}; {NAME_THE_SCANS}"
        )
    problems = []
    if not _is_the_recorded(flair, record.flair.sha256):
        problems.append(
            f"{flair.name} is not the file that was segmented: its SHA-256 differs from the "
            "record's"
        )
    if reference is not None and given and not _is_the_recorded(reference, given.sha256):
        problems.append(
            f"{reference.name} is not the reference that the Dice was measured with: its SHA-256 "
            "differs from the record's"
        )
    return Source(flair, reference, tuple(problems))


def known_cases(opened: Opened, results: str) -> dict[str, Case]:
    """Find every case of the data sets among what may be opened, by name."""
    return {case.name: case for place in _places(opened, results) for case in _cases(place)}


def _recorded(
    opened: Opened, results: str, record: Record, file: InputFile, reasons: list[str]
) -> Path | None:
    """Return the file that a record names, if it may be opened; else the reasons grow by why not.

    Where a relative path leads to several files, the one with the recorded content is meant. One
    that only lies likely is taken for its content alone.
    """
    allowed: list[Path] = []
    named = [place / file.path for place in (opened.root, *_places(opened, results))]
    for path in (record.path_of(file), Path.cwd() / file.path, *named):
        found = _allowed(opened, path, file.sha256, reasons)
        if found is not None and found not in allowed:
            allowed.append(found)
    likely = places_of(record, file, opened.root / results / record.record_file)
    same = (
        found
        for path in (*allowed, *likely)
        if (found := _allowed(opened, path, file.sha256, []))
        and _is_the_recorded(found, file.sha256)
    )
    return next(same, next(iter(allowed), None))


def _allowed(opened: Opened, path: Path, sha256: str, reasons: list[str]) -> Path | None:
    """Resolve a path if its file may be opened; else the reasons grow by why not."""
    try:
        found = path.resolve()
        if not found.is_file():
            reasons.append(NOT_THERE)
            return None
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
        reasons.append(f"cannot be followed ({error})")
        return None
    if opened.holds(found):
        return found
    # Names are looked at before content: no other kind of file is ever read.
    if not (is_nifti_name(path) and is_nifti_name(found)):
        reasons.append("lies outside the opened folder and is no NIfTI file")
    elif not _is_the_recorded(found, sha256):
        reasons.append("lies outside the opened folder and is not the file that was segmented")
    else:
        return found
    return None


def _is_the_recorded(path: Path, sha256: str) -> bool:
    try:
        stat = path.stat()
        return _hash_of(path, stat.st_size, stat.st_mtime_ns) == sha256
    except OSError:  # gone meanwhile, or not ours to read
        return False


@lru_cache(maxsize=4096)
def _hash_of(path: Path, size_bytes: int, modified_ns: int) -> str:
    return sha256_of(path)


def _places(opened: Opened, results: str) -> Iterator[Path]:
    """Where data sets may lie: above the results, and in the folders of images."""
    folder = opened.root / results
    if folder != opened.root:
        for place in folder.parents:
            yield place
            if place == opened.root:
                break
    yield from opened.images


def _cases(place: Path) -> list[Case]:
    try:
        return discover_cases(place)
    except InputError:  # no data set, or one that is not unique: other places may have the case
        return []
