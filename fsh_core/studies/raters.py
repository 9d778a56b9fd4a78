"""Masks of the same case by several raters, or of several scans of a patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fsh_core.cases.names import identify, stem_of
from fsh_core.errors import InputError
from fsh_core.studies.mask_files import Failure, group_masks, why_not_one

_FEWEST_RATERS = 2


@dataclass(frozen=True)
class RatedCase:
    """The masks of one case.

    Attributes
    ----------
    name : str
        What the case is called in tables.
    masks : tuple of Path
        One per rater, in the order of the raters.
    """

    name: str
    masks: tuple[Path, ...]


class Ratings(NamedTuple):
    """The masks of an agreement study.

    Attributes
    ----------
    raters : tuple of str
        What each rater, or scan, is called.
    cases : list of RatedCase
        In the order of their names.
    failures : list of (name, sentence)
        Cases that not every rater has, or of which one has several masks.
    """

    raters: tuple[str, ...]
    cases: list[RatedCase]
    failures: list[Failure]


def match_raters(paths: Sequence[str | Path]) -> Ratings:
    """Find the masks of every case that each rater has.

    Parameters
    ----------
    paths : sequence of path
        One per rater: mask files of one case, or folders with one mask per case, found
        and named as `fsh_core.studies.mask_files.group_masks` says.

    Returns
    -------
    Ratings
        Raters are called by their file or folder, with as much of the path as keeps them
        apart.

    Raises
    ------
    InputError
        If there are fewer than two raters, if one is named twice or does not exist, if
        files and folders are mixed, if a folder holds no mask, or if no case has a mask
        of every rater.
    """
    given = [Path(path) for path in paths]
    folders = _check(given)
    raters = distinct_names(given)
    if not folders:
        return Ratings(raters, [RatedCase(_shared_name(given), tuple(given))], [])
    grouped = group_masks(given)
    cases, failures = [], []
    for name in sorted(set().union(*grouped)):
        problems = [
            why_not_one(name, masks.get(name, []), folder, "mask")
            for masks, folder in zip(grouped, given, strict=True)
        ]
        problem = next(filter(None, problems), "")
        if problem:
            failures.append((name, problem))
        else:
            cases.append(RatedCase(name, tuple(masks[name][0] for masks in grouped)))
    if not cases:
        raise InputError(
            f"{', '.join(map(str, given))}: no case has one mask in each of these folders (found "
            f"for example {' and '.join(min(masks) for masks in grouped[:2])}); give the masks of "
            "a case the same subject and session, or the same file name"
        )
    return Ratings(raters, cases, failures)


def match_sessions(folder: str | Path) -> Ratings:
    """Sessions of every subject in one folder: repeated scans, in the order of their labels.

    Parameters
    ----------
    folder : path
        BIDS-like, with ``sub-X_ses-Y..._label-L..._mask.nii.gz`` at any depth.

    Returns
    -------
    Ratings
        Cases are subjects; the raters are ``scan 1``, ``scan 2`` and so on, as many as
        most subjects have (the smaller number where two are equally common, but at least
        two). A subject with another number of sessions is a failure.

    Raises
    ------
    InputError
        If the folder does not exist, or no subject has two sessions.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder}: expected a folder with masks of several sessions; check the name"
        )
    subjects: dict[str, list[Path]] = {}
    failures: list[Failure] = []
    for name, files in sorted(group_masks([folder])[0].items()):
        problem = why_not_one(name, files, folder, "mask")
        if problem:
            failures.append((name, problem))
            continue
        subjects.setdefault(f"sub-{identify(name, files[0])[0]}", []).append(files[0])
    counts = sorted(len(files) for files in subjects.values() if len(files) > 1)
    if not counts:
        raise InputError(
            f"{folder}: expected masks of two or more sessions of a subject "
            "(sub-X_ses-Y_label-L_mask.nii.gz), found at most one; name a folder for each "
            "repetition instead"
        )
    scans = max(counts, key=counts.count)
    cases = []
    for subject, files in subjects.items():
        if len(files) == scans:
            cases.append(RatedCase(subject, tuple(files)))
        else:
            failures.append(
                (subject, f"{subject}: must have {scans} sessions as the others, has {len(files)}")
            )
    return Ratings(
        tuple(f"scan {number}" for number in range(1, scans + 1)), cases, sorted(failures)
    )


def distinct_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Name paths by as much of their end as keeps them apart, without what they all end in.

    ``a/scan.nii.gz`` and ``b/scan.nii.gz`` are ``a`` and ``b``.

    Raises
    ------
    ValueError
        If two paths are the same.
    """
    parts = [(*path.resolve().parts[:-1], stem_of(path.resolve())) for path in paths]
    while len(parts) > 1 and len({part[-1:] for part in parts}) == 1 and parts[0]:
        parts = [part[:-1] for part in parts]
    for depth in range(1, max(map(len, parts)) + 1):
        names = tuple("/".join(part[-depth:]) for part in parts)
        if len(set(names)) == len(names):
            return names
    raise ValueError("paths must differ, found one twice")


def _check(paths: Sequence[Path]) -> bool:
    """Tell folders from files, refusing what cannot be a study."""
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
    if len(paths) < _FEWEST_RATERS:
        found = f"only {paths[0]}" if paths else "none"
        raise InputError(
            f"agreement needs the masks of at least two raters, found {found}; name another mask "
            "of the case, or a folder for each rater"
        )
    resolved = [path.resolve() for path in paths]
    twice = next((path for path in resolved if resolved.count(path) > 1), None)
    if twice is not None:
        raise InputError(
            f"{twice}: is named twice, and would agree with itself; name each rater once"
        )
    folders = [path.is_dir() for path in paths]
    if any(folders) and not all(folders):
        raise InputError(
            "raters must be all files or all folders, found the file "
            f"{paths[folders.index(False)]} and the folder {paths[folders.index(True)]}; name the "
            "file inside it"
        )
    return all(folders)


def _shared_name(paths: Sequence[Path]) -> str:
    """What the names of the files have in common at the start, or ``case``."""
    stems = [stem_of(path) for path in paths]
    shared = 0
    while all(len(stem) > shared and stem[shared] == stems[0][shared] for stem in stems):
        shared += 1
    name = stems[0][:shared]
    whole = shared == len(stems[0]) == max(map(len, stems))
    return (name if whole else name.rpartition("_")[0]) or "case"
