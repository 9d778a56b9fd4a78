"""The network on the processor, through OpenVINO."""

import os
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.special import expit

from fsh_core.config import Arithmetic, Size3
from fsh_core.errors import InputError
from fsh_core.network.build import build_graph
from fsh_core.network.checkpoint import EnsembleMember
from fsh_core.network.eight_bits import EightBits, Ranges, round_to_eight_bits
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
    arithmetic : str
        In which numbers it multiplies, see `chosen_arithmetic`.
    ranges : mapping, optional
        Of `fsh_core.network.eight_bits`: for ``int8``.

    Raises
    ------
    ValueError
        If the weights are not those of the configuration, or the ranges not of the weights.
    """

    def __init__(
        self,
        member: EnsembleMember,
        patch_size: Size3,
        arithmetic: Arithmetic,
        ranges: Ranges | None = None,
    ) -> None:
        graph = build_graph(member.config, member.weights, patch_size)
        if arithmetic == "int8":
            round_to_eight_bits(graph, ranges or {})
        # What is no convolution is not in eight bits.
        others = ("bf16" if multiplies_bfloat16() else "fp32") if ranges else arithmetic
        self._compiled = _core().compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if others == "bf16" else "f32",
                "NUM_STREAMS": workers(),
                "INFERENCE_NUM_THREADS": workers(),
                # Pinned, two processes side by side would choose the same cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(workers()):
            self._idle.put(self._compiled.create_infer_request())

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn (B, C, I, J, K) patches into (B, I, J, K) probabilities; threads may share it."""
        request = self._idle.get()
        try:
            return np.stack([expit(request.infer([patch[None]])[0][0, 0]) for patch in patches])
        finally:
            self._idle.put(request)

    def rest(self) -> None:
        """Give back the memory of its activations, until it is called again."""
        self._compiled.release_memory()


@cache
def _core() -> ov.Core:
    return ov.Core()


def chosen_arithmetic(
    asked: Literal["auto", Arithmetic], eight_bits: EightBits | None
) -> Arithmetic:
    """Choose in which numbers a network multiplies on this processor.

    Parameters
    ----------
    asked : str
        See `fsh_core.config.SegmentConfig`.
    eight_bits : EightBits or None
        What the weights have for it.

    Returns
    -------
    str
        Of ``auto`` the fastest whose results were found to be close enough to float32.

    Raises
    ------
    InputError
        If eight bits or bfloat16 are asked for, and the weights or the processor are not made
        for them: OpenVINO would compute in float32 and not say so.
    """
    if asked == "auto":
        if eight_bits is not None and eight_bits.by_default and multiplies_eight_bits():
            return "int8"
        return "bf16" if multiplies_bfloat16() else "fp32"
    if asked == "int8" and eight_bits is None:
        raise InputError(
            "--precision int8: these weights have no ranges for eight bits beside them; make them "
            "with scripts/make_eight_bits.py, or use --precision auto"
        )
    if asked == "int8" and not multiplies_eight_bits():
        raise InputError(
            "--precision int8: this processor cannot add products of eight bits without loss "
            "(it has neither VNNI nor AMX); use --precision auto"
        )
    if asked == "bf16" and not multiplies_bfloat16():
        raise InputError(
            "--precision bf16: this processor does not multiply bfloat16, float32 is faster on it; "
            "use --precision auto"
        )
    return asked


def multiplies_eight_bits() -> bool:
    """Tell whether the processor adds up products of eight bits in 32 bits (VNNI, AMX).

    Without them it adds pairs in 16 bits, which can be too few. Only Linux says so.
    """
    return not _EIGHT_BIT_FLAGS.isdisjoint(_processor_flags())


_EIGHT_BIT_FLAGS = frozenset(("avx512_vnni", "avx_vnni", "amx_int8"))
_PROCESSOR_FACTS = Path("/proc/cpuinfo")


@cache
def _processor_flags() -> frozenset[str]:
    try:
        lines = _PROCESSOR_FACTS.read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


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
