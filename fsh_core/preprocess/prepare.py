"""Preprocessing: from a scan to the network's grid, and back.

Training and inference both come through here, so that they cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsh_core.config import ModelConfig
from fsh_core.preprocess.intensity import foreground, scale_minmax, scale_percentile, scale_tissue
from fsh_core.volume.boxes import Box, bounding_box
from fsh_core.volume.resample import resample, resample_back
from fsh_core.volume.volume import MASK_LEVEL, Volume, as_ras, ras_grid, to_ras

_MARGIN_MM = 6.0  # context around the brain, so that no lesion lies at the edge of the image


@dataclass(frozen=True)
class Prepared:
    """A scan on the network's grid: RAS, isotropic, cropped to the brain.

    Attributes
    ----------
    image : (C, I, J, K) float32 in [0, 1]
        The channels, scaled; not masked.
    brain : (I, J, K) bool
        The brain on the same grid.
    crop : tuple of 3 slices
        Where the crop lies in ``grid``.
    grid : Volume
        The FLAIR resampled, before the crop.
    spacing_mm : float
        The voxel size that was asked for; an axis of ``grid`` may differ from it by 1 %.
    original : Volume
        The FLAIR in the file's orientation.
    """

    image: NDArray[np.float32]
    brain: NDArray[np.bool_]
    crop: Box
    grid: Volume
    spacing_mm: float
    original: Volume

    @property
    def masked(self) -> NDArray[np.float32]:
        """The channels with 0 outside the brain, (C, I, J, K) float32."""
        return np.where(self.brain, self.image, np.float32(0))

    def from_input_grid(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Resample a mask from the file's grid to the network's.

        Parameters
        ----------
        mask : (I', J', K') bool
            On the grid of ``original``.

        Returns
        -------
        (I, J, K) bool
            On the grid of ``image``.
        """
        resampled = resample(to_ras(self.original.with_data(mask)), self.spacing_mm)
        return np.ascontiguousarray(resampled.data[self.crop] >= MASK_LEVEL)

    def to_input_grid(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample a map from the network's grid to the file's.

        Parameters
        ----------
        probability : (I, J, K) float32
            On the grid of ``image``.

        Returns
        -------
        (I', J', K') float32
            On the grid of ``original``; 0 outside the crop.
        """
        shape, affine = ras_grid(self.original)
        found, box = resample_back(probability, self.crop, self.grid, shape, affine)
        whole = np.zeros(self.original.shape, np.float32)
        as_ras(whole, self.original)[box] = found
        return whole


def prepare(channels: Sequence[Volume], brain: NDArray[np.bool_], config: ModelConfig) -> Prepared:
    """Orient, resample, scale and crop a scan as a network expects it.

    Parameters
    ----------
    channels : sequence of Volume
        One per ``config.channels``, all on the grid of the first, the FLAIR.
    brain : (I, J, K) bool
        The brain on that grid; where it is everywhere False, the whole image is kept.
    config : ModelConfig
        Spacing and scaling.

    Returns
    -------
    Prepared
        ``image`` is scaled inside the brain (``tissue``, ``percentile``) or over the whole image
        (``minmax``).
    """
    flair = channels[0]
    inside = resample(to_ras(flair.with_data(brain)), config.spacing_mm).data >= MASK_LEVEL
    if not inside.any():
        inside = np.ones_like(inside)
    # Rounded to the nearest voxel: the weights were trained on crops of this size.
    crop = bounding_box(inside, [round(_MARGIN_MM / config.spacing_mm)] * 3)
    grids = [resample(to_ras(volume), config.spacing_mm) for volume in channels]
    images = []
    for grid in grids:
        if config.intensity == "minmax":
            scaled = scale_minmax(grid.data)
        else:
            scale = scale_tissue if config.intensity == "tissue" else scale_percentile
            scaled = scale(grid.data, inside & foreground(grid.data) if inside.all() else inside)
        images.append(scaled[crop])
    return Prepared(
        np.stack(images),
        np.ascontiguousarray(inside[crop]),
        crop,
        grids[0],
        config.spacing_mm,
        flair,
    )
