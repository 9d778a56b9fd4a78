"""Lesion masks on disk, by case."""

import re
from collections.abc import Sequence
from pathlib import Path

from fsh_core.cases.case import Case
from fsh_core.cases.names import identify, niftis_in, stem_of
from fsh_core.errors import InputError
from fsh_core.file_names import case_of_image, is_final_mask, is_lesion_mask

_LESION_MASK = re.compile(r"^.+_label-L(?:_.+)?_mask$")

Failure = tuple[str, str]
"""A case that could not be used, and a sentence that says why."""


def group_masks(folders: Sequence[Path]) -> list[dict[str, list[Path]]]:
    """Find the lesion masks of every case, under names that can be compared between folders.

    Each folder may be

    - BIDS-like, when it holds, at any depth, files named
      ``sub-X[_ses-Y][_...]_label-L[_...]_mask.nii[.gz]`` (F.sh's output and raw or
      derivative datasets): a case is a subject and session, and files with a ``desc-``
      entity (such as unprocessed masks) count only for cases that have no other;
    - plain otherwise (nnU-Net's too): every NIfTI directly inside is a case, named by
      its file name without suffix. Beside a BIDS-like folder, names are read as
      `discover_cases` reads them: ``case_01.nii.gz`` is ``sub-case01``.

    Parameters
    ----------
    folders : sequence of Path
        Existing folders.

    Returns
    -------
    list of dict of str to list of Path
        For each folder, the files of each case.

    Raises
    ------
    InputError
        If a folder holds no mask, or cannot be read.
    """
    try:
        bids = [_lesion_masks(folder) for folder in folders]
        files = [found or _plain_masks(folder) for folder, found in zip(folders, bids, strict=True)]
    except OSError as error:
        raise InputError(
            f"{error.filename or folders[0]}: cannot be read ({error.strerror or error}); "
            "check its permissions"
        ) from None
    name = case_name if any(bids) else stem_of
    grouped: list[dict[str, list[Path]]] = []
    for found in files:
        masks: dict[str, list[Path]] = {}
        for path in found:
            masks.setdefault(name(path), []).append(path)
        grouped.append(masks)
    return grouped


def why_not_one(name: str, files: list[Path], folder: Path, role: str) -> str:
    """Say why a case has not exactly one mask in a folder; empty if it has."""
    if not files:
        return (
            f"{name}: has no {role} in {folder}; add it, "
            "or remove its partner from the other folder"
        )
    if len(files) > 1:
        shown = ", ".join(str(file.relative_to(folder)) for file in files)
        return (
            f"{name}: must have one {role} in {folder}, found {len(files)} ({shown}); "
            "name a folder that holds one"
        )
    return ""


def _lesion_masks(folder: Path) -> list[Path]:
    """Lesion masks by name, at any depth; those with ``desc-`` only if there are no others."""
    folders = [folder, *(below for below in sorted(folder.rglob("*")) if below.is_dir())]
    visible = [
        inner
        for inner in folders
        if not any(part.startswith(".") for part in inner.relative_to(folder).parts)
    ]
    found = [path for inner in visible for path in niftis_in(inner) if _is_lesion_mask(path)]
    named = {case_name(path) for path in found if not _is_variant(path)}
    return [path for path in found if not _is_variant(path) or case_name(path) not in named]


def _is_lesion_mask(path: Path) -> bool:
    return is_lesion_mask(path.name) or bool(_LESION_MASK.match(stem_of(path)))


def _is_variant(path: Path) -> bool:
    """Tell whether a mask counts only for a case that has no other."""
    if is_lesion_mask(path.name):
        return not is_final_mask(path.name)
    return "_desc-" in path.name


def _plain_masks(folder: Path) -> list[Path]:
    """Every NIfTI directly in a folder."""
    found = niftis_in(folder)
    if not found:
        raise InputError(
            f"{folder}: expected masks (.nii or .nii.gz) directly inside, or files named "
            "sub-*_label-L_mask.nii.gz at any depth, found none; name the folder that holds them"
        )
    return found


def case_name(path: Path) -> str:
    """``sub-X`` or ``sub-X_ses-Y``, as `Case.name` would be."""
    name = case_of_image(path.name) or stem_of(path).split("_label-L")[0]
    subject, session = identify(name, path)
    return Case(subject, session, {}).name
