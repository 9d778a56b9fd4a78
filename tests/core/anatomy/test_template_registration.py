"""Registration gives the same bytes, whatever the number of threads."""

import numpy as np
import pytest

from fsh_core.anatomy import template_registration as register
from fsh_core.anatomy.template_registration import TissueMap, align, resample_to
from fsh_core.volume.volume import Volume


def brain(width: float) -> TissueMap:
    """A ball with a dark centre, in voxels of 3 mm."""
    i, j, k = np.indices((30, 32, 28)) - np.array([15, 16, 14])[:, None, None, None]
    radius = np.sqrt((i / width) ** 2 + j**2 + (k - 0.2 * i) ** 2)
    image = ((radius < 11) & (radius > 4)).astype(np.float32)
    return TissueMap(Volume(image, np.diag([3.0, 3.0, 3.0, 1.0])), radius < 11)


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving = brain(1.0), brain(0.9)
    carried = []
    for threads in (1, 3, 4):
        monkeypatch.setattr(register, "_DEFORMABLE_THREADS", threads)
        carried.append(resample_to(moving.image, align(fixed, moving).full, fixed.image))
    assert carried[0].any()
    assert not np.array_equal(carried[0], moving.image.data)
    assert carried[0].tobytes() == carried[1].tobytes() == carried[2].tobytes()
