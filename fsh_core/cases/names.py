"""Names of files: subject, session, channel, mask or scan."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from fsh_core.errors import InputError
from fsh_core.file_names import case_of_image

NIFTI_SUFFIXES = (".nii.gz", ".nii")  # in any mixture of small and capital letters
# Other words for the channels, as scanners, MSLesSeg and the ISBI challenge name them.
_CHANNEL_WORDS = {
    "flair": "FLAIR",
    "t1w": "T1w",
    "t1": "T1w",
    "mprage": "T1w",
    "t2w": "T2w",
    "t2": "T2w",
    "pd": "PD",
    "pdw": "PD",
}
_MASK_WORDS = frozenset(
    (
        "mask",
        "masks",
        "brainmask",
        "lesionmask",
        "seg",
        "dseg",
        "probseg",
        "segmentation",
        "label",
        "labels",
    )
)
_MASK_ENDINGS = _MASK_WORDS | {"lesion", "lesions"}


def identify(name: str, path: Path) -> tuple[str, str | None]:
    """Read subject and session from a name; without ``sub-`` the whole name is the subject.

    Labels keep only what BIDS allows in them: the letters a-z and A-Z, digits and ``+``. Letters
    with marks lose these (``ü`` is ``u``), letters of other scripts are lost; `spelled_otherwise`
    tells. Two names may then be one: whoever looks for cases takes neither.

    Raises
    ------
    InputError
        If nothing of the name is left; ``path`` is the file to rename.
    """
    first, second, *_ = (*name.split("_"), "", "")
    session = None
    if first.startswith("sub-"):
        name = first.removeprefix("sub-")
        session = _as_label(second.removeprefix("ses-")) if second.startswith("ses-") else None
    subject = _as_label(name)
    if not subject or session == "":
        raise InputError(
            f"{path}: expected a letter (a-z) or digit in the name, found none; rename it"
        )
    return subject, session


def patient_of(case: str) -> str:
    """Return the patient of a case: of ``sub-X_ses-Y`` ``X``; any other name is one patient's."""
    return case.split("_")[0].removeprefix("sub-") if case.startswith("sub-") else case


def spelled_otherwise(name: str) -> bool:
    """Tell whether letters or digits of a name are others in its labels, or are lost."""
    whole = unicodedata.normalize("NFC", name)  # macOS writes letters and marks apart
    return any(letter.isalnum() and not letter.isascii() for letter in whole)


# Letters that are no letter of a-z with a mark, as passports write them.
_LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH"}
    | {"\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)


def _as_label(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(_LATIN))  # a letter, then its marks
    return re.sub(r"[^0-9A-Za-z+]", "", apart)


def without_channel(stem: str) -> tuple[str, str]:
    """Split ``X_FLAIR`` into name and channel; a name without a channel is a FLAIR's.

    Channels are those of `fsh_core.cases.CHANNELS`, and ``PD``, which no network takes.
    """
    name, _, word = stem.rpartition("_")
    channel = _CHANNEL_WORDS.get(word.lower(), "")
    return (name, channel) if name and channel else (stem, "FLAIR")


def is_mask(stem: str) -> bool:
    """Tell whether a name is clearly that of a mask or label image."""
    if case_of_image(f"{stem}.nii.gz"):
        return True
    words = re.findall(r"[a-z0-9]+", stem.lower())
    return (
        bool(words)
        and words[-1] != "flair"
        and (words[-1] in _MASK_ENDINGS or not _MASK_WORDS.isdisjoint(words))
    )


def with_ending(files: Sequence[Path], ending: str) -> list[Path]:
    """Pick the files whose stem ends so, the one with the fewest BIDS entities first."""
    fitting = [file for file in files if stem_of(file).endswith(ending)]
    return sorted(fitting, key=lambda file: (file.name.count("_"), file.name))


def niftis_in(folder: Path) -> list[Path]:
    """List the NIfTI files directly in a folder; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return [entry for entry in entries_of(folder) if is_nifti_name(entry) and not entry.is_dir()]


def entries_of(folder: Path) -> list[Path]:
    """List a folder by name, without hidden files (such as the ``._`` ones of macOS)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def stem_of(path: Path) -> str:
    """Return a file's name without .nii or .nii.gz, in any letters."""
    for suffix in NIFTI_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name.removesuffix(".gz")


def is_nifti_name(path: Path) -> bool:
    """Tell whether a file is called .nii or .nii.gz, in any letters: Windows writes .NII.GZ."""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def is_in_another_space(file: Path) -> bool:
    """Tell whether a BIDS name says that an image lies in another space than its scan."""
    space = re.search(r"_space-([0-9A-Za-z+]+)", file.name)
    return space is not None and space.group(1).lower() not in ("orig", "native", "flair")
