"""What the next click in a plane is for: joining, adding, correcting, measuring or looking."""

import math
from collections.abc import Sequence

from fsh_core.errors import InputError
from fsh_core.review import ReviewEvent
from fsh_core.review.answer import Answer, Question
from fsh_core.review.correct import GROW, SHRINK
from fsh_napari.review.interfaces import CaseUnderReview, Point, Server, Stage, View, Voxel

_KEY_OF_PURPOSE = {"join": "J", "add": "I", GROW: "+", SHRINK: "-", "measure": "Shift+M"}
_TWO_ENDS = 2
_CORRECTED = {GROW: "grew", SHRINK: "shrank"}
_SCRIBBLED = (GROW, SHRINK)  # for these a line may be drawn, too


class Clicks:
    """The clicks of a reader.

    Parameters
    ----------
    view : View
        Is told what is waited for.
    stage : Stage
        Where the clicks are.
    server : Server or None
        Answers clicks where the reader wants that.

    Attributes
    ----------
    split_points : list of Voxel
        Where Shift was held, since the last split.
    """

    def __init__(self, view: View, stage: Stage, server: Server | None = None) -> None:
        self.view, self.stage, self._server = view, stage, server
        self.split_points: list[Voxel] = []
        self._purpose = ""
        self._ends: tuple[Point, ...] = ()

    def forget(self) -> None:
        """Let joining, adding, correcting and the points to split at be."""
        self.split_points = []
        self._wait_for("")
        self.show_ruler(())

    def show_ruler(self, ends: tuple[Point, ...]) -> None:
        """Keep the ends of the ruler, and draw it once there are two."""
        self._ends = ends
        self.stage.show_ruler(ends if len(ends) == _TWO_ENDS else ())

    def wait_to_measure(self) -> None:
        """Take the next two clicks for the ends of a ruler."""
        self._wait_for("measure")
        self.show_ruler(())
        self.view.show_message("Click one end of what is to be measured; Esc lets it be.")

    def _measure(self, point: Point) -> None:
        self.show_ruler((*self._ends, point))
        if len(self._ends) < _TWO_ENDS:
            self.view.show_message("Click the other end; Esc lets it be.")
            return
        self._wait_for("")
        self.view.show_message(
            f"{math.dist(*self._ends):.1f} mm; Esc takes the ruler away, Shift+M measures again."
        )

    def wait_to_join(self, label: int) -> None:
        """Take the next click for the lesion that joins another."""
        self._wait_for("join")
        self.view.show_message(f"Click the lesion that joins lesion {label}; Esc lets it be.")

    def wait_to_add(self) -> None:
        """Take the next click for a missed lesion."""
        self._wait_for("add")
        self.view.show_message("Click the missed lesion; Esc lets it be.")

    def wait_to_correct(self, label: int, tool: str) -> None:
        """Take the next click or scribble for the place where a lesion grows or shrinks."""
        self._wait_for(tool)
        self.view.show_message(f"Click or scribble where lesion {label} {tool}s; Esc lets it be.")

    def _wait_for(self, purpose: str) -> str:
        """Take the next click for something; return what it was for until now."""
        before, self._purpose = self._purpose, purpose
        if (before in _SCRIBBLED) != (purpose in _SCRIBBLED):
            self.stage.take_scribbles(purpose in _SCRIBBLED)
        return before

    def take(
        self, case: CaseUnderReview, point: Point, with_shift: bool
    ) -> tuple[ReviewEvent, str] | None:
        """Do what a click is for.

        Parameters
        ----------
        case : CaseUnderReview
            What is open.
        point : Point
            Where, in viewer mm.
        with_shift : bool
            Whether Shift was held.

        Returns
        -------
        (ReviewEvent, str) or None
            How the lesions changed, and what it is called; None if they did not.

        Raises
        ------
        InputError
            If there is no lesion to join, or nothing to add or to correct.
        """
        if self._purpose in _SCRIBBLED and not with_shift:
            return self.take_scribble(case, [point])
        if self._purpose == "measure" and not with_shift:
            self._measure(point)
            return None
        voxel = case.voxel_at(point)
        if voxel is None:
            self._miss()
            return None
        under = int(case.review.labels[voxel])
        if with_shift:
            self._mark(voxel)
            return None
        purpose = self._wait_for("")
        if purpose == "join":
            if not under:
                raise InputError("there is no lesion where you clicked; J begins again")
            label = self.view.label
            said = f"Lesion {under} joined lesion {label}; Ctrl+Z parts them."
            return case.review.join(label, under), said
        if purpose == "add":
            event = case.add_lesion_at(voxel)
            return event, f"Lesion {event.label} is new; paint to correct it."
        if under:
            self.view.show_message("")
            self.view.select(under)
        return None

    def take_scribble(
        self, case: CaseUnderReview, path: Sequence[Point]
    ) -> tuple[ReviewEvent, str] | None:
        """Correct the selected lesion where a line was drawn; see `take`."""
        voxels = [voxel for point in path if (voxel := case.voxel_at(point)) is not None]
        if not voxels:
            self._miss()
            return None
        tool, label = self._wait_for(""), self.view.label
        if tool not in _SCRIBBLED:  # let be while the mouse was down
            return None
        question = Question(label, voxels, tool)
        if self._server is not None and self._server.is_wanted and not case.review.is_read_only:
            self._server.ask(case, question)
            self.view.show_message(
                f"nnInteractive at {self._server.address} is asked about lesion {label}; go on "
                "meanwhile."
            )
            return None
        return _done(case.correct(label, voxels, tool), question)

    def take_answer(self, case: CaseUnderReview, answer: Answer) -> tuple[ReviewEvent, str] | None:
        """Correct a lesion as the server would have it; see `take`."""
        _check_is_there(case, answer.question)
        return _done(case.take_answer(answer), answer.question, " by nnInteractive")

    def do_without(
        self, case: CaseUnderReview, question: Question, why: str
    ) -> tuple[ReviewEvent, str] | None:
        """Correct a lesion by F.sh's own means, since there is no answer; see `take`."""
        _check_is_there(case, question)
        try:
            event = case.correct(question.label, question.scribble, question.tool)
        except InputError as error:
            raise InputError(f"{why}; F.sh's own correction: {error}") from error
        done = _done(event, question)
        return (done[0], f"⚠ {why}; F.sh's own correction was used. {done[1]}") if done else None

    def _miss(self) -> None:
        purpose = self._wait_for("")
        if purpose:
            key = _KEY_OF_PURPOSE[purpose]
            self.view.show_message(f"⚠ That was outside the scan; {key} begins again.")

    def _mark(self, voxel: Voxel) -> None:
        self.split_points.append(voxel)
        count = len(self.split_points)
        self.view.show_message(f"{count} points to split at; S splits, Esc forgets them.")


def _done(
    event: ReviewEvent | None, question: Question, by: str = ""
) -> tuple[ReviewEvent, str] | None:
    """Say what a correction did, if it did something."""
    if event is None:
        return None
    more = sum(change.voxels.size for change in event.changes)
    did = _CORRECTED[question.tool]
    return event, f"Lesion {question.label} {did} by {more} voxels{by}; Ctrl+Z takes it back."


def _check_is_there(case: CaseUnderReview, question: Question) -> None:
    if question.label not in case.review.lesions:
        raise InputError(
            f"lesion {question.label} is gone since nnInteractive was asked; nothing was changed"
        )
