"""Which lesion each voxel of a patch is nearest to."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from fsh_core.volume.components import label_components


def lesion_regions(references: Tensor) -> Tensor:
    """Divide patches among their lesions.

    Parameters
    ----------
    references : (B, 1, I, J, K) float32 in {0, 1}
        Lesion masks.

    Returns
    -------
    (B, 1, I, J, K) float32
        0, 1, … by the nearest lesion (26-connected); 0 everywhere in a patch without lesions. On
        the device of the references.
    """
    regions = np.zeros(references.shape, np.float32)
    for region, reference in zip(regions[:, 0], references[:, 0].cpu().numpy(), strict=True):
        labels, count = label_components(reference > 0)
        if count > 1:
            nearest = ndimage.distance_transform_edt(
                labels == 0, return_distances=False, return_indices=True
            )
            region[...] = labels[tuple(nearest)] - 1
    return torch.from_numpy(regions).to(references.device)
