"""What changed between visits of one patient: registration, difference, matching, changes.

Arrays in, tables and maps out; files are in `fsh_core.follow_up`.
"""

from fsh_core.tracking.columns import CHANGE_COLUMNS, KINDS, LESION_COLUMNS, READING_ORDER, REASONS
from fsh_core.tracking.config import TrackConfig
from fsh_core.tracking.track import Pair, Track, track_visits
from fsh_core.tracking.visit import Visit

__all__ = [
    "CHANGE_COLUMNS",
    "KINDS",
    "LESION_COLUMNS",
    "READING_ORDER",
    "REASONS",
    "Pair",
    "Track",
    "TrackConfig",
    "Visit",
    "track_visits",
]
