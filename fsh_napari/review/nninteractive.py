"""A server of nnInteractive that answers clicks, asked only where the reader chose that.

The client is ``nninteractive-client`` (Isensee et al. 2025, arXiv:2503.08373), which is not part
of F.sh. What is used of it is in `Session`. The scan is sent to the server.
"""

import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError
from fsh_core.review.answer import Answer, Question
from fsh_core.review.correct import GROW
from fsh_core.volume.volume import Volume

PACKAGE = "nninteractive-client"
VARIABLE = "FSH_NNINTERACTIVE_SERVER"
"""Environment variable with the server's address; the one in the preferences comes first."""
_TIMEOUT_S = 30.0  # for one click; the client's own is a minute


class Session(Protocol):
    """What is used of `nnInteractiveRemoteInferenceSession`, version 2.6.0."""

    supports_initial_label: bool
    INFERENCE_SESSION_VERSION: Any

    def set_image(self, image: NDArray[Any], image_properties: Any = None) -> None:
        """Send a scan, (1, I, J, K)."""

    def set_target_buffer(self, target_buffer: NDArray[Any]) -> None:
        """Name the array, (I, J, K), that the answers are written into."""

    def reset_interactions(self) -> None:
        """Forget what was clicked, and empty the array."""

    def add_initial_seg_interaction(self, initial_seg: NDArray[Any]) -> Any:
        """Send the object as it is, (I, J, K)."""

    def add_point_interaction(self, coordinates: Any, include_interaction: bool) -> Any:
        """Send a click, and wait for the answer."""

    def close(self) -> None:
        """Leave the server."""


def server_address(preferred: str) -> str:
    """Return the address of a server, from the preferences or `VARIABLE`.

    Empty where there is none, or the client is not installed.
    """
    return (preferred or os.environ.get(VARIABLE, "")).strip() if _client_version() else ""


def connect(address: str) -> Session:
    """Open a session at a server; its key is taken from ``NN_INTERACTIVE_API_KEY``."""
    # By name and here: it is no part of F.sh, and is loaded only where it is wanted.
    remote = import_module("nnInteractive.inference.remote")
    session: Session = remote.nnInteractiveRemoteInferenceSession(address, read_timeout=_TIMEOUT_S)
    return session


class Conversation:
    """One scan at a server: it is sent with the first question.

    Parameters
    ----------
    address : str
        Of the server.
    scan : Volume
        (I, J, K) float32.
    open_session : callable
        Opens a session at an address.
    """

    def __init__(
        self, address: str, scan: Volume, open_session: Callable[[str], Session] = connect
    ) -> None:
        self.address, self._scan, self._open = address, scan, open_session
        self._session: Session | None = None
        self._buffer = np.zeros(scan.shape, dtype=np.uint8)
        self._one_at_a_time = Lock()

    def ask(self, question: Question, own: NDArray[np.bool_]) -> Answer:
        """Send a click and return the answer; takes as long as the server does.

        Parameters
        ----------
        question : Question
            The click.
        own : (I, J, K) bool
            The lesion as it is now.

        Raises
        ------
        InputError
            If the server does not answer.
        """
        with self._one_at_a_time:
            try:
                return self._answer_or_begin_anew(question, own)
            except InputError:
                raise
            # Whatever goes wrong in client or server, the reader goes on without them.
            except Exception as error:
                self._leave()
                reason = str(error) or type(error).__name__
                raise InputError(
                    f"nnInteractive at {self.address} did not answer ({reason})"
                ) from error

    def _answer_or_begin_anew(self, question: Question, own: NDArray[np.bool_]) -> Answer:
        if self._session is None:
            return self._answer(question, own)
        try:
            return self._answer(question, own)
        except RuntimeError:  # a server forgets a session after some minutes without a click
            self._leave()
            return self._answer(question, own)

    def _answer(self, question: Question, own: NDArray[np.bool_]) -> Answer:
        session = self._opened()
        session.reset_interactions()
        if session.supports_initial_label:
            session.add_initial_seg_interaction(own.astype(np.uint8))
        elif question.tool != GROW:
            raise InputError(
                f"nnInteractive at {self.address} cannot shrink what it has not drawn itself"
            )
        # Of a scribble its middle: one place is what a point stands for.
        middle = [int(axis) for axis in question.scribble[len(question.scribble) // 2]]
        session.add_point_interaction(middle, include_interaction=question.tool == GROW)
        source = (
            f"nnInteractive (client {_client_version()}, "
            f"server {session.INFERENCE_SESSION_VERSION}, answered "
            f"{np.count_nonzero(self._buffer)} voxels)"
        )
        return Answer(question, self._buffer > 0, source)

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._open(self.address)
            spacing_mm = [float(size) for size in self._scan.spacing_mm]
            self._session.set_image(
                self._scan.data[None].astype(np.float32), {"spacing": spacing_mm}
            )
            self._session.set_target_buffer(self._buffer)
        return self._session

    def close(self) -> None:
        """Leave the server, after the question that is asked at the moment."""
        with self._one_at_a_time:
            self._leave()

    def _leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _client_version() -> str:
    """Version of the client; empty where it is not installed."""
    try:
        return version_of(PACKAGE)
    except PackageNotFoundError:
        return ""
