"""Going through a list of lesions or of changes and deciding on each: the same in both reviews."""

from collections.abc import Callable
from typing import Protocol

from fsh_core.errors import InputError
from fsh_napari.signs import SIGNS


class ListView(Protocol):
    """What a panel with a list can be asked."""

    @property
    def labels(self) -> list[int]:
        """What is in the list, from the top; what a filter hides is not."""

    @property
    def label(self) -> int:
        """What is selected; 0 = nothing."""

    @property
    def goes_on(self) -> bool:
        """Whether a decision leads to what comes next."""

    def select(self, label: int) -> None:
        """Select in the list."""

    def show_message(self, sentence: str) -> None:
        """Tell the reader something."""


class Decisions(Protocol):
    """Where decisions are kept: a review of lesions or of changes."""

    def status(self, label: int, /) -> str:
        """Return what was decided."""

    def set_status(self, label: int, status: str, /) -> object:
        """Decide."""


class Walk:
    """A reader's way through a list.

    Parameters
    ----------
    view : ListView
        Has the list.
    go_to : callable
        Selects and shows what has a number.
    one, whole : str
        What an entry is called (``lesion``), and what it belongs to (``the case``).
    """

    def __init__(self, view: ListView, go_to: Callable[[int], None], one: str, whole: str) -> None:
        self.view, self.go_to, self.one, self.whole = view, go_to, one, whole
        self._asked_at = -1  # events there were when the reader was asked whether to complete

    def next(self) -> None:
        """Go to the next of the list."""
        self._step(1, "last")

    def previous(self) -> None:
        """Go to the one before."""
        self._step(-1, "first")

    def _step(self, by: int, end: str) -> None:
        labels = self.view.labels
        if not labels:
            raise InputError(f"no {self.one} is shown; change the filter")
        place = labels.index(self.view.label) + by if self.view.label in labels else 0
        if 0 <= place < len(labels):
            self.view.show_message("")  # what was said is about the one before
            self.go_to(labels[place])
        else:
            self.view.show_message(f"That was the {end} {self.one} of the list.")

    def chosen(self) -> int:
        """Return what is selected.

        Raises
        ------
        InputError
            If nothing is.
        """
        if not self.view.label:
            raise InputError(f"no {self.one} is selected; choose one from the list")
        return self.view.label

    def decide(self, review: Decisions, status: str, refresh: Callable[[], None]) -> None:
        """Decide on what is selected, and go on to what is undecided where that is wished."""
        label, labels = self.chosen(), self.view.labels  # before a filter hides what was decided
        place = labels.index(label)
        review.set_status(label, status)
        refresh()
        following = labels[place + 1 :] + labels[:place]
        waiting = [other for other in following if review.status(other) == "unreviewed"]
        decided = f"{self.one.capitalize()} {label}: {SIGNS[status]} {status}."
        if not waiting:
            decided += f" All in the list are decided; C completes {self.whole}."
        self.view.show_message(decided)
        if self.view.goes_on and waiting:
            self.go_to(waiting[0])
        else:
            self.view.select(label)

    # ---- the end

    def may_complete(self, undecided: int, events: int) -> bool:
        """Ask once before something undecided is left.

        Parameters
        ----------
        undecided : int
            How many are not decided.
        events : int
            Events there are in the journal: the answer counts where there are no new ones.
        """
        asked_at, self._asked_at = self._asked_at, events
        if not undecided or asked_at == events:
            self.forget_question()
            return True
        some = f"1 {self.one} is" if undecided == 1 else f"{undecided} {self.one}s are"
        self.view.show_message(
            f"⚠ {some} not decided. The same once more completes {self.whole} all the same."
        )
        return False

    def forget_question(self) -> None:
        """Ask again next time."""
        self._asked_at = -1
