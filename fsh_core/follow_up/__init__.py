"""Following a patient over visits on disk: what was segmented or reviewed in, what changed out."""

from fsh_core.follow_up.cohort import write_track_cohort
from fsh_core.follow_up.read import StoredTrack, find_tracks, read_track, why_stale_track
from fsh_core.follow_up.record import RecordedPair, RecordedVisit, TrackRecord
from fsh_core.follow_up.tables import count_changes
from fsh_core.follow_up.visits import StoredVisit, find_patients, read_visits
from fsh_core.follow_up.write import write_track

__all__ = [
    "RecordedPair",
    "RecordedVisit",
    "StoredTrack",
    "StoredVisit",
    "TrackRecord",
    "count_changes",
    "find_patients",
    "find_tracks",
    "read_track",
    "read_visits",
    "why_stale_track",
    "write_track",
    "write_track_cohort",
]
