"""How long a reader looked at each lesion and at the case, from the times of the journal."""

from datetime import UTC, datetime

from fsh_core.review.events import ReviewEvent

BREAK_S = 300.0
"""Seconds between two events of a journal above which the reader was elsewhere."""


class ReadingTime:
    """The seconds that a reader looked, counted from event to event.

    The time between two events belongs to the lesion that the reader was at: the one that the
    last event named which named any. After the status of the whole case was set it is no
    lesion's. Time of more than `BREAK_S`, or that runs backwards, or between events whose time
    cannot be read, is a break, and not counted at all. What comes before the first event is not
    known, and not counted either.

    Attributes
    ----------
    case_s : float
        Seconds at the case: those of all lesions, also of lesions that are gone by now, and
        those that are no lesion's.
    breaks : int
        How often there was a break.
    """

    def __init__(self) -> None:
        self.case_s, self.breaks = 0.0, 0
        self._lesions_s: dict[int, float] = {}
        self._at = 0  # the lesion; 0 = none
        self._last: datetime | None = None
        self._has_begun = False

    def lesion_s(self, label: int) -> float:
        """Return the seconds at a lesion; 0 if the reader was never there."""
        return self._lesions_s.get(label, 0.0)

    def hear(self, event: ReviewEvent) -> None:
        """Count the time up to the next event of the journal."""
        now = _when(event.time)
        if self._has_begun:
            self._count(now)
        self._last, self._has_begun = now, True
        if event.kind == "case":
            self._at = 0
        elif event.label:
            self._at = event.label

    def _count(self, now: datetime | None) -> None:
        seconds = (now - self._last).total_seconds() if now and self._last else -1.0
        if not 0 <= seconds <= BREAK_S:
            self.breaks += 1
            return
        self.case_s += seconds
        if self._at:
            self._lesions_s[self._at] = self.lesion_s(self._at) + seconds


def _when(text: str) -> datetime | None:
    """Read a time; one without a zone is UTC, None is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
