"""The network on the processor, through OpenVINO."""

import os
from functools import cache
from queue import SimpleQueue

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.special import expit

from fsh_core.config import Precision, Size3
from fsh_core.network.build import build_graph
from fsh_core.network.checkpoint import EnsembleMember
from fsh_core.network.quiet_openvino import ov

_MOST_WORKERS = 8  # each holds one patch's activations, about 0.2 GB


class CpuNetwork:
    """A network for patches of one size; as many at once as there are workers, one a core.

    Faster than all cores on one patch, whose layers are too small to share, and the bytes do
    not depend on the number of cores.

    Parameters
    ----------
    member : EnsembleMember
        Configuration and weights.
    patch_size : (int, int, int)
        Voxels.
    precision : str
        See `fsh_core.config.SegmentConfig`.

    Raises
    ------
    ValueError
        If the weights are not those of the configuration.
    """

    def __init__(self, member: EnsembleMember, patch_size: Size3, precision: Precision) -> None:
        precise = precision == "fp32" or (precision == "auto" and not multiplies_bfloat16())
        compiled = _core().compile_model(
            build_graph(member.config, member.weights, patch_size),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32" if precise else "bf16",
                "NUM_STREAMS": workers(),
                "INFERENCE_NUM_THREADS": workers(),
                # Pinned, two processes side by side would choose the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(workers()):
            self._idle.put(compiled.create_infer_request())

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn (B, C, I, J, K) patches into (B, I, J, K) probabilities; threads may share it."""
        request = self._idle.get()
        try:
            return np.stack([expit(request.infer([patch[None]])[0][0, 0]) for patch in patches])
        finally:
            self._idle.put(request)


@cache
def _core() -> ov.Core:
    return ov.Core()


def multiplies_bfloat16() -> bool:
    """Tell whether the processor multiplies bfloat16 natively; elsewhere float32 is faster."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def workers() -> int:
    """Return how many patches run at once: the cores of this process, or ``OMP_NUM_THREADS``."""
    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    cores = min(allowed, psutil.cpu_count(logical=False) or allowed)
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked) if asked.isdecimal() and int(asked) else cores, _MOST_WORKERS)
