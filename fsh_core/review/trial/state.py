"""The state of a reading trial: what follows from its events, in their order."""

from collections.abc import Iterable

from fsh_core.review.trial.events import Assign, Compare, Event, Lock, Sign, Unlock

READING, TO_COMPARE, TO_ADJUDICATE, FINAL = "reading", "to compare", "to adjudicate", "final"
STAGES = (READING, TO_COMPARE, TO_ADJUDICATE, FINAL)
"""How far a case is."""
_DATE_LETTERS = 10  # of an ISO time


class Trial:
    """Who reads what, and what is signed and locked.

    Parameters
    ----------
    events : iterable of Event
        What happened, in order.

    Attributes
    ----------
    events : list of Event
        The same.
    assigned : dict of str to tuple of str
        The readers of each case, in the order in which the cases were dealt out.
    adjudicator : str
        Who decides where readers differ; empty = nobody.
    comparisons : dict of str to Compare
        Of the cases whose readings were compared and stand.
    signatures : dict of (str, str) to Sign
        By case and reader.
    locks : dict of str to Lock
        By case.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.assigned: dict[str, tuple[str, ...]] = {}
        self.adjudicator = ""
        self.comparisons: dict[str, Compare] = {}
        self.signatures: dict[tuple[str, str], Sign] = {}
        self.locks: dict[str, Lock] = {}
        for event in events:
            self.hear(event)

    @property
    def readers(self) -> list[str]:
        """Everyone who has cases, without the adjudicator, by name."""
        return sorted({name for names in self.assigned.values() for name in names})

    def hear(self, event: Event) -> None:
        """Let the next event happen."""
        self.events.append(event)
        match event:
            case Assign():
                self.assigned |= event.assigned
                self.adjudicator = event.adjudicator or self.adjudicator
            case Compare():
                self.comparisons[event.case] = event
            case Sign():
                self.signatures[event.case, event.reader] = event
            case Lock():
                self.locks[event.case] = event
            case Unlock(reader=""):
                self.locks.pop(event.case, None)
            case Unlock():
                self._reopen(event.case, event.reader)

    def _reopen(self, case: str, reader: str) -> None:
        """Void a signature, and what was made of the reading since."""
        self.signatures.pop((case, reader), None)
        if reader != self.adjudicator:
            self.comparisons.pop(case, None)
            self.signatures.pop((case, self.adjudicator), None)

    def stage(self, case: str) -> str:
        """Tell how far a case is, one of `STAGES`."""
        if not all((case, reader) in self.signatures for reader in self.assigned[case]):
            return READING
        if self.final_reader(case):
            return FINAL
        return TO_ADJUDICATE if case in self.comparisons else TO_COMPARE

    def final_reader(self, case: str) -> str:
        """Name whose reading of a case is the final one; empty while nobody's is.

        The only reader's; where several read it and do not differ the first one's; else the
        adjudicator's.
        """
        readers = self.assigned[case]
        if not all((case, reader) in self.signatures for reader in readers):
            return ""
        if len(readers) == 1:
            return readers[0]
        compared = self.comparisons.get(case)
        if compared is None:
            return ""
        if not compared.lesions:
            return readers[0]
        return self.adjudicator if (case, self.adjudicator) in self.signatures else ""

    def cases_of(self, reader: str) -> list[str]:
        """List what a reader has to read; of the adjudicator, where the readers differ."""
        if reader == self.adjudicator:
            return [
                case
                for case in self.assigned
                if case in self.comparisons and self.comparisons[case].lesions
            ]
        return [case for case, readers in self.assigned.items() if reader in readers]

    def why_closed(self, case: str, reader: str) -> str:
        """Say why a reader may not change a reading of a case; empty where nothing is against it.

        Returns
        -------
        str
            One sentence that names what to do.
        """
        if lock := self.locks.get(case):
            return (
                f"{case}: was locked by {lock.by} on {_day(lock)}; it is open to look only, "
                f'until fsh readers unlock --reason "…" opens it'
            )
        if signed := self.signatures.get((case, reader)):
            return (
                f"{case}: was signed by {reader} on {_day(signed)}; it is open to look only, "
                f'until fsh readers unlock --reader "{reader}" --reason "…" opens it'
            )
        if reader == self.adjudicator:
            if case in self.cases_of(reader):
                return ""
            return (
                f"{case}: has no difference for {reader} to adjudicate; "
                "fsh readers adjudicate compares what is signed"
            )
        if reader not in self.assigned.get(case, ()):
            return (
                f"{case}: is not assigned to {reader}; give the name as it was assigned in "
                "File > Preferences > F.sh, or choose a case of your own"
            )
        return ""


def _day(event: Event) -> str:
    return event.time[:_DATE_LETTERS]
