"""Corrected lesions as readers saved them: to follow over visits, or to learn from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsh_core.cases import Case
from fsh_core.derivatives import StoredSegmentation, find_records, read_segmentation
from fsh_core.derivatives.scan import find_scan
from fsh_core.errors import InputError, sentence_of
from fsh_core.file_names import ANY_CORRECTION, case_of_record
from fsh_core.files import sha256_of
from fsh_core.review.events import COMPLETED, STATUSES
from fsh_core.strict_json import parse_json

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Correction:
    """What a reader made of the lesions of a case.

    Attributes
    ----------
    reader : str
        Who.
    last_act : str
        When the reader acted last, ISO 8601; empty if never.
    is_final : bool
        Whether the reader completed the case and decided on every lesion.
    mask, labels : Path
        The lesions that are left, as a mask and numbered, on the grid of the scan.
    """

    reader: str
    last_act: str
    is_final: bool
    mask: Path
    labels: Path


def corrections_of(stored: StoredSegmentation) -> list[Correction]:
    """Read what each reader saved of a case, in the order in which they acted last.

    What cannot be used (damaged, or made of other lesions than those of the case now) is left out,
    with a word in the log.
    """
    case, folder = case_of_record(stored.paths["record"]), stored.paths["record"].parent
    found = []
    for path in sorted(folder.glob(f"{case}{ANY_CORRECTION}")):
        try:
            found.append(_read(path, case, stored))
        except (OSError, ValueError, KeyError, TypeError, InputError) as error:
            _log.warning(
                "%s: not used, as if this reader had corrected nothing: %s",
                path,
                sentence_of(error, path),
            )
    return sorted(found, key=lambda one: (one.last_act, one.reader))


def _read(path: Path, case: str, stored: StoredSegmentation) -> Correction:
    """Read the record of a correction, and check its files by their hashes."""
    content = parse_json(path.read_bytes())
    files = {key: path.with_name(content["files"][key]) for key in ("mask", "labels")}
    for key, file in files.items():
        if sha256_of(file) != content["files_sha256"][key]:
            raise InputError(f"{file} is not the one that was saved with it")
    if content["original_labels_sha256"] != sha256_of(stored.paths["labels"]):
        raise InputError(f"it corrects other lesions than those of {case} now")
    review: dict[str, Any] = content["review"]
    return Correction(
        str(review["reader"]),
        str(review["last_act"] or ""),
        review["status"] == COMPLETED and not review["lesions_by_status"].get(STATUSES[0]),
        **files,
    )


@dataclass(frozen=True)
class Corrected:
    """Cases whose lesions a reader corrected to the end.

    Attributes
    ----------
    cases : list of Case
        Each with the reader's mask as its reference.
    left_out : dict of str to str
        Why another case is none of them, by its name.
    """

    cases: list[Case]
    left_out: dict[str, str]


def corrected_cases(results: Path, reader: str) -> Corrected:
    """Find the cases of a results folder that a reader completed.

    Parameters
    ----------
    results : Path
        A derivatives folder of F.sh.
    reader : str
        Whose corrections count.

    Returns
    -------
    Corrected
        What can be learned from, and what is left out.

    Raises
    ------
    InputError
        If the folder holds no results, or none that this reader completed.
    """
    records = find_records(results)
    if not records:
        raise InputError(
            f"{results}: expected results of F.sh with the corrections of {reader}, found none; "
            "name the derivatives folder that was reviewed"
        )
    cases, left_out, readers = [], {}, set[str]()
    for record in records:
        name = case_of_record(record)
        try:
            stored = read_segmentation(record)
            saved = corrections_of(stored)
            readers |= {one.reader for one in saved if one.is_final}
            cases.append(_case(stored, saved, reader))
        except InputError as error:
            left_out[name] = str(error)
    if not cases:
        others = f"completed by {', '.join(sorted(readers))}" if readers else "completed by nobody"
        raise InputError(
            f"{results}: expected cases that {reader} completed and saved, found none of "
            f"{len(records)} ({others}); check the reader's name"
        )
    return Corrected(cases, left_out)


def _case(stored: StoredSegmentation, saved: Sequence[Correction], reader: str) -> Case:
    """Return the case with the reader's mask, or say why it is left out."""
    own = [one for one in saved if one.reader == reader]
    if not own:
        raise InputError(f"nothing saved by {reader}")
    if not own[0].is_final:
        raise InputError(f"not completed by {reader}")
    scan = find_scan(stored)
    if scan is None:
        raise InputError(f"the scan {stored.record.flair.path} is gone or changed; put it back")
    record = stored.record
    channels = {"FLAIR": scan}
    return Case(record.subject, record.session, channels, own[0].mask, stored.paths["brain"])
