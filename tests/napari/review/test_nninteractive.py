"""A server of nnInteractive: what it is sent, and what happens if it fails.

A class stands in for the client; the real one is in `tests/test_nninteractive_client.py`.
"""

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.review.answer import Question
from fsh_core.review.correct import GROW, SHRINK
from fsh_core.volume.volume import Volume
from fsh_napari.review import nninteractive
from fsh_napari.review.nninteractive import VARIABLE, Conversation, server_address

ADDRESS = "http://server:8000"
SHAPE = (6, 5, 4)
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


class FakeSession:
    """Answers a click with the object that it was sent, and the voxel that was clicked."""

    INFERENCE_SESSION_VERSION = 2

    def __init__(self, supports_initial_label: bool = True, fails: str = "") -> None:
        self.supports_initial_label = supports_initial_label
        self.fails = fails
        self.images, self.clicks, self.closed = [], [], 0

    def set_image(self, image, image_properties=None) -> None:
        self.images.append((image, image_properties))

    def set_target_buffer(self, target_buffer) -> None:
        self.buffer = target_buffer

    def reset_interactions(self) -> None:
        if self.fails:
            raise RuntimeError(self.fails)
        self.buffer[...] = 0

    def add_initial_seg_interaction(self, initial_seg) -> None:
        self.buffer[...] = initial_seg

    def add_point_interaction(self, coordinates, include_interaction) -> None:
        self.clicks.append((coordinates, include_interaction))
        self.buffer[tuple(coordinates)] = include_interaction

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def scan() -> Volume:
    rng = np.random.default_rng(0)
    return Volume(rng.random(SHAPE, dtype=np.float32), AFFINE)


@pytest.fixture
def own() -> np.ndarray:
    own = np.zeros(SHAPE, dtype=bool)
    own[1:3, 2, 1] = True
    return own


def test_it_is_offered_with_client_and_address_alone(monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(nninteractive, "_client_version", lambda: "2.6.0")
    assert server_address("") == ""
    assert server_address(ADDRESS) == ADDRESS
    monkeypatch.setenv(VARIABLE, " http://other:1 ")
    assert server_address("") == "http://other:1"
    assert server_address(ADDRESS) == ADDRESS
    monkeypatch.setattr(nninteractive, "_client_version", lambda: "")
    assert server_address(ADDRESS) == ""


def test_the_scan_is_sent_once_and_every_click_stands_alone(scan, own, monkeypatch) -> None:
    monkeypatch.setattr(nninteractive, "_client_version", lambda: "2.6.0")
    session = FakeSession()
    conversation = Conversation(ADDRESS, scan, lambda address: session)
    grown = conversation.ask(Question(1, [(2, 2, 1), (3, 2, 1), (4, 2, 1)], GROW), own)
    shrunk = conversation.ask(Question(1, [(1, 2, 1)], SHRINK), own)
    ((image, properties),) = session.images
    np.testing.assert_array_equal(image, scan.data[None])
    assert properties == {"spacing": [1.0, 1.0, 2.0]}
    assert session.clicks == [([3, 2, 1], True), ([1, 2, 1], False)]
    assert np.argwhere(grown.lesion)[:, 0].tolist() == [1, 2, 3]  # as it was after this click
    assert np.argwhere(shrunk.lesion)[:, 0].tolist() == [2]
    assert grown.tool == "grow by nnInteractive (client 2.6.0, server 2, answered 3 voxels)"
    conversation.close()
    conversation.close()
    assert session.closed == 1


def test_a_session_that_the_server_forgot_is_opened_anew(scan, own) -> None:
    sessions = [FakeSession(), FakeSession()]
    left = iter(sessions)
    conversation = Conversation(ADDRESS, scan, lambda address: next(left))
    conversation.ask(Question(1, [(3, 2, 1)], GROW), own)
    sessions[0].fails = "lease expired or unknown"
    assert conversation.ask(Question(1, [(3, 2, 1)], GROW), own).lesion.sum() == 3
    assert [len(session.images) for session in sessions] == [1, 1]
    assert sessions[0].closed == 1


def test_what_goes_wrong_is_one_sentence(scan, own) -> None:
    session = FakeSession(fails="lease expired or unknown")
    conversation = Conversation(ADDRESS, scan, lambda address: session)
    with pytest.raises(
        InputError, match=r"^nnInteractive at \S+ did not answer \(lease expired or unknown\)$"
    ):
        conversation.ask(Question(1, [(3, 2, 1)], GROW), own)
    assert session.closed == 1
    simple = FakeSession(supports_initial_label=False)
    conversation = Conversation(ADDRESS, scan, lambda address: simple)
    assert conversation.ask(Question(1, [(3, 2, 1)], GROW), own).lesion.sum() == 1
    with pytest.raises(InputError, match="cannot shrink what it has not drawn itself"):
        conversation.ask(Question(1, [(1, 2, 1)], SHRINK), own)
