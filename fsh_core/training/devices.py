"""Where a training computes."""

import platform

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def tensor_on(device: torch.device, values: NDArray[np.generic]) -> Tensor:
    """Return numbers as float32 on a device.

    Chance is drawn by numpy wherever a training computes, so that a patch is the same on every
    device but for rounding.
    """
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device)


def described(device: torch.device) -> str:
    """Say which device, with the version of torch."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    threads = "" if device.type == "cuda" else f", {torch.get_num_threads()} threads"
    return f"{device.type} ({name}{threads}), torch {torch.__version__}"
