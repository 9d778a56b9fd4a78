"""``fsh doctor``: versions, processor, memory, weights, and a short self-test."""

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console

from fsh_core.config import SegmentConfig
from fsh_core.inference.openvino_backend import multiplies_bfloat16, multiplies_eight_bits, workers
from fsh_core.inference.predict import load_predictor
from fsh_core.inference.torch_backend import best_device

_PACKAGES = (
    "openvino",
    "torch",
    "numpy",
    "scipy",
    "scikit-image",
    "nibabel",
    "pandas",
    "napari",
    "streamlit",
)


def doctor_command(weights: Path | None) -> bool:
    """Print the state of this installation and run the bundled network twice on a small image.

    Returns
    -------
    bool
        Whether the two runs gave identical bytes.

    Raises
    ------
    InputError
        If the weights cannot be used.
    """
    console = Console(highlight=False)
    console.print(
        f"fsh-ms {version('fsh-ms')}, Python {platform.python_version()}, {platform.platform()}"
    )
    console.print("packages   " + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    memory = psutil.virtual_memory()
    console.print(
        f"processor  {os.cpu_count()} cores, {workers()} patches at once, "
        f"bfloat16 {'native' if multiplies_bfloat16() else 'not native'}, "
        f"eight bits {'native' if multiplies_eight_bits() else 'not native'}"
    )
    console.print(f"--device   {SegmentConfig().device}; auto would be {best_device()}")
    console.print(f"memory     {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free")
    predictor = load_predictor(weights, SegmentConfig())
    console.print(f"weights    {predictor.card.name}, SHA-256 {predictor.card.sha256}")
    console.print(f"           {predictor.model.model_dump_json()}")
    console.print(f"           multiplies in {predictor.arithmetic}")
    image = np.random.default_rng(0).random((len(predictor.model.channels), 96, 96, 64), np.float32)
    started = time.perf_counter()
    first, second = predictor(image), predictor(image)
    same = first.tobytes() == second.tobytes()
    console.print(
        f"self-test  {time.perf_counter() - started:.1f} s, "
        f"two runs {'identical' if same else 'DIFFER'}"
    )
    return same


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
