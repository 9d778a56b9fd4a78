"""The real client of nnInteractive, at a server that does what its protocol says and no more.

Needs the extra ``nninteractive``, which no other test and no default feature wants.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.review.answer import Question
from fsh_core.review.correct import GROW, SHRINK
from fsh_core.volume.volume import Volume
from fsh_napari.review.nninteractive import Conversation, connect

SHAPE = (6, 5, 4)
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


@pytest.fixture
def scan() -> Volume:
    rng = np.random.default_rng(0)
    return Volume(rng.random(SHAPE, dtype=np.float32), AFFINE)


@pytest.fixture
def own() -> np.ndarray:
    own = np.zeros(SHAPE, dtype=bool)
    own[1:3, 2, 1] = True
    return own


@pytest.fixture
def server(scan):
    """Serve the client's protocol; return the address, and what was asked for."""
    pytest.importorskip(
        "nnInteractive.inference.remote", reason="no client: pip install '.[nninteractive]'"
    )
    from nnInteractive.inference.remote.serialization import pack_array, unpack_array

    asked: list[str] = []
    state = {"lesion": np.zeros(SHAPE, dtype=np.uint8)}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words) -> None:
            pass

        def answer(self, content: bytes, **headers: str) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            asked.append(self.path)
            capabilities = {
                "supported_interactions": {"points": True},
                "channel_mapping": {},
                "num_interaction_channels": 7,
                "supports_initial_label": True,
                "supports_zero_shot_label_refinement": True,
                "preferred_scribble_thickness": [1, 1, 1],
                "interaction_decay": 0.9,
                "inference_session_version": 2,
            }
            self.answer(json.dumps(capabilities).encode())

        def do_POST(self) -> None:
            asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said: dict[str, object] = {}
            if self.path == "/claim":
                said = {"lease_token": "t"}
            elif self.path == "/set_image":
                image = unpack_array(body)
                np.testing.assert_array_equal(image, scan.data[None])
                said = {"original_image_shape": list(image.shape)}
            elif self.path == "/add_initial_seg_interaction":
                state["lesion"] = unpack_array(body).copy()
            elif self.path == "/add_point_interaction":
                point = json.loads(body)
                state["lesion"][tuple(point["coordinates"])] = point["include_interaction"]
                box = [[0, size] for size in SHAPE]
                meta = json.dumps({"ran_prediction": True, "bbox": box})
                self.answer(pack_array(state["lesion"]), X_Meta=meta)
                return
            self.answer(json.dumps(said).encode())

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}", asked
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_a_click_goes_there_and_back(scan, own, server) -> None:
    address, asked = server
    conversation = Conversation(address, scan, connect)
    answer = conversation.ask(Question(1, [(3, 2, 1)], GROW), own)
    assert np.argwhere(answer.lesion).tolist() == [[1, 2, 1], [2, 2, 1], [3, 2, 1]]
    assert answer.source.startswith("nnInteractive (client 2.")
    shrunk = conversation.ask(Question(1, [(1, 2, 1)], SHRINK), own)
    assert np.argwhere(shrunk.lesion).tolist() == [[2, 2, 1]]
    conversation.close()
    assert asked[0] == "/claim"
    assert asked[-1] == "/release"
    assert asked.count("/set_image") == 1


def test_nobody_is_there(scan, own) -> None:
    pytest.importorskip("nnInteractive.inference.remote")
    with pytest.raises(InputError, match=r"at http://127\.0\.0\.1:9 did not answer \("):
        Conversation("http://127.0.0.1:9", scan, connect).ask(Question(1, [(3, 2, 1)], GROW), own)
