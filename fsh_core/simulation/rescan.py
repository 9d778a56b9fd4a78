"""Another scan of the same head: position, grid, slice thickness, resolution, field and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fsh_core.simulation.followup_config import RescanConfig
from fsh_core.volume.boxes import Box, bounding_box, first_voxel, whole_box
from fsh_core.volume.volume import MASK_LEVEL, Volume

# Axes of a grid by the plane of its slices: two in the plane, then across, each in RAS.
_AXES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
_FWHM = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian, in standard deviations
_NEARLY = 1e-3  # of a sample: rounding of voxel sizes
_CUBIC, _LINEAR = 3, 1  # orders of interpolation
# Neither mode may be "constant": it gives 0 for what rounding puts 1e-12 beyond the border.
_BEYOND = {_CUBIC: "mirror", _LINEAR: "grid-constant"}


@dataclass(frozen=True)
class Rescan:
    """Grid and position of a second scan.

    Attributes
    ----------
    affine : (4, 4) float64
        Voxels of the second scan to its world, RAS+ mm.
    shape : tuple of 3 int
        Its number of voxels.
    to_second : (4, 4) float64
        World of the first scan to that of the second: a rotation and a shift.
    """

    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    to_second: NDArray[np.float64]

    @classmethod
    def plan(
        cls, first: Volume, brain: NDArray[np.bool_], config: RescanConfig, rng: np.random.Generator
    ) -> "Rescan":
        """Draw a position and lay a grid that leaves as much room around the brain as the first.

        Parameters
        ----------
        first : Volume
            The first scan, on a RAS grid.
        brain : (I, J, K) bool
            Its brain, not empty.
        config : RescanConfig
            How far the head moves, and which slices are wanted.
        rng : Generator
            Where chance comes from.
        """
        corners = _corners(bounding_box(brain), first.affine)
        to_second = _movement(corners.mean(axis=0), config, rng)
        frame = first.affine[:3, :3] / first.spacing_mm  # directions of the first scan's axes
        along = _AXES[_plane_of(first, config)]
        spacing_mm = _spacing(first, along, config)
        # Room between brain and border along the first scan's own axes, kept in the second.
        brain_mm = corners @ frame
        field_mm = _corners(whole_box(first.shape), first.affine) @ frame
        moved_mm = (corners @ to_second[:3, :3].T + to_second[:3, 3]) @ frame
        low = moved_mm.min(axis=0) - (brain_mm.min(axis=0) - field_mm.min(axis=0))
        high = moved_mm.max(axis=0) + (field_mm.max(axis=0) - brain_mm.max(axis=0))
        size = [
            max(1, int(np.ceil((high[axis] - low[axis]) / step - _NEARLY)))
            for axis, step in zip(along, spacing_mm, strict=True)
        ]
        affine = np.eye(4)
        affine[:3, :3] = frame[:, along] * spacing_mm
        corner = np.asarray(low)[list(along)] + np.asarray(spacing_mm) / 2
        affine[:3, 3] = frame[:, along] @ corner
        return cls(affine, (size[0], size[1], size[2]), to_second)

    def resample(self, first: Volume, order: int = _CUBIC) -> NDArray[np.float32]:
        """Bring a map from the first scan's grid to the second's, averaged over its voxels.

        Parameters
        ----------
        first : Volume
            The first scan or a map on its grid, of any grid with right angles.
        order : int
            Of the spline between voxels; 3 keeps the resolution, 1 does not overshoot.

        Returns
        -------
        (I', J', K') float32
            What lies outside of the first scan is mirrored at its border by a spline of order
            3, see `shown`, and 0 at order 1.
        """
        data = first.data.astype(np.float32)
        if order > 1:
            data = ndimage.spline_filter(data, order, output=np.float32)
        return self._sample(first.affine, data, order, whole_box(self.shape))

    def resample_part(self, part: Volume) -> tuple[Box, NDArray[np.float32]]:
        """Bring a part of the first scan to the second, linearly.

        Parameters
        ----------
        part : Volume
            Cut out by `fsh_core.volume.boxes.crop`; what lies around it counts as 0.

        Returns
        -------
        (Box, (A, B, C) float32)
            The box of the second scan that holds it all, and its voxels there.
        """
        to_voxels = np.linalg.inv(self.affine) @ self.to_second @ part.affine
        corners = _corners(whole_box(part.shape), to_voxels)
        low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, self.shape)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, low, self.shape)
        box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        return box, self._sample(part.affine, part.data.astype(np.float32), _LINEAR, box)

    def _sample(
        self, affine: NDArray[np.float64], data: NDArray[np.float32], order: int, box: Box
    ) -> NDArray[np.float32]:
        """Average splines over the voxels of a box of the second scan.

        A voxel is sampled once for every voxel of the first scan along each of its axes:
        a thick slice is the mean of the thin ones in it.
        """
        to_first = np.linalg.inv(affine) @ np.linalg.inv(self.to_second) @ self.affine
        first_per_voxel = np.sqrt((to_first[:3, :3] ** 2).sum(axis=0))
        counts = [max(1, int(np.ceil(length - _NEARLY))) for length in first_per_voxel]
        shape = [side.stop - side.start for side in box]
        total = np.zeros(shape, np.float32)
        for place in np.ndindex(*counts):
            within = (np.asarray(place) + 0.5) / counts - 0.5
            start = to_first[:3, :3] @ (first_voxel(box) + within) + to_first[:3, 3]
            total += ndimage.affine_transform(
                data,
                to_first[:3, :3],
                start,
                output_shape=tuple(shape),
                output=np.float32,
                order=order,
                mode=_BEYOND[order],
                prefilter=False,
            )
        return np.asarray(total / np.prod(counts), dtype=np.float32)


def disturb(
    scan: Volume,
    inside: NDArray[np.bool_],
    brain: NDArray[np.bool_],
    level: float,
    config: RescanConfig,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Blur a scan, and give it a bias field, another contrast and noise, in this order.

    Noise is Rician: the magnitude of a complex signal with normal noise in both parts
    (Gudbjartsson and Patz, Magnetic Resonance in Medicine 1995, doi
    10.1002/mrm.1910340618). The contrast is changed by an exponent on intensities in
    units of white matter, which therefore keeps its own.

    Parameters
    ----------
    scan : Volume
        (I, J, K) float32.
    inside : (I, J, K) bool
        What the scan shows: the rest, which a skull stripping or the resampling has
        left at 0, stays so.
    brain : (I, J, K) bool
        Where the field is at most what is asked for.
    level : float
        Intensity of white matter.
    config : RescanConfig
        How strong each is.
    rng : Generator
        Where chance comes from.

    Returns
    -------
    (I, J, K) float32
        Not negative.
    """
    field_rng, contrast_rng, noise_rng = rng.spawn(3)  # each strength alone decides its own part
    data = np.maximum(scan.data, 0).astype(np.float32)
    if config.blur_mm > 0:
        data = ndimage.gaussian_filter(
            data, [config.blur_mm / _FWHM / size for size in scan.spacing_mm]
        )
    if config.bias > 0:
        data *= np.exp(config.bias * _field(brain, field_rng))
    exponent = (1 + config.gamma) ** contrast_rng.choice([-1.0, 1.0])
    data = level * (data / level) ** np.float32(exponent)
    if config.noise > 0:
        parts = noise_rng.normal(0, config.noise * level, (2, *data.shape)).astype(np.float32)
        data = np.hypot(data + parts[0], parts[1])
    return np.where(inside, config.gain * data, 0).astype(np.float32)


def shown(first: Volume, rescan: Rescan) -> NDArray[np.bool_]:
    """Tell what of a second scan shows something: where the first is not exactly 0."""
    return rescan.resample(first.with_data(first.data != 0), _LINEAR) >= MASK_LEVEL


def _field(brain: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw a smooth field: a polynomial of degree 2, at most 1 and with mean 0 in the brain."""
    box = bounding_box(brain)
    axes = [
        (np.arange(size) - (side.start + side.stop - 1) / 2) / max(1, side.stop - side.start) * 2
        for size, side in zip(brain.shape, box, strict=True)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    terms = (x, y, z, x * x, y * y, z * z, x * y, y * z, x * z)
    field = np.zeros(brain.shape)
    for weight, term in zip(rng.normal(0, 1, len(terms)), terms, strict=True):
        field += weight * term
    values = field[brain]
    field -= values.mean()
    # Away from the brain a polynomial has no bound.
    bounded = np.clip(field / np.abs(values - values.mean()).max(), -1, 1)
    return np.asarray(bounded, dtype=np.float32)


def _movement(
    centre_mm: NDArray[np.float64], config: RescanConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw a turn about a point and a shift, each of half to all of the largest, (4, 4)."""
    axis, direction = (way / np.linalg.norm(way) for way in rng.normal(0, 1, (2, 3)))
    turn, shift = rng.uniform(0.5, 1, 2) * (np.deg2rad(config.turn_degrees), config.shift_mm)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn * axis).as_matrix()
    matrix[:3, 3] = centre_mm + shift * direction - matrix[:3, :3] @ centre_mm
    return matrix


def _plane_of(first: Volume, config: RescanConfig) -> str:
    """Name the plane of the second scan's slices; the first's lie across its largest spacing."""
    if config.plane != "same":
        return config.plane
    spacing = np.asarray(first.spacing_mm)
    if spacing.max() <= (1 + _NEARLY) * spacing.min():
        return "axial"
    return ("sagittal", "coronal", "axial")[int(spacing.argmax())]


def _spacing(
    first: Volume, along: tuple[int, int, int], config: RescanConfig
) -> tuple[float, float, float]:
    """Voxel size of the second scan: two in the plane, then across."""
    row, column, across = [first.spacing_mm[axis] for axis in along]
    in_plane = config.in_plane_mm
    return in_plane or row, in_plane or column, config.slice_mm or across


def _corners(box: Box, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outer corners of a box's voxels, (8, 3), by an affine."""
    ends = [(side.start - 0.5, side.stop - 0.5) for side in box]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(corners @ affine[:3, :3].T + affine[:3, 3], dtype=np.float64)
