"""Clicks that a server of nnInteractive answers, beside the window."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from fsh_core.errors import InputError
from fsh_core.review.answer import Answer, Question
from fsh_napari.review.interfaces import CaseUnderReview
from fsh_napari.review.nninteractive import Conversation, Session, connect
from fsh_napari.task import Task


@dataclass(frozen=True)
class _Reply:
    """What came of a question: an answer, or why there is none."""

    question: Question
    answer: Answer | None
    why_none: str = ""


class ServerClicks(QObject):
    """Asks a server about clicks in the case that is open; the window goes on meanwhile.

    Signals
    -------
    answered : Answer
        What the server makes of the lesion.
    failed : (Question, str)
        What was asked, and why there is no answer.

    Parameters
    ----------
    parent : QObject
        Whom it belongs to.
    open_session : callable
        Opens a session at an address.

    Attributes
    ----------
    address : str
        Of the server.
    is_wanted : bool
        Whether the reader wants it to be asked.
    """

    answered = Signal(object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject, open_session: Callable[[str], Session] = connect) -> None:
        super().__init__(parent)
        self.address, self.is_wanted = "", False
        self.open_session = open_session
        self._conversation: Conversation | None = None
        self._asked: Question | None = None  # what is not answered yet

    def want(self, wanted: bool) -> None:
        """Ask the server from now on, or no longer."""
        self.is_wanted = wanted

    def ask(self, case: CaseUnderReview, question: Question) -> None:
        """Send a question; `answered` or `failed` comes later, unless the case is left.

        Raises
        ------
        InputError
            If the question before is not answered yet, or there is no scan to send.
        """
        if self._asked is not None:
            raise InputError(
                "nnInteractive is still at the click before; wait for it, or switch to F.sh's own"
            )
        if case.flair is None:
            raise InputError(
                "there is no scan that could be sent to nnInteractive; switch to F.sh's own"
            )
        if self._conversation is None or self._conversation.address != self.address:
            self.leave()
            self._conversation = Conversation(self.address, case.flair, self.open_session)
        self._asked = question
        own = case.review.labels == question.label
        task = Task(partial(_ask, self._conversation, question, own))
        task.finished.connect(self._on_reply)
        task.start()

    def leave(self) -> None:
        """Leave the server, and do not wait for an answer: the case is closed."""
        conversation, self._conversation = self._conversation, None
        self._asked = None
        if conversation is not None:
            Task(conversation.close).start()

    def _on_reply(self, reply: _Reply) -> None:
        if reply.question is not self._asked:
            return  # the case was left meanwhile
        self._asked = None
        if reply.answer is not None:
            self.answered.emit(reply.answer)
        else:
            self.failed.emit(reply.question, reply.why_none)


def _ask(conversation: Conversation, question: Question, own: NDArray[np.bool_]) -> _Reply:
    try:
        return _Reply(question, conversation.ask(question, own))
    except InputError as error:
        return _Reply(question, None, str(error))
