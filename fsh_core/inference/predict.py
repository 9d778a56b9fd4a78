"""The network over a whole image. On a processor free of torch."""

import logging
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import Arithmetic, Device, ModelConfig, SegmentConfig, Size3
from fsh_core.errors import InputError
from fsh_core.inference.openvino_backend import CpuNetwork, chosen_arithmetic, workers
from fsh_core.inference.patches import Stitcher, blend_window, pad_to_patch, patch_corners
from fsh_core.inference.scan import OnPatch
from fsh_core.network.card import NO_CARD, WeightsCard, not_as_described
from fsh_core.network.checkpoint import BRAIN_WEIGHTS, EnsembleMember, load_checkpoint
from fsh_core.network.eight_bits import EightBits, Ranges, read_eight_bits

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)
_LARGEST_PATCH = SegmentConfig().patch_size  # for instance normalisation: docs/experiments.md

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From (B, C, I, J, K) patches to (B, I, J, K) probabilities."""


@dataclass(frozen=True)
class NetworkPredictor:
    """Networks that turn an image into probabilities; see `load_predictor`.

    Attributes
    ----------
    networks : tuple of callables
        The members of an ensemble, or one; each from (B, C, I, J, K) patches to (B, I, J, K)
        probabilities, both float32.
    model : ModelConfig
        What the networks expect of an image.
    settings : SegmentConfig
        Patch size, overlap, batch size, mirroring.
    card : WeightsCard
        Name, SHA-256 and description of the weights.
    workers : int
        Patches worked on at once.
    arithmetic : str or None
        In which numbers the networks multiply: ``int8``, ``bf16`` or ``fp32``.
    eight_bits_sha256 : str or None
        Of the file that made eight bits possible, if they are used.
    """

    networks: tuple[Network, ...]
    model: ModelConfig
    settings: SegmentConfig
    card: WeightsCard = NO_CARD
    workers: int = 1
    arithmetic: Arithmetic | None = None
    eight_bits_sha256: str | None = None
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)

    def __call__(
        self, image: NDArray[np.float32], on_patch: OnPatch | None = None
    ) -> NDArray[np.float32]:
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
        with self._turn:  # two at once would wait for each other's cores all the time
            try:
                maps = self._sweep(image, on_patch)
            finally:
                for network in self.networks:
                    if isinstance(network, CpuNetwork):
                        network.rest()  # what comes after needs memory too
        return maps[0] if len(maps) == 1 else np.stack(maps)

    def _sweep(
        self, image: NDArray[np.float32], on_patch: OnPatch | None
    ) -> list[NDArray[np.float32]]:
        """Show every patch to every network; stitch each one's answers by themselves."""
        size = self.settings.patch_size
        i, j, k = image.shape[1:]
        padded = pad_to_patch(image, size)
        corners = [
            corner
            for corner in patch_corners(_shape3(padded), size, self.settings.overlap)
            if padded[(slice(None), *_where(corner, size))].any()
        ]
        batch = self.settings.batch_size
        groups = [corners[start : start + batch] for start in range(0, len(corners), batch)]
        window = blend_window(size)
        stitchers = [
            Stitcher(_shape3(padded), window)
            for _ in range(len(self.networks) * (1 + self.settings.mirror))
        ]

        def answer(group: list[Size3]) -> list[NDArray[np.float32]]:
            return list(
                self._members(
                    np.stack([padded[(slice(None), *_where(corner, size))] for corner in group])
                )
            )

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
        """Apply a function to every item, in order, several at once.

        Closing the iterator drops what has not begun.
        """
        pool = ThreadPoolExecutor(self.workers)
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)

    def _members(self, patches: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield (B, I, J, K) probabilities of (B, C, I, J, K) patches, by network and mirror."""
        for network in self.networks:
            yield network(patches)
            if self.settings.mirror:  # the first axis of space is left-right: the image is RAS
                yield network(np.ascontiguousarray(patches[:, :, ::-1]))[:, ::-1]


def load_predictor(
    weights: Path | None = None, settings: SegmentConfig | None = None
) -> NetworkPredictor:
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
        If the weights cannot be used, see `fsh_core.network.checkpoint.load_checkpoint`, or
        there is no such device.
    """
    checkpoint = load_checkpoint(weights)
    eight_bits = read_eight_bits(checkpoint.path, checkpoint.sha256)
    card = WeightsCard.model_validate(
        {
            "name": checkpoint.path.stem,  # unless the card has a better one
            "sha256": checkpoint.sha256,
            "config": checkpoint.config.model_dump(mode="json"),
            **checkpoint.card.said(),
        }
    )
    try:
        return predictor_of(checkpoint.members, settings or SegmentConfig(), card, eight_bits)
    except InputError:  # says itself what is wrong: no such device
        raise
    except ValueError as error:
        raise not_as_described(checkpoint.path, str(error)) from None


def predictor_of(
    members: Sequence[EnsembleMember],
    settings: SegmentConfig,
    card: WeightsCard = NO_CARD,
    eight_bits: EightBits | None = None,
) -> NetworkPredictor:
    """Make a predictor of networks in memory.

    Raises
    ------
    ValueError
        If weights, or ranges for eight bits, are not those of their configuration.
    InputError
        If there is no such device, or it cannot do what is asked for.
    """
    _warn_of_large_patches(members, settings)
    device = _device(settings.device)
    if device == "cpu":
        return _on_processor(members, settings, card, eight_bits)
    if settings.precision == "int8":
        raise InputError("--precision int8 is for processors; use --device cpu or another")
    from fsh_core.inference.torch_backend import GpuNetwork

    networks = tuple(GpuNetwork(member, device, settings.precision) for member in members)
    arithmetic = networks[0].arithmetic
    return NetworkPredictor(networks, members[0].config, settings, card, arithmetic=arithmetic)


def _warn_of_large_patches(members: Sequence[EnsembleMember], settings: SegmentConfig) -> None:
    """Instance normalisation judges a patch by what else is in it: large ones hide lesions."""
    is_large = math.prod(settings.patch_size) > math.prod(_LARGEST_PATCH)
    if is_large and any(member.config.norm == "instance" for member in members):
        _log.warning(
            "patches of %s voxels: in patches larger than %s a network with instance "
            "normalisation may find fewer lesions, or none; leave --patch-size away",
            *("x".join(map(str, size)) for size in (settings.patch_size, _LARGEST_PATCH)),
        )


def _on_processor(
    members: Sequence[EnsembleMember],
    settings: SegmentConfig,
    card: WeightsCard,
    eight_bits: EightBits | None,
) -> NetworkPredictor:
    arithmetic = chosen_arithmetic(settings.precision, eight_bits)
    used = eight_bits if arithmetic == "int8" else None
    ranges = used.members if used else (None,) * len(members)
    if len(ranges) != len(members):
        raise ValueError(f"there are eight-bit ranges for {len(ranges)} networks")

    def compiled(member: EnsembleMember, ranges: Ranges | None) -> CpuNetwork:
        return CpuNetwork(member, settings.patch_size, arithmetic, ranges)

    with ThreadPoolExecutor() as pool:
        networks = tuple(pool.map(compiled, members, ranges))
    return NetworkPredictor(
        networks,
        members[0].config,
        settings,
        card,
        workers(),
        arithmetic,
        used.sha256 if used else None,
    )


def _device(asked: Device) -> Device:
    """Find the device to compute on; for the processor, torch (a second to load) is not asked."""
    if asked == "cpu":
        return asked
    from fsh_core.inference.torch_backend import best_device

    found = best_device()
    if asked not in ("auto", found):
        raise InputError(
            f"--device {asked}: torch finds no such device here, only {found}; use --device {found}"
        )
    return found


@dataclass(frozen=True)
class BrainFinder:
    """The bundled network that finds the brain, loaded when first used: many scans never need it.

    Handed to `fsh_core.preprocess.brain_mask.find_brain`.
    """

    device: Device = "cpu"

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


def _where(corner: Size3, size: Size3) -> tuple[slice, slice, slice]:
    i, j, k = (slice(start, start + length) for start, length in zip(corner, size, strict=True))
    return i, j, k


def _shape3(image: NDArray[np.float32]) -> Size3:
    i, j, k = image.shape[1:]
    return i, j, k
