"""Cases of an nnU-Net raw folder: scans called ``CASE_0000.nii.gz``, masks ``CASE.nii.gz``."""

import logging
import re
from pathlib import Path

from fsh_core.cases.case import Case, OnProblem, case_called
from fsh_core.cases.names import entries_of, niftis_in, stem_of
from fsh_core.errors import InputError
from fsh_core.strict_json import parse_json

_log = logging.getLogger(__name__)

_LONGEST_LIST = 200  # characters of names that an error repeats
_NNUNET_NAME = re.compile(r"_\d{4}\.\w+$")  # CASE_0000 with any ending


def nnunet_cases(images: Path, labels: Path, dataset: Path, on_problem: OnProblem) -> list[Case]:
    """Find the cases of an nnU-Net raw folder.

    Parameters
    ----------
    images, labels : Path
        Folders of scans and of masks, such as ``imagesTr`` and ``labelsTr``.
    dataset : Path
        ``dataset.json``, where there is one.
    on_problem : callable
        Called with the error of each case without a FLAIR.
    """
    channels = _channels(dataset)
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
    strangers = sorted(references.keys() - files.keys())
    if strangers:
        _log.warning(
            "%s: %d of %d masks belong to no case, not used; a mask is called as its case "
            "(CASE.nii.gz), found %s",
            labels,
            len(strangers),
            len(references),
            references[strangers[0]].name,
        )
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
        case_called(identifier, found, references.get(identifier))
        for identifier, found in files.items()
    ]


def _found_instead(images: Path) -> str:
    """Say what an nnU-Net folder without NIfTI scans holds, and what to do."""
    others = [entry.name for entry in entries_of(images) if _NNUNET_NAME.search(entry.name)]
    if not others:
        return "found none; check the names"
    return f"found {others[0]}; F.sh reads NIfTI alone: convert the images to .nii.gz first"


def _channels(dataset: Path) -> dict[str, str]:
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
