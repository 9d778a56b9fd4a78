"""Pairs of prediction and reference, by name."""

from dataclasses import dataclass
from pathlib import Path

from fsh_core.cases.names import stem_of
from fsh_core.errors import InputError
from fsh_core.studies.mask_files import Failure, group_masks, why_not_one


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


def match_masks(
    predictions: str | Path, references: str | Path
) -> tuple[list[Pair], list[Failure]]:
    """Find the prediction of every reference.

    Two files are one pair. In two folders, masks are found and named as by `group_masks`.

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
    predicted, drawn = group_masks([predictions, references])
    if not predicted.keys() & drawn.keys():
        raise InputError(
            f"{predictions}: no mask here belongs to one in {references} (found for example "
            f"{min(predicted)} and {min(drawn)}); give both the same subject and session, or the "
            "same file name"
        )
    pairs, failures = [], []
    for name in sorted(predicted.keys() | drawn.keys()):
        problem = why_not_one(
            name, predicted.get(name, []), predictions, "prediction"
        ) or why_not_one(name, drawn.get(name, []), references, "reference")
        pair = None if problem else Pair(name, predicted[name][0], drawn[name][0])
        # A dataset searched from its root holds the references too: they would agree with
        # themselves.
        if pair and pair.prediction.samefile(pair.reference):
            problem = (
                f"{pair.prediction}: is both prediction and reference of {name}; "
                "name the folder of predictions"
            )
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
        file, folder = predictions, references
        if predictions.is_dir():
            file, folder = references, predictions
        raise InputError(
            f"predictions and references must be two files or two folders, found the file {file} "
            f"and the folder {folder}; name the file inside it"
        )
    if predictions.samefile(references):
        raise InputError(f"{predictions}: is both prediction and reference; name two files")
    return True
