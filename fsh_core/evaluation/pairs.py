"""Which prediction belongs to which reference."""

import re
from dataclasses import dataclass
from pathlib import Path

from fsh_core.cases.case import Case
from fsh_core.cases.names import identify, niftis_in, stem_of
from fsh_core.errors import InputError

_LESION_MASK = re.compile(r"^.+_label-L(?:_.+)?_mask$")

Failure = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """Two masks of one case.

    Attributes
    ----------
    name : str
        What the case is called in tables.
    prediction, reference : Path
        The masks' files.
    """

    name: str
    prediction: Path
    reference: Path


def match_masks(predictions: str | Path, references: str | Path) -> tuple[list[Pair], list[Failure]]:
    """Find the prediction of every reference.

    Two files are one pair. Of two folders, each may be

    - BIDS-like, when it holds, at any depth, files named
      ``sub-X[_ses-Y][_...]_label-L[_...]_mask.nii[.gz]`` (F.sh's output and raw or
      derivative datasets): a case is a subject and session, and files with a ``desc-``
      entity (such as unprocessed masks) count only for cases that have no other;
    - plain otherwise (nnU-Net's too): every NIfTI directly inside is a case, named by
      its file name without suffix. Beside a BIDS-like folder, names are read as
      `discover_cases` reads them: ``case_01.nii.gz`` is ``sub-case01``.

    Parameters
    ----------
    predictions, references : path
        Two files or two folders.

    Returns
    -------
    pairs : list of Pair
        In the order of their names.
    failures : list of (name, sentence)
        Cases of one side without a partner, cases with several masks on one side, and
        cases whose prediction and reference are one and the same file.

    Raises
    ------
    InputError
        If a path does not exist, if one is a file and the other a folder, if a folder
        holds no mask, or if no name occurs on both sides.
    """
    predictions, references = Path(predictions), Path(references)
    if _are_files(predictions, references):
        return [Pair(stem_of(references), predictions, references)], []
    try:
        ours, theirs = _group(predictions, references)
    except OSError as error:
        raise InputError(
            f"{error.filename or predictions}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    if not ours.keys() & theirs.keys():
        raise InputError(
            f"{predictions}: no mask here belongs to one in {references} (found for example {min(ours)} and "
            f"{min(theirs)}); give both the same subject and session, or the same file name"
        )
    pairs, failures = [], []
    for name in sorted(ours.keys() | theirs.keys()):
        problem = _problem(name, ours.get(name, []), predictions, "prediction") or _problem(
            name, theirs.get(name, []), references, "reference"
        )
        pair = None if problem else Pair(name, ours[name][0], theirs[name][0])
        # A dataset searched from its root holds the references too: they would agree with themselves.
        if pair and pair.prediction.samefile(pair.reference):
            problem = f"{pair.prediction}: is both prediction and reference of {name}; name the folder of predictions"
        if pair and not problem:
            pairs.append(pair)
        else:
            failures.append((name, problem))
    return pairs, failures


def _are_files(predictions: Path, references: Path) -> bool:
    """Tell two files from two folders; anything else cannot be compared."""
    for path in (predictions, references):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
    if predictions.is_dir() and references.is_dir():
        return False
    if predictions.is_dir() or references.is_dir():
        file, folder = (references, predictions) if predictions.is_dir() else (predictions, references)
        raise InputError(
            f"predictions and references must be two files or two folders, found the file {file} and the folder "
            f"{folder}; name the file inside it"
        )
    if predictions.samefile(references):
        raise InputError(f"{predictions}: is both prediction and reference; name two files")
    return True


def _group(predictions: Path, references: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Files of both folders by case, under names that can be compared."""
    folders = predictions, references
    bids = [_lesion_masks(folder) for folder in folders]
    name = _case_name if any(bids) else stem_of
    grouped: list[dict[str, list[Path]]] = []
    for folder, found in zip(folders, bids, strict=True):
        masks: dict[str, list[Path]] = {}
        for path in found or _plain_masks(folder):
            masks.setdefault(name(path), []).append(path)
        grouped.append(masks)
    return grouped[0], grouped[1]


def _problem(name: str, files: list[Path], folder: Path, role: str) -> str:
    """Say why a case has not exactly one mask in a folder; empty if it has."""
    if not files:
        return f"{name}: has no {role} in {folder}; add it, or remove its partner from the other folder"
    if len(files) > 1:
        shown = ", ".join(str(file.relative_to(folder)) for file in files)
        return f"{name}: must have one {role} in {folder}, found {len(files)} ({shown}); name a folder that holds one"
    return ""


def _lesion_masks(folder: Path) -> list[Path]:
    """Files at any depth that are named as lesion masks; those with ``desc-`` only where there is no other."""
    folders = [folder, *(below for below in sorted(folder.rglob("*")) if below.is_dir())]
    visible = [one for one in folders if not any(part.startswith(".") for part in one.relative_to(folder).parts)]
    found = [path for one in visible for path in niftis_in(one) if _LESION_MASK.match(stem_of(path))]
    named = {_case_name(path) for path in found if "_desc-" not in path.name}
    return [path for path in found if "_desc-" not in path.name or _case_name(path) not in named]


def _plain_masks(folder: Path) -> list[Path]:
    """Every NIfTI directly in a folder."""
    found = niftis_in(folder)
    if not found:
        raise InputError(
            f"{folder}: expected masks (.nii or .nii.gz) directly inside, or files named "
            "sub-*_label-L_mask.nii.gz at any depth, found none; name the folder that holds them"
        )
    return found


def _case_name(path: Path) -> str:
    """``sub-X`` or ``sub-X_ses-Y``, as `Case.name` would be."""
    subject, session = identify(stem_of(path).split("_label-L")[0], path)
    return Case(subject, session, {}).name
