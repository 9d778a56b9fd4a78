"""Finding the scan that a record was made of, wherever the folders are now."""

from collections.abc import Iterator
from pathlib import Path

from fsh_core.derivatives.read import StoredSegmentation
from fsh_core.files import sha256_of
from fsh_core.record import InputFile, Record

_ANCESTORS = 8  # of a record: sub-X/ses-Y/anat in derivatives/fsh of a dataset, and some more


def find_scan(stored: StoredSegmentation) -> Path | None:
    """Return the FLAIR that a record was made of.

    See `places_of` for where it is looked for.

    Parameters
    ----------
    stored : StoredSegmentation
        The case.

    Returns
    -------
    Path or None
        A file with the content that was segmented; None if there is none.
    """
    source = stored.record.flair
    for path in places_of(stored.record, source, stored.paths["record"]):
        try:
            if path.is_file() and sha256_of(path) == source.sha256:
                return path
        except OSError:  # a folder that may not be read
            continue
    return None


def places_of(record: Record, file: InputFile, path: Path) -> Iterator[Path]:
    """List where an input file of a record may be, the likeliest first.

    First where the run had it: a relative path counts from the folder of the run, or of records
    of early versions, which do not name that, from the working folder. Then below the folders
    that the record lies in, since a dataset may have been moved.

    Parameters
    ----------
    record : Record
        Of the case.
    file : InputFile
        One of its input files.
    path : Path
        Where the record lies.
    """
    given = Path(file.path)
    yield record.path_of(file)
    yield given
    parts = [part for part in given.parts if part not in (given.anchor, "..", ".")]
    for folder in list(path.resolve().parents)[:_ANCESTORS]:
        for first in range(len(parts)):
            yield folder.joinpath(*parts[first:])
