"""What a review of changes does: its state, and a command for every key. It knows no widget.

What it needs of the window stands in `fsh_napari.changes.interfaces`; `fsh_napari.changes.keys`
says which key calls which command.
"""

from fsh_core.errors import InputError
from fsh_core.follow_up import save_change_review
from fsh_core.review import ReviewEvent
from fsh_core.review.events import COMPLETED
from fsh_napari.changes.interfaces import PairUnderReview, Stage, View
from fsh_napari.presets import WindowPresets
from fsh_napari.review.interfaces import Point
from fsh_napari.walk import Walk


class ChangesController:
    """A review of the changes between two visits in progress.

    Parameters
    ----------
    view : View
        Shows the list.
    stage : Stage
        Shows both visits.

    Attributes
    ----------
    pair : PairUnderReview or None
        What is open.
    presets : WindowPresets
        Window and level of both visits.
    """

    def __init__(self, view: View, stage: Stage) -> None:
        self.view, self.stage = view, stage
        self.pair: PairUnderReview | None = None
        self.presets = WindowPresets(stage, self.opened)
        self._adds = False  # whether the next click adds a lesion
        self._walk = Walk(view, self.go_to, "change", "these visits")
        self._was_completed = False

    # ---- the pair

    def begin(self, pair: PairUnderReview) -> None:
        """Review two visits from where this reader stopped."""
        self.pair, self._adds = pair, False
        self._walk.forget_question()
        self._was_completed = pair.review.case_status == COMPLETED
        self.refresh()
        labels = self.view.labels
        waiting = [label for label in labels if pair.review.status(label) == "unreviewed"]
        last = pair.review.last_label
        start = last if last in labels else next(iter(waiting or labels), 0)
        if start:
            self.go_to(start, note=False)

    def end(self) -> None:
        """No visits are open any more; what was decided is on the disk."""
        self.pair, self._adds = None, False

    def opened(self) -> PairUnderReview:
        """Return the two visits.

        Raises
        ------
        InputError
            If none are open.
        """
        if self.pair is None:
            raise InputError("no visits are open; choose a followed patient first")
        return self.pair

    def refresh(self) -> None:
        """Bring the list up to date, and the saved table where completion came or went."""
        pair = self.opened()
        self.view.show_pair(pair)
        is_completed = pair.review.case_status == COMPLETED
        if is_completed != self._was_completed:
            self._was_completed = is_completed
            self.save()

    # ---- going from change to change

    def go_to(self, label: int, note: bool = True) -> None:
        """Select a change and show it in both visits; ``note`` keeps the visit."""
        pair = self.opened()
        self.view.select(label)
        self.stage.go_to(pair.inside(label))
        if note:
            pair.review.visit(label)

    def next(self) -> None:
        """Go to the next change of the list, in both visits."""
        self.opened()
        self._walk.next()

    def previous(self) -> None:
        """Go to the one before."""
        self.opened()
        self._walk.previous()

    # ---- deciding

    def accept(self) -> None:
        """Accept the change: it is real."""
        self._decide("accepted")

    def reject(self) -> None:
        """Reject the change: nothing changed there; it stays visible, and does not count."""
        self._decide("rejected")

    def unsure(self) -> None:
        """Leave the decision open."""
        self._decide("unsure")

    def _decide(self, status: str) -> None:
        self._walk.decide(self.opened().review, status, self.refresh)

    def note_change(self) -> None:
        """Write a note about the change, or where none is selected about both visits."""
        self.opened()
        self.view.ask_for_note()

    def set_note(self, text: str) -> None:
        """Keep a note about the selected change, or about both visits."""
        if self.pair is not None and self.pair.review.set_note(self.view.label, text):
            self.refresh()

    # ---- what was missed

    def add(self) -> None:
        """Add a missed new lesion where the next click is."""
        self.opened()
        self._adds = True
        self.view.show_message("Click the missed new lesion, in either visit; Esc lets it be.")

    def cancel(self) -> None:
        """Leave adding and the help."""
        self._adds = False
        self._walk.forget_question()
        self.stage.hide_keys()
        self.view.show_message("")

    def clicked(self, point: Point) -> None:
        """Answer a click, in viewer mm of the later visit."""
        pair = self.opened()
        if self._adds:
            self._adds = False
            event = pair.add_at(point)
            self.view.show_whole_list()  # else the new lesion would not be listed
            self._show(event)
            self.go_to(event.label)
            self.view.show_message(
                f"Change {event.label} is a new lesion that you added; Ctrl+Z takes it back."
            )
            return
        under = pair.change_at(point)
        if under in self.view.labels:
            self.view.show_message("")
            self.view.select(under)

    def undo(self) -> None:
        """Take the last event back, whatever it was."""
        self._take(self.opened().review.undo(), "undone", "There is nothing to undo.")

    def redo(self) -> None:
        """Do again what was undone."""
        self._take(self.opened().review.redo(), "done again", "There is nothing to do again.")

    def _take(self, event: ReviewEvent | None, what: str, nothing: str) -> None:
        if event is None:
            self.view.show_message(nothing)
            return
        self._show(event)
        if event.label in self.view.labels:
            self.go_to(event.label, note=False)
        of_change = f" of change {event.label}" if event.label else ""
        self.view.show_message(f"{event.kind.capitalize()}{of_change} is {what}.")

    def _show(self, event: ReviewEvent) -> None:
        if event.changes:
            self.stage.show_changes()
        self.refresh()

    # ---- looking: nothing of it is an event

    def swap_visits(self) -> None:
        """Show the other visit in the large view, at the same place."""
        self.opened()
        self.stage.swap_visits()

    def difference(self) -> None:
        """Show or hide the difference of the scans."""
        self.opened()
        self.stage.toggle_difference()

    def hide_outlines(self) -> None:
        """Hide or show all outlines."""
        self.opened()
        self.stage.toggle_outlines()

    def next_plane(self) -> None:
        """Show both visits in the next plane."""
        self.opened()
        self.stage.next_plane()

    def show_keys(self) -> None:
        """Show or hide the help."""
        self.stage.toggle_keys()

    # ---- the end

    def save(self) -> None:
        """Write the changes as they were judged, beside those that were found."""
        pair = self.opened()
        table = save_change_review(pair.record_path, pair.review.reader)["table"]
        self.view.show_message(f"Saved beside the changes that were found: {table.name}.")

    def complete(self) -> None:
        """Complete these visits and save; asks before changes are left undecided."""
        pair = self.opened()
        if not self._may_complete(pair):
            return
        if pair.review.set_case_status(COMPLETED) is None:
            self.save()
        self.refresh()

    def _may_complete(self, pair: PairUnderReview) -> bool:
        """Ask once before undecided changes are left."""
        is_completed = pair.review.case_status == COMPLETED
        undecided = 0 if is_completed else int((pair.listed()["status"] == "unreviewed").sum())
        return self._walk.may_complete(undecided, len(pair.review.journal.events))
