"""The network on a graphics card, through torch; or wherever else torch computes."""

import numpy as np
import torch
from numpy.typing import NDArray

from fsh_core.config import Arithmetic, Device, Precision
from fsh_core.network.build import build_module
from fsh_core.network.checkpoint import EnsembleMember


class GpuNetwork:
    """A network on a device of torch.

    Parameters
    ----------
    member : EnsembleMember
        Configuration and weights.
    device : str
        As torch names it.
    precision : str
        See `fsh_core.config.SegmentConfig`.

    Raises
    ------
    ValueError
        If the weights are not those of the configuration.
    """

    def __init__(self, member: EnsembleMember, device: str, precision: Precision) -> None:
        model = build_module(member.config, member.weights)
        self._model = model.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self._device = device
        self._precise = precision == "fp32" or (
            precision == "auto" and not has_fast_bfloat16(device)
        )

    @property
    def arithmetic(self) -> Arithmetic:
        """In which numbers it multiplies."""
        return "fp32" if self._precise else "bf16"

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn (B, C, I, J, K) patches into (B, I, J, K) probabilities."""
        tensor = torch.from_numpy(patches).to(self._device, memory_format=torch.channels_last_3d)
        with (
            torch.inference_mode(),
            torch.autocast(self._device, dtype=torch.bfloat16, enabled=not self._precise),
        ):
            logits = self._model(tensor)
        probability: NDArray[np.float32] = logits[:, 0].float().sigmoid().cpu().numpy()
        return probability


def best_device() -> Device:
    """Return ``cuda`` or ``mps`` where there is one, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_fast_bfloat16(device: str) -> bool:
    """Tell whether torch multiplies bfloat16 natively on a device; elsewhere it would be slower."""
    if device == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return device == "cuda" and torch.cuda.is_bf16_supported()
