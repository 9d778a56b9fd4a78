"""Reading followed visits back, and telling whether they are still current."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from fsh_core.derivatives.layout import track_paths
from fsh_core.errors import InputError
from fsh_core.file_names import TRACKS_ENDINGS, TRACKS_FOLDER
from fsh_core.files import sha256_of
from fsh_core.follow_up.record import TrackRecord, read_track_record
from fsh_core.follow_up.tables import read_followed
from fsh_core.follow_up.visits import StoredVisit
from fsh_core.tracking import TrackConfig


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

    @property
    def home(self) -> Path:
        """Where the tables, the record and the readers' journals lie."""
        return track_paths(self.record.subject, self.folder)["record"].parent


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
    paths = track_paths(record.subject, folder)
    return StoredTrack(
        record, folder, read_followed(paths["tracks"]), read_followed(paths["changes"])
    )


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
