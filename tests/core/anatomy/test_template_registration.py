"""Registration gives the same bytes, whatever the number of threads."""

import numpy as np
import pytest
import SimpleITK as sitk

from fsh_core.anatomy.template_registration import TissueMap, align, resample_to
from fsh_core.volume.volume import Volume


def brain(width: float) -> TissueMap:
    """A ball with a dark centre, in voxels of 3 mm."""
    i, j, k = np.indices((30, 32, 28)) - np.array([15, 16, 14])[:, None, None, None]
    radius = np.sqrt((i / width) ** 2 + j**2 + (k - 0.2 * i) ** 2)
    image = ((radius < 11) & (radius > 4)).astype(np.float32)
    return TissueMap(Volume(image, np.diag([3.0, 3.0, 3.0, 1.0])), radius < 11)


@pytest.fixture
def default_threads():
    """Sets SimpleITK's process-wide number of threads: on the user's machine that of its cores."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    yield sitk.ProcessObject.SetGlobalDefaultNumberOfThreads
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def test_the_number_of_cores_changes_no_byte(default_threads) -> None:
    """A filter's own number of threads does nothing: a test that set that could not fail."""
    fixed, moving = brain(1.0), brain(0.9)
    matrices, resampled = [], []
    for threads in (1, 3, 4):
        default_threads(threads)
        alignment = align(fixed, moving)
        matrices.append(alignment.matrix.tobytes())
        resampled.append(resample_to(moving.image, alignment.full, fixed.image))
    assert len(set(matrices)) == 1
    assert resampled[0].any()
    assert not np.array_equal(resampled[0], moving.image.data)
    assert len({image.tobytes() for image in resampled}) == 1
