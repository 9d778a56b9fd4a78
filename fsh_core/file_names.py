"""Names of the files that F.sh writes into a derivatives folder. This file alone spells them.

The name of a file is that of its case, such as ``sub-01_ses-a``, and an ending. To rename
a file, change its ending here: every reader and writer follows. It stands so low because
`fsh_core.cases` must know a derivative when it meets one among scans;
`fsh_core.derivatives.layout` says in which folder each file lies.
"""

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

RECORD_ENDING = "_seg-lesions_dseg.json"
ANAT_ENDINGS = {
    "mask": "_space-orig_label-L_mask.nii.gz",
    "raw_mask": "_space-orig_label-L_desc-raw_mask.nii.gz",
    "probability": "_space-orig_label-L_probseg.nii.gz",
    "entropy": "_space-orig_label-L_desc-entropy_probseg.nii.gz",
    "variance": "_space-orig_label-L_desc-variance_probseg.nii.gz",
    "brain": "_space-orig_label-brain_mask.nii.gz",
    "labels": "_seg-lesions_dseg.nii.gz",
    "table": "_seg-lesions_dseg.tsv",
    "record": RECORD_ENDING,
}
"""Endings of the files in ``anat``, by the keys of `StoredSegmentation.paths`."""
FIGURE_ENDING = "_triptych.png"
REPORT_ENDING = ".html"

TRACKS_FOLDER = "tracks"
TRACKS_ENDINGS = {
    "tracks": "_tracks.tsv",
    "changes": "_changes.tsv",
    "record": "_tracks.json",
}
"""Endings of the files about all visits of a patient, by the keys of `StoredTrack.paths`."""
TRACKS_REPORT_ENDING = "_tracks.html"

CASES_TABLE = "cases.tsv"
LESIONS_TABLE = "lesions.tsv"
TRACKS_TABLE = "tracks.tsv"
CHANGES_TABLE = "changes.tsv"
QUEUE_FILE = "review_queue.json"
READERS_FILE = "readers.jsonl"
FINAL_TABLE = "final.tsv"
# In a run folder, beside the weights:
RUN_STATE_FILE = "state.safetensors"
RUN_FAILURE_FILE = "failure.json"
RUN_NOTES_FILE = "notes.txt"
RUN_SAMPLES_FOLDER = "samples"
NOT_BIDS = (
    QUEUE_FILE,
    READERS_FILE,
    FINAL_TABLE,
    CASES_TABLE,
    LESIONS_TABLE,
    TRACKS_TABLE,
    CHANGES_TABLE,
    "*.html",
    "**/figures/**",
    f"**/{TRACKS_FOLDER}/**",
    "**/*_review.jsonl",
)
"""What ``.bidsignore`` names: files that a BIDS validator does not know."""

_ANY_READER = "*"
_PROBABILITIES = ("probability", "entropy", "variance")


def reviewed_endings(reader: str) -> dict[str, str]:
    """Endings of a reader's corrected lesions; ``reader`` holds letters and digits only."""
    who = f"desc-reviewed{reader}"
    return {
        "mask": f"_space-orig_label-L_{who}_mask.nii.gz",
        "labels": f"_seg-lesions_{who}_dseg.nii.gz",
        "table": f"_seg-lesions_{who}_dseg.tsv",
        "record": f"_seg-lesions_{who}_dseg.json",
    }


def pair_endings(earlier: str, later: str) -> dict[str, str]:
    """Endings of the files about two visits, after ``sub-X``; the names are those of the visits.

    ``…_before`` lie on the grid of the earlier visit, ``…_after`` on that of the later one.
    """
    return {
        "changes_before": f"_ses-{earlier}_desc-changesUntil{later}_dseg.nii.gz",
        "changes_after": f"_ses-{later}_desc-changesSince{earlier}_dseg.nii.gz",
        "difference_before": f"_ses-{earlier}_desc-differenceUntil{later}_FLAIR.nii.gz",
        "difference_after": f"_ses-{later}_desc-differenceSince{earlier}_FLAIR.nii.gz",
        "transform": f"_from-ses{later}_to-ses{earlier}_mode-image_xfm.txt",
    }


def change_journal_ending(earlier: str, later: str, reader: str) -> str:
    """Ending of a reader's journal about the changes between two visits, after ``sub-X``.

    ``reader`` holds letters and digits only.
    """
    return f"_from-ses{earlier}_to-ses{later}_desc-{reader}_changes.jsonl"


def reviewed_changes_endings(reader: str) -> dict[str, str]:
    """Endings of the changes of a patient as a reader judged them, after ``sub-X``."""
    who = f"_desc-reviewed{reader}_changes"
    return {"table": f"{who}.tsv", "record": f"{who}.json"}


def reader_of_changes(name: str) -> str:
    """Return the label of the reader who made a file among the tracks; empty if F.sh made it."""
    found = _OF_A_READER.fullmatch(name)
    return (found["journal"] or found["saved"]) if found else ""


def is_change_journal(name: str) -> bool:
    """Tell whether a file is a reader's journal about changes."""
    return bool(reader_of_changes(name)) and name.endswith(".jsonl")


_OF_A_READER = re.compile(
    r"sub-.+(_from-ses.+_to-ses.+_desc-(?P<journal>[0-9A-Za-z]+)_changes\.jsonl"
    r"|_desc-reviewed(?P<saved>[0-9A-Za-z]+)_changes\.(tsv|json))"
)


def journal_ending(reader: str) -> str:
    """Ending of a reader's journal; ``reader`` holds letters and digits only."""
    return f"_desc-{reader}_review.jsonl"


ANY_JOURNAL = journal_ending(_ANY_READER)
"""Pattern of the endings of all journals."""

ANY_CORRECTION = reviewed_endings(_ANY_READER)["record"]
"""Pattern of the endings of the records of all readers' corrected lesions."""


def split_journal_name(name: str) -> tuple[str, str]:
    """Return the case and the reader of a journal, by its name; both empty if it is none."""
    pattern = _pattern_of(journal_ending(_ANY_READER))
    found = re.fullmatch(f"(?P<case>.+){pattern}", name)
    return (found["case"], found["reader"]) if found else ("", "")


def case_of_record(record: Path) -> str:
    """Return the name of the case that a record is about."""
    return record.name.removesuffix(RECORD_ENDING)


def beside_record(record: Path, ending: str) -> Path:
    """Return the file of the same case, in the same folder, with another ending."""
    return record.with_name(case_of_record(record) + ending)


def in_anat(folder: Path, ending: str) -> list[Path]:
    """List the files of a derivatives folder with an ending, by name."""
    return [Path(entry.path) for entry in entries_in_anat(folder, ending)]


def entries_in_anat(folder: Path, *endings: str) -> Iterator[os.DirEntry[str]]:
    """Go through the files of a derivatives folder with one of some endings, by name.

    Parameters
    ----------
    folder : Path
        The derivatives folder; there is nothing in one that cannot be listed.
    *endings : str
        Of the names; ``*`` stands for any text.

    Yields
    ------
    os.DirEntry
        As the system lists it, which is many times as fast as a search by patterns.
    """
    patterns = [re.compile(fnmatch.translate(f"*{ending}")) for ending in endings]
    for subject in _subfolders(folder, "sub-"):
        sessions = _subfolders(subject.path, "ses-")
        for place in (subject, *sessions):
            for entry in _listed(f"{place.path}{os.sep}anat"):
                if any(pattern.match(entry.name) for pattern in patterns):
                    yield entry


def _subfolders(folder: str | Path, start: str) -> list[os.DirEntry[str]]:
    return [entry for entry in _listed(folder) if entry.name.startswith(start) and entry.is_dir()]


def _listed(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # not there, no folder, or not ours to list
        return []


def case_of_image(name: str) -> str:
    """Return the case that an image was written for, by its name; empty if it is not F.sh's."""
    for ending in (*ANAT_ENDINGS.values(), *reviewed_endings(_ANY_READER).values()):
        found = re.fullmatch(f"(?P<case>.+){_pattern_of(ending)}", name)
        if found and ending.endswith(".nii.gz"):
            return found["case"]
    return ""


def is_probability(name: str) -> bool:
    """Tell whether an image is a map of probabilities or of what an ensemble is unsure of."""
    ours = tuple(ANAT_ENDINGS[key] for key in _PROBABILITIES)
    return name.endswith((*ours, "_probseg.nii.gz", "_probseg.nii"))  # and every other BIDS one


def is_final_mask(name: str) -> bool:
    """Tell whether an image is the mask of a case after post-processing."""
    return name.endswith(ANAT_ENDINGS["mask"])


def is_lesion_mask(name: str) -> bool:
    """Tell whether an image is a mask of lesions: final, before post-processing, or corrected."""
    corrected = _pattern_of(reviewed_endings(_ANY_READER)["mask"])
    return name.endswith((ANAT_ENDINGS["mask"], ANAT_ENDINGS["raw_mask"])) or bool(
        re.fullmatch(f".+{corrected}", name)
    )


def _pattern_of(ending: str) -> str:
    """Return a regular expression of an ending that may stand for any reader."""
    return re.escape(ending).replace(re.escape(_ANY_READER), "(?P<reader>[0-9A-Za-z]+)")
