"""Following a patient over visits on disk: what was segmented or reviewed in, what changed out."""

from fsh_core.follow_up.change_review import ChangeReview, open_change_review
from fsh_core.follow_up.cohort import write_track_cohort
from fsh_core.follow_up.companions import (
    Companion,
    Companions,
    PlacedCompanion,
    find_companions,
    place_companion,
)
from fsh_core.follow_up.pair import LoadedPair, load_pair
from fsh_core.follow_up.read import StoredTrack, find_tracks, read_track, why_stale_track
from fsh_core.follow_up.record import RecordedPair, RecordedVisit, TrackRecord
from fsh_core.follow_up.reviewed_changes import (
    REVIEWED_COLUMNS,
    judged_changes,
    judged_pair,
    save_change_review,
)
from fsh_core.follow_up.tables import between, count_changes, in_reading_order
from fsh_core.follow_up.visits import StoredVisit, find_patients, read_visits
from fsh_core.follow_up.write import write_track

__all__ = [
    "REVIEWED_COLUMNS",
    "ChangeReview",
    "Companion",
    "Companions",
    "LoadedPair",
    "PlacedCompanion",
    "RecordedPair",
    "RecordedVisit",
    "StoredTrack",
    "StoredVisit",
    "TrackRecord",
    "between",
    "count_changes",
    "find_companions",
    "find_patients",
    "find_tracks",
    "in_reading_order",
    "judged_changes",
    "judged_pair",
    "load_pair",
    "open_change_review",
    "place_companion",
    "read_track",
    "read_visits",
    "save_change_review",
    "why_stale_track",
    "write_track",
    "write_track_cohort",
]
