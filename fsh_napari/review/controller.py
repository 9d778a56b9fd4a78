"""What a review does: its state, and a command for every key. It knows no widget.

What it needs of the window stands in `fsh_napari.review.interfaces`: a view shows the list, a
stage shows where lesions lie. `fsh_napari.review.keys` says which key calls which command.
"""

from collections.abc import Callable, Sequence

from fsh_core.errors import InputError
from fsh_core.review import ReviewEvent, other_readers
from fsh_core.review.answer import Answer, Question
from fsh_core.review.correct import GROW, SHRINK
from fsh_core.review.events import COMPLETED
from fsh_core.review.open import hides_others
from fsh_napari.presets import WindowPresets
from fsh_napari.review.clicks import Clicks
from fsh_napari.review.completing import Completion
from fsh_napari.review.interfaces import CaseUnderReview, Point, Saver, Server, Stage, View
from fsh_napari.review.looking import Looking
from fsh_napari.review.readers import (
    agreement_in_words,
    check_may_see,
    check_shows_others,
    reveal_others,
)
from fsh_napari.review.signing import Signing
from fsh_napari.walk import Walk


class ReviewController:
    """A review in progress.

    Parameters
    ----------
    view : View
        Shows the list.
    stage : Stage
        Shows the lesions in the scan.
    saver : Saver
        Writes the corrected lesions.
    is_blinded : callable
        Tells whether other readers' decisions stay hidden until this reader has completed the
        case; asked each time, since the reader may change it meanwhile.
    server : Server or None
        Answers clicks where the reader wants that.

    Attributes
    ----------
    case : CaseUnderReview or None
        What is open.
    has_cohort : bool
        Whether there is a next case.
    look : Looking
        The commands that change only what is seen.
    presets : WindowPresets
        Window and level.
    """

    def __init__(
        self,
        view: View,
        stage: Stage,
        saver: Saver,
        is_blinded: Callable[[], bool],
        server: Server | None = None,
    ) -> None:
        self.view, self.stage, self.is_blinded = view, stage, is_blinded
        self.case: CaseUnderReview | None = None
        self.has_cohort = False
        self._loading = ""  # the case that is on its way
        self.look = Looking(stage, self.opened)
        self.presets = WindowPresets(stage, self.opened)
        self._clicks = Clicks(view, stage, server)
        self._walk = Walk(view, self.go_to, "lesion", "the case")
        self._completion = Completion(view, saver, self._walk)
        self._signing = Signing(view)

    # ---- the case

    def loads(self, name: str) -> None:
        """Hear that a case is being loaded."""
        self._loading = name

    def begin(self, case: CaseUnderReview) -> None:
        """Review a case from where this reader stopped."""
        self._loading = ""
        self.case = case
        self._clicks.forget()
        self._completion.begin(case)
        self.refresh()

    def end(self) -> None:
        """Keep what was painted; no case is open any more."""
        self.case, self._loading = None, ""
        self._clicks.forget()

    def opened(self) -> CaseUnderReview:
        """Return the case.

        Raises
        ------
        InputError
            If none is open.
        """
        if self._loading:
            raise InputError(f"{self._loading} is still being loaded; one moment")
        if self.case is None:
            raise InputError("no record is open; open one first")
        return self.case

    def chosen(self) -> int:
        """Return the selected lesion.

        Raises
        ------
        InputError
            If none is selected.
        """
        self.opened()
        return self._walk.chosen()

    def refresh(self) -> None:
        """Bring the list up to date, and the saved files where completion came or went."""
        case = self.opened()
        self.view.show_case(case)
        self.stage.event_kept()
        self._completion.follow(case)

    # ---- going from lesion to lesion

    def go_to(self, label: int, note: bool = True) -> None:
        """Select a lesion and put the crosshair on a voxel inside it; ``note`` keeps the visit."""
        case = self.opened()
        self.view.select(label)
        self.stage.go_to(case.inside(label))
        if note:
            case.review.visit(label)

    def next(self) -> None:
        """Go to the next lesion of the list."""
        self._walk.next()

    def previous(self) -> None:
        """Go to the one before."""
        self._walk.previous()

    # ---- deciding

    def accept(self) -> None:
        """Accept the lesion."""
        self._decide("accepted")

    def reject(self) -> None:
        """Reject the lesion; it stays visible, and does not count."""
        self._decide("rejected")

    def unsure(self) -> None:
        """Leave the decision open."""
        self._decide("unsure")

    def _decide(self, status: str) -> None:
        self._walk.decide(self.opened().review, status, self.refresh)

    def note_lesion(self) -> None:
        """Write a note about the lesion, or where none is selected about the case."""
        self.opened()
        self.view.ask_for_note()

    def set_note(self, text: str) -> None:
        """Keep a note about the selected lesion, or about the case."""
        if self.case is not None and self.case.review.set_note(self.view.label, text):
            self.refresh()

    # ---- correcting

    def delete(self) -> None:
        """Remove the lesion's voxels."""
        label, labels = self.chosen(), self.view.labels
        place = labels.index(label)
        following = labels[place + 1 :] or labels[:place][::-1]
        self._show(self.opened().review.delete(label))
        self.view.show_message(f"Lesion {label} is deleted; Ctrl+Z brings it back.")
        if following:
            self.go_to(following[0])

    def split(self) -> None:
        """Split the lesion, at the points set with Shift and click, or by its shape."""
        label, points = self.chosen(), self._clicks.split_points
        self._clicks.split_points = []
        self._show(self.opened().review.split(label, points))
        self.view.select(label)
        self.view.show_message(f"Lesion {label} is split.")

    def join(self) -> None:
        """Join the lesion with the one that is clicked next."""
        label = self.chosen()
        self.stage.hear_clicks()
        self._clicks.wait_to_join(label)

    def add(self) -> None:
        """Grow a missed lesion where the next click is."""
        self.opened()
        self.stage.hear_clicks()
        self._clicks.wait_to_add()

    def grow(self) -> None:
        """Grow the lesion where the next click or scribble is."""
        self._clicks.wait_to_correct(self.chosen(), GROW)

    def shrink(self) -> None:
        """Shrink the lesion where the next click or scribble is."""
        self._clicks.wait_to_correct(self.chosen(), SHRINK)

    def fill_between_slices(self) -> None:
        """Fill the lesion between the slices in which it is painted."""
        label = self.chosen()
        self._show(self.opened().review.fill_between_slices(label))
        self.view.show_message(f"Lesion {label} is filled between its slices; undo is Ctrl+Z.")

    def measure(self) -> None:
        """Measure the distance between the next two clicks."""
        self.opened()
        self.stage.hear_clicks()
        self._clicks.wait_to_measure()

    def diameters(self) -> None:
        """Draw the longest diameters of the selected lesion, or take them away."""
        self.stage.toggle_diameters(self.chosen())

    def cancel(self) -> None:
        """Leave joining, adding, correcting and the help."""
        self._clicks.forget()
        self._walk.forget_question()
        self.stage.hide_keys()
        self.view.show_message("")

    def clicked(self, point: Point, with_shift: bool) -> None:
        """Answer a click in a plane."""
        self._show_done(self._clicks.take(self.opened(), point, with_shift))

    def scribbled(self, path: Sequence[Point]) -> None:
        """Answer a line that was drawn in a plane."""
        self._show_done(self._clicks.take_scribble(self.opened(), path))

    def answered(self, answer: Answer) -> None:
        """Correct a lesion as a server answered."""
        self._show_done(self._clicks.take_answer(self.opened(), answer))

    def unanswered(self, question: Question, why: str) -> None:
        """Correct a lesion without the server, which failed."""
        self._show_done(self._clicks.do_without(self.opened(), question, why))

    def _show_done(self, done: tuple[ReviewEvent, str] | None) -> None:
        if done is None:
            return
        event, said = done
        if event.kind == "add":
            self.view.show_whole_list()  # else the new lesion would not be listed
        self._show(event)
        if event.kind == "add":
            self.go_to(event.label)
        self.view.show_message(said)

    def painted(self, event: ReviewEvent) -> None:
        """Answer a stroke of the brush, which is kept already."""
        self.refresh()
        self.view.show_message(f"Painted lesion {event.label}; Ctrl+Z takes the stroke back.")

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
        labels = self.view.labels
        self._show(event)
        if event.label in self.view.labels or not self.view.label:
            self._select_nearest(event.label, labels)
        of_lesion = f" of lesion {event.label}" if event.label else ""
        act = event.tool or event.kind
        self.view.show_message(f"{act[0].upper()}{act[1:]}{of_lesion} is {what}.")

    def _select_nearest(self, label: int, before: list[int]) -> None:
        """Go to a lesion; where it is gone, to the one that stood beside it in the list."""
        place = before.index(label) if label in before else 0
        order = [label, *before[place:], *before[:place][::-1], *self.view.labels]
        there = [one for one in order if one in self.view.labels]
        if there:
            self.go_to(there[0], note=False)

    def _show(self, event: ReviewEvent) -> None:
        self.opened().show(event)
        self.refresh()

    def brush_in_3d(self) -> None:
        """Let napari's brush and eraser paint through the slices, or in one."""
        self.opened()
        self.view.toggle_brush_in_3d()

    def brush_range(self) -> None:
        """Limit brush and eraser to a range of intensities, of probabilities, or not."""
        self.opened()
        self.view.next_brush_range()

    # ---- other readers, and the end

    def reveal(self) -> None:
        """Show what other readers decided, and how far they agree; the journal keeps that."""
        case = self.opened()
        check_shows_others(case.stored)
        if not other_readers(case.stored, case.review.reader):
            self.view.show_message("Nobody else has read this case.")
            return
        if self.is_blinded():
            check_may_see(case.review)
        agreements = reveal_others(case)
        self.refresh()
        self.view.show_message(" ".join(agreement_in_words(found) for found in agreements))

    def save(self) -> None:
        """Write the corrected lesions beside the original."""
        self._completion.save(self.opened())

    def saved(self, name: str, mask: str) -> None:
        """Hear that a case was written."""
        self._completion.saved(name, mask)

    def complete(self) -> None:
        """Complete the case: write the corrected lesions, and go on with the cohort."""
        case = self.opened()
        self.set_case_status(COMPLETED)
        if case.review.case_status != COMPLETED:
            return  # lesions are open, and the reader was asked
        if self.has_cohort:
            self.stage.open_next_case()
        elif hides_others(case.stored):
            self.view.show_message("Saved. Shift+S signs it; nothing can be changed any more then.")
        elif other_readers(case.stored, case.review.reader):
            if case.review.is_final or not self.is_blinded():
                self.reveal()
            else:
                self.view.show_message(
                    "Saved. What the other readers decided is shown once every lesion is decided."
                )

    def set_case_status(self, status: str) -> None:
        """Set the status of the whole case; asks before lesions are left undecided."""
        case = self.opened()
        if status == COMPLETED and not self._completion.may_complete(case):
            self.view.show_case(case)  # the box shows what holds
            return
        if case.review.set_case_status(status) is None and status == COMPLETED:
            self.save()
        self.refresh()

    def sign(self) -> None:
        """Sign the completed case of a trial; asks first."""
        self._signing.sign(self.opened())

    def next_case(self) -> None:
        """Go on with the cohort, leaving this case as it is."""
        if not self.has_cohort:
            raise InputError("no cohort is open; open its folder in Plugins > F.sh > Cohort")
        self.stage.open_next_case()
