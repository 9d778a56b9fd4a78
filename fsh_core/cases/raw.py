"""The files of a dataset that F.sh reads and did not write: raw data, never to be written over."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fsh_core.cases.names import niftis_in

# In GeneratedBy, in lower case.
_SEGMENTERS = ("f.sh", "fsh", "fsh-ms")
_SIMULATORS = ("fsh simulate",)
# Files that stand together in what F.sh makes and is no BIDS dataset: a run, tables of scores.
_OWN_FILES = (("config.json", "split.json", "log.jsonl"), ("columns.json", "failures.csv"))


def raw_files(inputs: Iterable[Path]) -> Iterator[Path]:
    """List what lies in files and folders, without what F.sh made there.

    Parameters
    ----------
    inputs : paths
        As the user named them; what does not exist is left out.

    Yields
    ------
    Path
        Files. Of a folder that F.sh wrote into, the NIfTI files directly in it.
    """
    for path in inputs:
        if path.is_file():
            yield path
        elif path.is_dir() and is_own_output(path):
            yield from niftis_in(path)
        elif path.is_dir():
            for folder, subfolders, names in os.walk(path):
                inside = [Path(folder, name) for name in subfolders]
                subfolders[:] = [entry.name for entry in inside if not is_own_output(entry)]
                yield from (Path(folder, name) for name in names)


def raw_files_of(dataset: Path, participants: Iterable[str]) -> Iterator[Path]:
    """List what lies in a BIDS dataset of some participants, and of nobody in particular.

    Of a dataset of ten thousand a task for one participant lists no other's files. Those are
    never written over by it: what it writes is called by its own participants.

    Parameters
    ----------
    dataset : Path
        The dataset.
    participants : iterable of str
        Labels with or without ``sub-``.

    Yields
    ------
    Path
        As `raw_files`.
    """
    if is_own_output(dataset):
        yield from raw_files([dataset])
        return
    names = [f"sub-{label.removeprefix('sub-')}" for label in participants]
    for folder in (dataset, *_others_in(dataset / "derivatives")):
        yield from (entry for entry in folder.iterdir() if entry.is_file())
        yield from raw_files(folder / name for name in names)


def _others_in(derivatives: Path) -> list[Path]:
    """List the folders of derivatives that F.sh did not make."""
    if not derivatives.is_dir():
        return []
    return [one for one in derivatives.iterdir() if one.is_dir() and not is_own_output(one)]


def is_own_output(folder: Path) -> bool:
    """Tell whether F.sh made a folder: segmentations, a simulated dataset, a run, or scores."""
    if any(all((folder / name).is_file() for name in names) for names in _OWN_FILES):
        return True
    return bool({*_SEGMENTERS, *_SIMULATORS} & _makers(folder))


def is_simulated(folder: Path) -> bool:
    """Tell whether ``fsh simulate`` made a dataset."""
    return bool({*_SIMULATORS} & _makers(folder))


def holds_predictions(folder: Path) -> bool:
    """Tell whether F.sh segmented what a derivative holds, so that it is no reference."""
    return folder.name == "fsh" or bool({*_SEGMENTERS} & _makers(folder))


def _makers(folder: Path) -> set[str]:
    """Read who made a BIDS dataset, in lower case; empty where that cannot be known."""
    try:
        description = json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))
        return {str(maker["Name"]).lower() for maker in description["GeneratedBy"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
