"""Segment with a method of your own in place of the network.

    python examples/custom_predictor.py

A predictor is any callable from an image to a probability. F.sh does the rest: reading, brain
mask, scaling, resampling, lesions, measures and files.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core import ModelConfig, SegmentConfig, load_mask, segment_case
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.sample import sample_case


class BrightTissue:
    """Lesions are what is brighter than tissue around it; no network.

    Attributes
    ----------
    model : ModelConfig
        The image that this method wants: its channels, voxel size and scaling. A plain function
        without it gets the default, a FLAIR of 1 mm.
    """

    model = ModelConfig(spacing_mm=2.0, intensity="tissue")

    def __call__(
        self, image: NDArray[np.float32], on_patch: Callable[[int, int], None] | None = None, /
    ) -> NDArray[np.float32]:
        """Turn a (1, I, J, K) image in [0, 1] into the (I, J, K) probability of lesion."""
        # Tissue of the brain lies about 1/3, its 90th percentile at 0.45; outside is 0.
        smooth = ndimage.gaussian_filter(image[0], sigma=0.7)
        return 1 / (1 + np.exp(-(smooth - 0.55) / 0.03))


case = sample_case()
found = segment_case(case, BrightTissue(), SegmentConfig(regions=False, minimum_volume_mm3=20.0))

reference = load_mask(case.reference, found.flair, case.flair)
scores = voxel_metrics(reference.data, found.prediction)
# The sample has 73 ml of lesions, most of them bright: a threshold does well here. Judge a method
# on many scans, and on few and small lesions too.
print(f"{found.record.lesion_count} lesions, Dice {scores.dice:.2f} with the manual mask")
