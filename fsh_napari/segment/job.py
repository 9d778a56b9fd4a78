"""What the process beside the window does: read a job, segment, leave the result in a file.

Run as a program, ``python -m fsh_napari.segment.job FILE``; it says what it does in lines of JSON.
"""

import json
import os
import pickle
import shutil
import sys
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.pipeline import segment_case

NETWORK = "fsh_core.inference.predict"
WITH_PARENT = "--end-with-parent"


@dataclass(frozen=True)
class Job:
    """What to segment.

    Attributes
    ----------
    flair, brain : str
        Files; an empty brain is found by itself.
    subject, session : str
        Whose; an empty session is none.
    weights : str
        A ``.safetensors`` file; empty = bundled.
    settings : dict
        A `SegmentConfig`.
    module : str
        Module with ``load_predictor`` and ``BrainFinder``.
    channels : dict of str to str
        Other images, by channel.
    """

    flair: str
    subject: str
    session: str = ""
    brain: str = ""
    weights: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    module: str = NETWORK
    channels: dict[str, str] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """The case."""
        channels = {"FLAIR": Path(self.flair)} | {
            name: Path(path) for name, path in self.channels.items()
        }
        return Case(
            self.subject,
            self.session or None,
            channels,
            brain=Path(self.brain) if self.brain else None,
        )


def missing_openvino() -> str:
    """Say how to install OpenVINO; empty if it is there. It is not imported."""
    if find_spec("openvino") is not None:
        return ""
    return (
        "Segmenting needs OpenVINO, which is not installed: "
        "run pip install openvino, then restart napari."
    )


def main(path: Path) -> int:
    """Segment what a job's file says; the process beside the window."""
    try:
        job = Job(**json.loads(path.read_text()))
        config = SegmentConfig(**job.settings)
        # OpenVINO enters here, and in no other place of the plugin.
        network = import_module(job.module)
        predictor = network.load_predictor(Path(job.weights) if job.weights else None, config)
        finder = network.BrainFinder(config.device)
        found = segment_case(job.case, predictor, config, finder=finder, on_patch=_tell)
        with open(path.with_name("result"), "wb") as file:
            pickle.dump(found, file, protocol=5)
    except InputError as error:
        _fail(str(error))
        return 2
    except MemoryError:
        _fail("not enough memory; close other programs or choose a smaller patch")
        return 2
    except Exception as error:
        traceback.print_exc()
        _fail(f"{type(error).__name__}: {error}; the log says more")
        return 1
    return 0


def _fail(sentence: str) -> None:
    print(json.dumps({"error": sentence}), flush=True)


def _tell(done: int, total: int) -> None:
    print(json.dumps({"done": done, "total": total}), flush=True)


def end_with_parent(folder: Path) -> None:
    """End this process, and remove its folder, as soon as the window's process is gone.

    Nothing is ever written to the pipe that stands for standard input: it ends with the process
    that holds its other end, however that ended.
    """
    standard_input = sys.stdin.fileno()

    def wait() -> None:
        # Not through sys.stdin, whose lock Python wants when it ends.
        while os.read(standard_input, 1):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    job_file = Path(sys.argv[1])
    if WITH_PARENT in sys.argv:
        end_with_parent(job_file.parent)
    sys.exit(main(job_file))
