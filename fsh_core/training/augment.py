"""Augmentation of training patches: pose, shape, slice thickness, skull stripping, intensities."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional as F

from fsh_core.preprocess.intensity import MEDIAN_LEVEL
from fsh_core.training.contrast import other_contrast
from fsh_core.training.devices import tensor_on

Recipe = Literal["wide", "default", "paper", "none"]

RIM_MM = 6.0  # how far outside the brain depths are counted from

# Shares of the patches, and ranges of the variations, chosen by hand for FLAIRs of 1 to 6 mm.
_MIRRORED_FRACTION = 0.5
_LARGEST_TURN_DEGREES = 15.0
_SCALES = (0.85, 1.2)
_ELASTIC_NODES = 5  # control points of the elastic field along an axis
_ELASTIC_VOXELS = 4.0  # largest displacement of one

_THICKEN_FRACTION = 0.4  # of the patches with thin slices
_THICKNESSES = (2, 8)  # slices averaged, the second one excluded
_THICK_AXES = (0.15, 0.15, 0.7)  # chance of R, A, S: most scans have axial slices
_STRIPPED_FRACTION = 0.8
_RIM_ERROR_MM = (-1.5, 3.0)  # how far a brain mask cuts into the brain, or leaves of the skull

_GAMMA_FRACTION, _LOG_GAMMA = 0.5, 0.4
_CONTRAST_FRACTION, _LOG_CONTRAST, _BRIGHTNESS = 0.5, 0.3, 0.05
_BIAS_FRACTION, _LOG_BIAS, _BIAS_NODES = 0.4, 0.35, 3  # nodes: control points along an axis
_BLUR_FRACTION, _BLUR_SIGMA_VOXELS = 0.25, (0.4, 1.0)
_NOISE_FRACTION, _LARGEST_NOISE_SD = 0.4, 0.06  # of the range [0, 1]

_HALF_VOXEL = 0.5  # a voxel is lesion if at least half of it is


def sample_patch(
    stack: Tensor,
    centre: NDArray[np.float64],
    size: tuple[int, int, int],
    recipe: Recipe,
    rng: np.random.Generator,
) -> Tensor:
    """Cut a patch out of a whole image, turned, scaled, mirrored or bent on the way.

    The patch is read straight from the image, so a turned patch has no empty corners.

    Parameters
    ----------
    stack : (C + 2, I, J, K) float32
        Channels, reference, depth; see `vary_intensities`.
    centre : (3,) float
        The patch's centre, in voxels.
    size : (int, int, int)
        The patch, in voxels.
    recipe : {"wide", "default", "paper", "none"}
        default and wide: left-right mirror, small turns and scales; paper: turns, mirrors in all
        axes, elastic deformation; none: the voxels as they are.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    (C + 2, P, Q, R) float32
        Outside the image 0; on the device of the stack.
    """
    shape = np.asarray(stack.shape[1:])
    half = (np.asarray(size) - 1) / 2
    # A patch that would stick out moves inside, as far as the image is large enough.
    centre = np.clip(
        centre, np.minimum(half, (shape - 1) / 2), np.maximum(shape - 1 - half, (shape - 1) / 2)
    )
    if recipe == "none":
        return _whole_voxels(stack, np.floor(centre - half + 0.5).astype(int), size)
    device = stack.device
    axes = [
        torch.arange(length, dtype=torch.float32, device=device) - (length - 1) / 2
        for length in size
    ]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)  # (P, Q, R, 3)
    places = offsets @ tensor_on(device, _matrix(recipe, rng).T)
    if recipe == "paper":
        places = places + _elastic(size, rng, device)
    places = places + tensor_on(device, centre)
    normalised = places / tensor_on(device, np.maximum(shape - 1, 1)) * 2 - 1
    # grid_sample counts the axes from the last to the first.
    return F.grid_sample(
        stack[None], normalised.flip(-1)[None], mode="bilinear", align_corners=True
    )[0]


def _whole_voxels(stack: Tensor, start: NDArray[np.int_], size: tuple[int, int, int]) -> Tensor:
    """Cut without interpolation; zeros where the patch sticks out."""
    patch = torch.zeros(stack.shape[0], *size, device=stack.device)
    ends = zip(start, size, stack.shape[1:], strict=True)
    inside = [(max(0, first), min(first + length, whole)) for first, length, whole in ends]
    source = tuple(slice(first, last) for first, last in inside)
    target = tuple(
        slice(first - corner, last - corner)
        for (first, last), corner in zip(inside, start, strict=True)
    )
    patch[(slice(None), *target)] = stack[(slice(None), *source)]
    return patch


def _matrix(recipe: Recipe, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a turn, a scale and mirrors as one (3, 3) matrix."""
    turn = Rotation.from_euler(
        "xyz", rng.uniform(-_LARGEST_TURN_DEGREES, _LARGEST_TURN_DEGREES, 3), degrees=True
    ).as_matrix()
    mirrored = rng.random(3) < _MIRRORED_FRACTION
    if recipe != "paper":
        mirrored[1:] = False  # only left and right look alike
    scale = rng.uniform(*_SCALES, 3) ** (recipe != "paper")
    return np.asarray(turn * (np.where(mirrored, -1.0, 1.0) * scale), dtype=np.float64)


def _elastic(size: tuple[int, int, int], rng: np.random.Generator, device: torch.device) -> Tensor:
    """Draw a smooth displacement field, (P, Q, R, 3) in voxels."""
    nodes = rng.uniform(
        -_ELASTIC_VOXELS, _ELASTIC_VOXELS, (1, 3, _ELASTIC_NODES, _ELASTIC_NODES, _ELASTIC_NODES)
    )
    field = F.interpolate(tensor_on(device, nodes), size, mode="trilinear", align_corners=True)
    return field[0].permute(1, 2, 3, 0)


def vary_intensities(
    patch: Tensor, recipe: Recipe, has_thick_slices: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Strip the skull and, but for the paper's recipe, imitate other scanners.

    Parameters
    ----------
    patch : (C + 2, I, J, K) float32
        Channels, reference (interpolated), and depth: mm inside a surface `RIM_MM` outside
        the brain, so that 0, what lies outside the image, is far from any brain.
    recipe : {"wide", "default", "paper", "none"}
        The first two change intensities; ``wide`` also the contrast of tissues.
    has_thick_slices : bool
        Whether the scan has thick slices already; they are then not made thicker.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    image : (C, I, J, K) float32 in [0, 1]
    reference : (1, I, J, K) float32 in {0, 1}
    """
    image, reference, depth = patch[:-2], patch[-2:-1], patch[-1]
    if recipe in ("wide", "default"):
        if not has_thick_slices and rng.random() < _THICKEN_FRACTION:
            thickness = int(rng.integers(*_THICKNESSES))
            axis = int(rng.choice(3, p=_THICK_AXES))
            image, reference = thicken(image, thickness, axis), thicken(reference, thickness, axis)
        if recipe == "wide":
            image = torch.stack([other_contrast(channel, reference[0], rng) for channel in image])
        image = torch.stack([_other_scanner(channel, rng) for channel in image])
        is_stripped = rng.random() < _STRIPPED_FRACTION
        rim_mm = rng.uniform(*_RIM_ERROR_MM) if is_stripped else np.inf
    else:
        rim_mm = 0.0
    image = torch.where(depth >= RIM_MM - rim_mm, image, 0.0)
    return image.clamp(0, 1), (reference >= _HALF_VOXEL).float()


def thicken(image: Tensor, thickness: int, axis: int) -> Tensor:
    """Imitate thick slices: average runs of slices, and interpolate back.

    Parameters
    ----------
    image : (C, I, J, K) float32
        Any channels.
    thickness : int
        Slices of a run.
    axis : int
        0, 1 or 2: across which axis of space.

    Returns
    -------
    (C, I, J, K) float32
    """
    size = list(image.shape[1:])
    size[axis] = max(2, size[axis] // thickness)
    thick = F.interpolate(image[None], size, mode="area")
    return F.interpolate(thick, image.shape[1:], mode="trilinear", align_corners=False)[0]


def _other_scanner(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Change gamma, contrast, bias field, sharpness and noise of (I, J, K)."""
    if rng.random() < _GAMMA_FRACTION:
        image = image.clamp_min(0) ** float(np.exp(rng.uniform(-_LOG_GAMMA, _LOG_GAMMA)))
    if rng.random() < _CONTRAST_FRACTION:
        contrast = float(np.exp(rng.uniform(-_LOG_CONTRAST, _LOG_CONTRAST)))
        brightness = float(rng.uniform(-_BRIGHTNESS, _BRIGHTNESS))
        image = (image - MEDIAN_LEVEL) * contrast + MEDIAN_LEVEL + brightness
    if rng.random() < _BIAS_FRACTION:
        shape = (1, 1, _BIAS_NODES, _BIAS_NODES, _BIAS_NODES)
        nodes = tensor_on(image.device, rng.uniform(-_LOG_BIAS, _LOG_BIAS, shape))
        image = (
            image
            * F.interpolate(nodes, image.shape, mode="trilinear", align_corners=True)[0, 0].exp()
        )
    if rng.random() < _BLUR_FRACTION:
        image = _blur(image, float(rng.uniform(*_BLUR_SIGMA_VOXELS)))
    if rng.random() < _NOISE_FRACTION:
        noise = tensor_on(image.device, rng.standard_normal(tuple(image.shape), dtype=np.float32))
        image = image + noise * float(rng.uniform(0.0, _LARGEST_NOISE_SD))
    return image


def _blur(image: Tensor, sigma_voxels: float) -> Tensor:
    """Blur (I, J, K) by a Gaussian of five taps along each axis."""
    taps = torch.exp(-0.5 * (torch.arange(-2.0, 3.0, device=image.device) / sigma_voxels) ** 2)
    taps = taps / taps.sum()
    blurred = image[None, None]
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[axis + 2] = 5
        padding = [2 if other == axis else 0 for other in range(3)]
        blurred = F.conv3d(blurred, taps.reshape(shape), padding=padding)
    return blurred[0, 0]
