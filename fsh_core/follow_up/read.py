"""Reading followed visits back, and telling whether they are still current."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from fsh_core.derivatives.layout import track_paths
from fsh_core.errors import InputError, reason_of
from fsh_core.file_names import TRACKS_ENDINGS, TRACKS_FOLDER
from fsh_core.files import sha256_of
from fsh_core.follow_up.record import TrackRecord, read_track_record
from fsh_core.follow_up.tables import as_lists
from fsh_core.follow_up.visits import StoredVisit
from fsh_core.tables import TAB, read_table
from fsh_core.tracking import TrackConfig

_TEXT = (
    "from_visit",
    "to_visit",
    "kind",
    "size_change",
    "labels_before",
    "labels_after",
    "evidence",
    "reason",
    "visit",
    "first_visit",
    "last_visit",
)


@dataclass(frozen=True)
class StoredTrack:
    """A patient's followed visits as they lie on disk.

    Attributes
    ----------
    record : TrackRecord
        Visits, pairs and settings.
    folder : Path
        The derivatives folder, which the names of files in the record count from.
    lesions, changes : DataFrame
        See `fsh_core.tracking.LESION_COLUMNS` and `CHANGE_COLUMNS`.
    """

    record: TrackRecord
    folder: Path
    lesions: pd.DataFrame
    changes: pd.DataFrame


def find_tracks(folder: str | Path) -> list[Path]:
    """List the records of followed patients in a derivatives folder, by name."""
    return sorted(Path(folder).glob(f"sub-*/{TRACKS_FOLDER}/sub-*{TRACKS_ENDINGS['record']}"))


def read_track(path: str | Path) -> StoredTrack:
    """Read a patient's followed visits from their record.

    Raises
    ------
    InputError
        If the record or a table cannot be read.
    """
    path = Path(path)
    record = read_track_record(path)
    folder = path.absolute().parent.parent.parent
    tables = []
    for key in ("tracks", "changes"):
        table = track_paths(record.subject, folder)[key]
        try:
            tables.append(as_lists(read_table(table, TAB, dict.fromkeys(_TEXT, str))))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{table}: expected a table of followed lesions, cannot be read "
                f"({reason_of(error)}); follow the visits again"
            ) from None
    return StoredTrack(record, folder, tables[0], tables[1])


def why_stale_track(
    subject: str, visits: Sequence[StoredVisit], order: str, folder: Path, config: TrackConfig
) -> str | None:
    """Say why visits must be followed, or followed again; None where what is there is current.

    Parameters
    ----------
    subject : str
        The patient.
    visits : sequence of StoredVisit
        As they would be followed now.
    order : str
        What their order rests on.
    folder : Path
        The derivatives folder.
    config : TrackConfig
        What would count as a change.
    """
    paths = track_paths(subject, folder)
    if not paths["record"].is_file():
        return "not followed yet"
    try:
        record = read_track_record(paths["record"])
    except InputError:
        return "its record cannot be read"
    gone = [path.name for path in paths.values() if not path.is_file()]
    gone += [name for pair in record.pairs for name in pair.files.values()
             if not (folder / name).is_file()]  # fmt: skip
    if gone:
        return f"{gone[0]} is gone"
    if record.version != version("fsh-ms"):
        return f"it was made by version {record.version}"
    if record.settings != asdict(config):
        return "the settings are others"
    now = [(v.name, v.stored.record.flair.sha256, sha256_of(v.labels)) for v in visits]
    then = [(v.name, v.flair_sha256, v.labels_sha256) for v in record.visits]
    if now != then:
        return "its visits or their lesions changed"
    return None if record.order == order else "the order of the visits rests on something else"
