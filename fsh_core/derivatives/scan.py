"""Finding the scan that a record was made of, wherever the folders are now."""

from collections.abc import Iterator
from pathlib import Path

from fsh_core.derivatives.read import StoredSegmentation
from fsh_core.files import sha256_of

_ANCESTORS = 8  # of a record: sub-X/ses-Y/anat in derivatives/fsh of a dataset, and some more


def find_scan(stored: StoredSegmentation) -> Path | None:
    """Return the FLAIR that a record was made of.

    It is looked for where the record says, then below the folders that the record lies in: a
    relative path counts from where the command was run, and a dataset may have been moved.

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
    for path in _places(Path(source.path), stored.paths["record"].resolve()):
        try:
            if path.is_file() and sha256_of(path) == source.sha256:
                return path
        except OSError:  # a folder that may not be read
            continue
    return None


def _places(given: Path, record: Path) -> Iterator[Path]:
    """List where the file may be, the likeliest first, each once."""
    yield given
    parts = [part for part in given.parts if part not in (given.anchor, "..", ".")]
    for folder in list(record.parents)[:_ANCESTORS]:
        for first in range(len(parts)):
            yield folder.joinpath(*parts[first:])
