"""The network over a whole image. The one place where inference meets torch."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from fsh_core.config import Device, ModelConfig, SegmentConfig
from fsh_core.inference.patches import Size3, Stitcher, blend_window, pad_to_patch, patch_corners
from fsh_core.inference.prediction import OnPatch
from fsh_core.network.checkpoint import BRAIN_WEIGHTS, load_checkpoint
from fsh_core.network.fold import fold_norms
from fsh_core.network.model import R2AttentionUNet3d

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 8  # each holds one patch's activations, about 0.3 GB


@dataclass(frozen=True)
class NetworkPredictor:
    """Networks that turn an image into probabilities; see `load_predictor`.

    Attributes
    ----------
    networks : tuple of R2AttentionUNet3d
        The members of an ensemble, or one; in evaluation mode, on their device, their norms
        folded or not (`fsh_core.network.fold`).
    settings : SegmentConfig
        Patch size, overlap, batch size, mirroring, precision.
    card : dict
        Name, SHA-256 and description of the weights.
    """

    networks: tuple[R2AttentionUNet3d, ...]
    settings: SegmentConfig
    card: dict[str, Any]

    @property
    def model(self) -> ModelConfig:
        """What the networks expect of an image."""
        return self.networks[0].config

    def __call__(self, image: NDArray[np.float32], on_patch: OnPatch | None = None) -> NDArray[np.float32]:
        """Return the probability of every voxel.

        Parameters
        ----------
        image : (C, I, J, K) float32 in [0, 1]
            On the network's grid, 0 outside the brain. Patches of zeros are skipped.
        on_patch : callable, optional
            Called with (done, total) after every batch; raising from it cancels.

        Returns
        -------
        (M, I, J, K) float32 in [0, 1], or (I, J, K) if M is 1
            0 where nothing but zeros was seen. One map a network; if mirroring, each is
            followed by that of the mirrored image, mirrored back.
        """
        maps = self._sweep(image, on_patch)
        return maps[0] if len(maps) == 1 else np.stack(maps)

    def _sweep(self, image: NDArray[np.float32], on_patch: OnPatch | None) -> list[NDArray[np.float32]]:
        """Show every patch to every network; stitch each one's answers by themselves."""
        size = self.settings.patch_size
        i, j, k = image.shape[1:]
        padded = pad_to_patch(image, size)
        corners = [
            corner
            for corner in patch_corners(_shape3(padded), size, self.settings.overlap)
            if padded[(slice(None), *_where(corner, size))].any()
        ]
        groups = list(batched_corners(corners, self.settings.batch_size))
        window = blend_window(size)
        stitchers = [Stitcher(_shape3(padded), window) for _ in range(len(self.networks) * (1 + self.settings.mirror))]

        def answer(group: list[Size3]) -> list[NDArray[np.float32]]:
            return list(self._members(np.stack([padded[(slice(None), *_where(corner, size))] for corner in group])))

        done = 0
        with closing(self._map(answer, groups)) as answers:
            for group, answered in zip(groups, answers, strict=True):
                for stitcher, predicted in zip(stitchers, answered, strict=True):
                    for corner, patch in zip(group, predicted, strict=True):
                        stitcher.add(patch, corner)
                done += len(group)
                if on_patch is not None:
                    on_patch(done, len(corners))
        return [stitcher.result()[:i, :j, :k] for stitcher in stitchers]

    def _map(self, function: Callable[[T], R], items: list[T]) -> Generator[R, None, None]:
        """Apply a function to every item, in order; on a processor one thread an item, all cores at once.

        Faster than all cores on one patch, whose layers are too small to share, and the
        bytes do not depend on the number of cores. Closing the iterator drops what has not begun.
        """
        if self._device.type != "cpu":
            yield from map(function, items)
            return
        pool = ThreadPoolExecutor(
            min(torch.get_num_threads(), _MOST_WORKERS), initializer=torch.set_num_threads, initargs=(1,)
        )
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)

    @property
    def _device(self) -> torch.device:
        return next(self.networks[0].parameters()).device

    def _members(self, patches: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield (B, I, J, K) probabilities of (B, C, I, J, K) patches: each network's, as they are and mirrored."""
        for network in self.networks:
            yield self._forward(network, patches)
            if self.settings.mirror:  # the first axis of space is left-right: the image is RAS
                yield self._forward(network, np.ascontiguousarray(patches[:, :, ::-1]))[:, ::-1]

    def _forward(self, network: R2AttentionUNet3d, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        device = self._device
        precise = self.settings.precision == "fp32" or (
            self.settings.precision == "auto" and not has_fast_bfloat16(device.type)
        )
        tensor = torch.from_numpy(patches).to(device, memory_format=torch.channels_last_3d)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=torch.bfloat16, enabled=not precise),
        ):
            logits = network(tensor)
        probability: NDArray[np.float32] = logits[:, 0].float().sigmoid().cpu().numpy()
        return probability


def load_predictor(weights: Path | None = None, settings: SegmentConfig | None = None) -> NetworkPredictor:
    """Load weights and return a callable from image to probability.

    Parameters
    ----------
    weights : Path or None
        A ``.safetensors`` file with its JSON beside it; None is the bundled default.
    settings : SegmentConfig or None
        How to run the network; the default settings if None.

    Raises
    ------
    InputError
        If the weights cannot be used; see `fsh_core.network.checkpoint.load_checkpoint`.
    """
    settings = settings or SegmentConfig()
    checkpoint = load_checkpoint(weights)
    device = settings.device if settings.device != "auto" else best_device()
    networks = [fold_norms(model) for model in checkpoint.models]
    for network in networks:
        network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    card = {
        "name": checkpoint.path.stem,
        "sha256": checkpoint.sha256,
        "config": checkpoint.model.config.model_dump(mode="json"),
        **checkpoint.card,
    }
    return NetworkPredictor(tuple(networks), settings, card)


@dataclass(frozen=True)
class BrainFinder:
    """The bundled network that finds the brain, loaded when first used: many scans never need it.

    Handed to `fsh_core.imaging.brain.find_brain`.
    """

    device: Device = "auto"

    @cached_property
    def _predictor(self) -> NetworkPredictor:
        return load_predictor(BRAIN_WEIGHTS, SegmentConfig(device=self.device))

    @property
    def model(self) -> ModelConfig:
        """What the network expects of an image."""
        return self._predictor.model

    def __call__(self, image: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Turn a (1, I, J, K) image in [0, 1] into the (I, J, K) probability of brain."""
        return self._predictor(image)


def best_device() -> str:
    """Return ``cuda`` or ``mps`` where there is one, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_fast_bfloat16(device: str) -> bool:
    """Tell whether a device multiplies bfloat16 natively; elsewhere it would be slower."""
    if device == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return device == "cuda" and torch.cuda.is_bf16_supported()


def batched_corners(corners: list[Size3], size: int) -> Iterator[list[Size3]]:
    """Cut a list of patch corners into runs of ``size``."""
    for start in range(0, len(corners), size):
        yield corners[start : start + size]


def _where(corner: Size3, size: Size3) -> tuple[slice, slice, slice]:
    i, j, k = (slice(start, start + length) for start, length in zip(corner, size, strict=True))
    return i, j, k


def _shape3(image: NDArray[np.float32]) -> Size3:
    i, j, k = image.shape[1:]
    return i, j, k
