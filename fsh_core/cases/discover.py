"""Finding cases: BIDS datasets, nnU-Net raw folders, plain folders, single files."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from fsh_core.cases.case import CHANNELS, Case, OnProblem, case_called
from fsh_core.cases.names import (
    entries_of,
    is_in_another_space,
    is_mask,
    niftis_in,
    stem_of,
    with_ending,
    without_channel,
)
from fsh_core.cases.nnunet import nnunet_cases
from fsh_core.cases.raw import holds_predictions, is_own_output
from fsh_core.cases.selection import Selection
from fsh_core.errors import InputError

_log = logging.getLogger(__name__)


def _refuse(problem: InputError) -> None:
    raise problem


def discover_cases(
    source: str | Path | Sequence[str | Path],
    label: str = "L",
    on_problem: OnProblem = _refuse,
    selection: Selection | None = None,
) -> list[Case]:
    """Find the cases in a dataset, a folder or a file.

    Parameters
    ----------
    source : path or sequence of paths
        Each is one of:

        - a BIDS dataset, or one ``sub-*`` folder of it: ``sub-X[/ses-Y]/anat`` with one
          ``_FLAIR`` and, optionally, ``_T1w`` and ``_T2w``; masks are looked up in every
          folder of ``derivatives``, ``manual`` first, F.sh's own output never;
        - an nnU-Net raw folder: ``imagesTr``, ``labelsTr``, and the channel order of
          ``dataset.json`` (without it, ``_0000`` is the FLAIR);
        - a plain folder: every NIfTI directly in it is a FLAIR, except what is called a
          mask, ``_T1w`` or ``_T2w``; sub-folders are not searched;
        - a file, whatever it is called.
    label : str
        BIDS label of the reference mask: ``*_label-{label}_mask.nii.gz``. A mask in another
        space (``space-MNI…``) is no reference.
    on_problem : callable
        Called with the error of each case that cannot be used (two FLAIRs, no FLAIR, a name
        that is taken), which is then left out; by default the error is raised.
    selection : Selection, optional
        What is wanted of a BIDS dataset; by default everything.

    Returns
    -------
    list of Case
        Sorted by subject, then session. A file without ``sub-`` in its name is a
        subject of its own, called by the letters and digits of the name, see
        `fsh_core.cases.names.identify`. Where several
        optional images or masks fit, the one with the shortest list of entities is taken.

    Raises
    ------
    InputError
        If a path is missing or unreadable, holds no scan, or if two files claim to be
        the FLAIR of one case.
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
    if not sources:
        raise InputError("no input was given; name a NIfTI file, a folder or a BIDS dataset")
    cases = [case for one in sources for case in _discover(Path(one), label, on_problem, selection)]
    named: dict[str, list[Case]] = {}
    for case in cases:
        named.setdefault(case.name, []).append(case)
    problem: InputError | None = None
    for name, same in named.items():
        if len(same) > 1:  # which of them is meant cannot be known: neither is taken
            problem = InputError(
                f"{same[1].flair}: is called {name}, and so is {same[0].flair}; "
                "rename one or give only one of them"
            )
            on_problem(problem)
    unique = [same[0] for same in named.values() if len(same) == 1]
    if problem is not None and not unique:
        raise problem
    return sorted(unique, key=lambda case: (case.subject, case.session or ""))


def _discover(
    path: Path, label: str, on_problem: OnProblem, selection: Selection | None
) -> list[Case]:
    """Find the cases of one source, by what it looks like."""
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
        if not path.is_dir():
            return [case_called(without_channel(stem_of(path))[0], {"FLAIR": path})]
        entries = entries_of(path)
        subjects = [entry for entry in entries if entry.name.startswith("sub-") and entry.is_dir()]
        if (path / "imagesTr").is_dir():
            return nnunet_cases(
                path / "imagesTr", path / "labelsTr", path / "dataset.json", on_problem
            )
        # A folder of scans that F.sh wrote its results into is still a folder of scans.
        if subjects and not (is_own_output(path) and niftis_in(path)):
            return _bids_cases(path, subjects, label, on_problem, selection)
        if path.name.startswith("sub-") and any(
            entry.name == "anat" or entry.name[:4] == "ses-" for entry in entries
        ):
            return _bids_cases(path.parent, [path], label, on_problem, selection)
        scans = [entry for entry in niftis_in(path) if not is_mask(stem_of(entry))]
        numbers = {stem_of(scan)[-5:] for scan in scans}
        if "_0000" in numbers and all(re.fullmatch(r"_000\d", number) for number in numbers):
            labels = path.parent / path.name.replace("images", "labels")
            return nnunet_cases(path, labels, path.parent / "dataset.json", on_problem)
        return _plain_cases(path, label)
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: cannot be read ({error.strerror or error}); "
            "check its permissions"
        ) from None


def _bids_cases(
    root: Path,
    subjects: Sequence[Path],
    label: str,
    on_problem: OnProblem,
    selection: Selection | None,
) -> list[Case]:
    """Find the cases of a BIDS dataset."""
    wanted = selection or Selection()
    subjects = [folder for folder in subjects if wanted.takes_participant(folder)]
    mask_folders = _mask_folders(root)
    cases = []
    without: list[Path] = []
    problem: InputError | None = None
    folders = [folder for subject in subjects for folder in _sessions(subject, wanted)]
    for folder in folders:
        try:
            case = _bids_case(root, folder, mask_folders, label, wanted)
        except InputError as error:
            problem = error
            on_problem(error)
            continue
        if case is None:
            without.append(folder)
        else:
            cases.append(case)
    if problem is not None and not cases:
        raise problem
    if not cases:
        raise InputError(
            f"{root}: expected a scan in sub-*/anat or sub-*/ses-*/anat called *_FLAIR.nii.gz, "
            f"found none in {len(subjects)} subject folder(s)"
            + (" that are wanted" if selection else "")
            + "; check the names"
        )
    for folder in without:
        _log.warning("%s: has no FLAIR, skipped", folder)
    return cases


def _bids_case(
    root: Path, folder: Path, mask_folders: Sequence[Path], label: str, wanted: Selection
) -> Case | None:
    """Return the case in a subject's or session's folder, if it has a FLAIR."""
    images = niftis_in(folder / "anat")
    fitting = {
        channel: [
            file for file in with_ending(images, f"_{channel}") if wanted.takes_image(channel, file)
        ]
        for channel in CHANNELS
    }
    flairs = fitting["FLAIR"]
    if not flairs:
        return None
    if len(flairs) > 1:
        raise InputError(
            f"{flairs[0]}: must be the only FLAIR of its case, found {flairs[1].name} beside it; "
            "move one away or name the file to use"
        )
    channels = {channel: files[0] for channel, files in fitting.items() if files}
    name = folder.relative_to(root).as_posix().replace("/", "_")
    there = [niftis_in(masks / folder.relative_to(root) / "anat") for masks in mask_folders]
    masks = [_in_the_space_of_the_scan(files) for files in there]
    references = [file for files in masks for file in with_ending(files, f"_label-{label}_mask")]
    brains = [file for files in masks for file in with_ending(files, "_label-brain_mask")]
    reference, brain = next(iter(references), None), next(iter(brains), None)
    return case_called(name, channels, reference, brain, found=folder)


def _in_the_space_of_the_scan(files: Sequence[Path]) -> list[Path]:
    """Leave out masks whose names say that they lie in another space, with a word."""
    for file in files:
        if is_in_another_space(file) and is_mask(stem_of(file)):
            _log.warning("%s: lies in another space than the scan, not used", file)
    return [file for file in files if not is_in_another_space(file)]


def _sessions(subject: Path, wanted: Selection) -> list[Path]:
    """List the wanted folders of a subject that hold, or should hold, ``anat``."""
    sessions = [
        entry for entry in entries_of(subject) if entry.name.startswith("ses-") and entry.is_dir()
    ]
    taken = [session for session in sessions if wanted.takes_session(session)]
    own = (subject / "anat").is_dir() or not sessions
    return [subject, *taken] if own and not wanted.sessions else taken


def _mask_folders(root: Path) -> list[Path]:
    """List the derivatives that may hold masks, ``manual`` first, without F.sh's own."""
    derivatives = root / "derivatives"
    if not derivatives.is_dir():
        return []
    folders = [
        folder
        for folder in entries_of(derivatives)
        if folder.is_dir() and not holds_predictions(folder)
    ]
    return sorted(folders, key=lambda folder: (folder.name != "manual", folder.name))


def _plain_cases(folder: Path, label: str) -> list[Case]:
    """Find the cases of a folder of NIfTI files: a FLAIR each, unless its name says otherwise."""
    flairs: list[tuple[str, Path]] = []
    channels: dict[tuple[str, str], Path] = {}
    masks: dict[str, Path] = {}
    files = niftis_in(folder)
    for file in files:
        name, channel = without_channel(stem_of(file))
        if is_mask(stem_of(file)):
            masks[stem_of(file)] = file
        elif channel != "FLAIR":
            channels[name, channel] = file
        else:
            flairs.append((name, file))
    if not flairs:
        found = f"{len(files)} of another kind ({files[0].name})" if files else "none"
        raise InputError(
            f"{folder}: expected a FLAIR scan (.nii or .nii.gz) directly in this folder, found "
            f"{found}; name the folder or file that holds it"
        )
    cases = []
    for name, flair in flairs:
        optional = {
            channel: channels.pop((name, channel))
            for channel in CHANNELS
            if (name, channel) in channels
        }
        own_masks = [masks.get(f"{name}_label-{kind}_mask") for kind in (label, "brain")]
        cases.append(case_called(name, {"FLAIR": flair, **optional}, *own_masks))
    for (_, channel), file in channels.items():
        _log.warning("%s: is called a %s, not a FLAIR; not used", file, channel)
    return cases
