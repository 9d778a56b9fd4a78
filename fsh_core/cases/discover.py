"""Finding cases: BIDS datasets, nnU-Net raw folders, plain folders, single files."""

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from fsh_core.cases.case import CHANNELS, Case
from fsh_core.cases.names import (
    entries_of,
    identify,
    is_in_another_space,
    is_mask,
    niftis_in,
    stem_of,
    with_ending,
    without_channel,
)
from fsh_core.cases.raw import holds_predictions, is_own_output
from fsh_core.errors import InputError
from fsh_core.strict_json import parse_json

_log = logging.getLogger(__name__)

_LONGEST_LIST = 200  # characters of names that an error repeats
_NNUNET_NAME = re.compile(r"_\d{4}\.\w+$")  # CASE_0000 with any ending

OnProblem = Callable[[InputError], None]
"""Told of a case that cannot be used while others can; raising from it ends the search."""


def _refuse(problem: InputError) -> None:
    raise problem


def discover_cases(
    source: str | Path | Sequence[str | Path],
    label: str = "L",
    on_problem: OnProblem = _refuse,
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

    Returns
    -------
    list of Case
        Sorted by subject, then session. A file without ``sub-`` in its name is a
        subject of its own, called by the letters and digits of the name. Where several
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
    cases = [case for one in sources for case in _discover(Path(one), label, on_problem)]
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


def _discover(path: Path, label: str, on_problem: OnProblem) -> list[Case]:
    """Find the cases of one source, by what it looks like."""
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
        if not path.is_dir():
            return [_case_of(without_channel(stem_of(path))[0], {"FLAIR": path})]
        entries = entries_of(path)
        subjects = [entry for entry in entries if entry.name.startswith("sub-") and entry.is_dir()]
        if (path / "imagesTr").is_dir():
            return _nnunet_cases(
                path / "imagesTr", path / "labelsTr", path / "dataset.json", on_problem
            )
        # A folder of scans that F.sh wrote its results into is still a folder of scans.
        if subjects and not (is_own_output(path) and niftis_in(path)):
            return _bids_cases(path, subjects, label, on_problem)
        if path.name.startswith("sub-") and any(
            entry.name == "anat" or entry.name[:4] == "ses-" for entry in entries
        ):
            return _bids_cases(path.parent, [path], label, on_problem)
        scans = [entry for entry in niftis_in(path) if not is_mask(stem_of(entry))]
        numbers = {stem_of(scan)[-5:] for scan in scans}
        if "_0000" in numbers and all(re.fullmatch(r"_000\d", number) for number in numbers):
            labels = path.parent / path.name.replace("images", "labels")
            return _nnunet_cases(path, labels, path.parent / "dataset.json", on_problem)
        return _plain_cases(path, label)
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: cannot be read ({error.strerror or error}); "
            "check its permissions"
        ) from None


def _bids_cases(
    root: Path, subjects: Sequence[Path], label: str, on_problem: OnProblem
) -> list[Case]:
    """Find the cases of a BIDS dataset."""
    mask_folders = _mask_folders(root)
    cases = []
    problem: InputError | None = None
    for folder in (session for subject in subjects for session in _sessions(subject)):
        try:
            case = _bids_case(root, folder, mask_folders, label)
        except InputError as error:
            problem = error
            on_problem(error)
            continue
        if case is None:
            _log.warning("%s: has no FLAIR, skipped", folder)
        else:
            cases.append(case)
    if problem is not None and not cases:
        raise problem
    if not cases:
        raise InputError(
            f"{root}: expected a scan in sub-*/anat or sub-*/ses-*/anat called *_FLAIR.nii.gz, "
            f"found none in {len(subjects)} subject folder(s); check the names"
        )
    return cases


def _bids_case(root: Path, folder: Path, mask_folders: Sequence[Path], label: str) -> Case | None:
    """Return the case in a subject's or session's folder, if it has a FLAIR."""
    images = niftis_in(folder / "anat")
    flairs = with_ending(images, "_FLAIR")
    if not flairs:
        return None
    if len(flairs) > 1:
        raise InputError(
            f"{flairs[0]}: must be the only FLAIR of its case, found {flairs[1].name} beside it; "
            "move one away or name the file to use"
        )
    channels = {
        channel: files[0] for channel in CHANNELS if (files := with_ending(images, f"_{channel}"))
    }
    subject, session = identify(folder.relative_to(root).as_posix().replace("/", "_"), folder)
    there = [niftis_in(masks / folder.relative_to(root) / "anat") for masks in mask_folders]
    masks = [_in_the_space_of_the_scan(files) for files in there]
    references = [file for files in masks for file in with_ending(files, f"_label-{label}_mask")]
    brains = [file for files in masks for file in with_ending(files, "_label-brain_mask")]
    return Case(subject, session, channels, next(iter(references), None), next(iter(brains), None))


def _in_the_space_of_the_scan(files: Sequence[Path]) -> list[Path]:
    """Leave out masks whose names say that they lie in another space, with a word."""
    for file in files:
        if is_in_another_space(file) and is_mask(stem_of(file)):
            _log.warning("%s: lies in another space than the scan, not used", file)
    return [file for file in files if not is_in_another_space(file)]


def _sessions(subject: Path) -> list[Path]:
    """List the folders of a subject that hold, or should hold, ``anat``."""
    sessions = [
        entry for entry in entries_of(subject) if entry.name.startswith("ses-") and entry.is_dir()
    ]
    return [subject, *sessions] if (subject / "anat").is_dir() or not sessions else sessions


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


def _nnunet_cases(images: Path, labels: Path, dataset: Path, on_problem: OnProblem) -> list[Case]:
    """Find the cases of an nnU-Net raw folder."""
    channels = _nnunet_channels(dataset)
    files: dict[str, dict[str, Path]] = {}
    for file in niftis_in(images):
        identifier, _, number = stem_of(file).rpartition("_")
        if not identifier or not re.fullmatch(r"\d{4}", number):
            _log.warning("%s: is not called CASE_0000.nii.gz, skipped", file)
        elif number in channels:
            first = files.setdefault(identifier, {}).setdefault(channels[number], file)
            if first is not file:
                raise InputError(
                    f"{file}: must be the only {channels[number]} of its case, "
                    f"found {first.name} beside it; move one away"
                )
    if not files:
        raise InputError(
            f"{images}: expected scans called CASE_0000.nii.gz, {_found_instead(images)}"
        )
    references = {stem_of(file): file for file in niftis_in(labels)}
    for identifier, found in list(files.items()):
        if "FLAIR" not in found:
            only = ", ".join(sorted(found))
            del files[identifier]
            on_problem(
                InputError(
                    f"{images}: the case {identifier} has no FLAIR, found only {only}; "
                    "add the missing channel or remove the case"
                )
            )
    return [
        _case_of(identifier, found, references.get(identifier))
        for identifier, found in files.items()
    ]


def _found_instead(images: Path) -> str:
    """Say what an nnU-Net folder without NIfTI scans holds, and what to do."""
    others = [entry.name for entry in entries_of(images) if _NNUNET_NAME.search(entry.name)]
    if not others:
        return "found none; check the names"
    return f"found {others[0]}; F.sh reads NIfTI alone: convert the images to .nii.gz first"


def _nnunet_channels(dataset: Path) -> dict[str, str]:
    """Read which channel each file number is: ``{"0000": "FLAIR", ...}``."""
    if not dataset.exists():
        return {"0000": "FLAIR"}
    try:
        description = parse_json(dataset.read_bytes())
        names = dict(
            description.get("channel_names") or description.get("modality") or {"0": "FLAIR"}
        )
        channels = {
            f"{int(number):04d}": _channel_called(str(name)) for number, name in names.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{dataset}: expected nnU-Net's channel_names, cannot read them ({error}); correct it"
        ) from None
    if len(channels) == 1:
        return dict.fromkeys(channels, "FLAIR")
    if "FLAIR" not in channels.values():
        raise InputError(
            f"{dataset}: expected a channel called FLAIR, "
            f"found {', '.join(map(str, names.values()))[:_LONGEST_LIST]}; rename it there"
        )
    return {number: channel for number, channel in channels.items() if channel}


def _channel_called(name: str) -> str:
    """Translate a free channel name; what is neither FLAIR, T1w nor T2w is ''."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if "flair" in plain:
        return "FLAIR"
    return {"t1": "T1w", "t1w": "T1w", "mprage": "T1w", "t2": "T2w", "t2w": "T2w"}.get(plain, "")


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
        cases.append(_case_of(name, {"FLAIR": flair, **optional}, *own_masks))
    for (_, channel), file in channels.items():
        _log.warning("%s: is called a %s, not a FLAIR; not used", file, channel)
    return cases


def _case_of(
    name: str, channels: dict[str, Path], reference: Path | None = None, brain: Path | None = None
) -> Case:
    """Make a case of files called ``name``."""
    subject, session = identify(re.sub(r"(?<=.)_0000$", "", name), channels["FLAIR"])
    return Case(subject, session, channels, reference, brain)
