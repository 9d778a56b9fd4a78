"""Resampling gives the same bytes in any number of threads, and back from a part."""

import os
import subprocess
import sys

import numpy as np
import pytest

from fsh_core.volume.resample import resample, resample_back, resample_like
from fsh_core.volume.volume import Volume, as_ras, from_ras, ras_grid, to_ras
from tests.conftest import REPOSITORY

# Large enough for a matrix product to be shared out among threads, odd enough to be split unevenly.
_RESAMPLE = """
import hashlib
import numpy as np
from fsh_core.anatomy.template_registration import _moments, tissue_map
from fsh_core.volume.resample import resample, resample_like
from fsh_core.volume.volume import Volume

data = np.random.default_rng(0).random((191, 203, 71), dtype=np.float32)
volume = Volume(data, np.diag([0.9, 0.9, 2.3, 1.0]))
coarse = resample(volume, 1.37)
back = resample_like(coarse.data, coarse, volume)
brain = np.zeros(data.shape, bool)
brain[20:170, 20:180, 5:65] = True
middle, extent = _moments(tissue_map(volume, brain))
for one in (coarse.data, back, middle, extent):
    print(hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest())
"""


def test_in_any_number_of_threads() -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _RESAMPLE],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(hashes) == 1


def test_the_mean_of_what_grows_is_kept_and_what_varies_slowly_comes_back() -> None:
    i, j, k = np.indices((40, 36, 30)).astype(np.float32)
    volume = Volume(i + 2 * j + 3 * k, np.eye(4))
    coarse = resample(volume, 2.0)
    assert coarse.shape == (20, 18, 15)
    assert coarse.data.mean() == pytest.approx(volume.data.mean(), rel=1e-5)
    back = resample_like(coarse.data, coarse, volume)
    inner = np.s_[4:-4, 4:-4, 4:-4]
    assert np.allclose(back[inner], volume.data[inner], atol=1e-3)


def test_a_part_comes_back_as_the_whole_would():
    """To the bit, for thick and for thin slices; a view in RAS writes into the file's order."""
    random = np.random.default_rng(0)
    for spacing in ((1.0, 1.0, 3.0), (0.5, 0.6, 0.5), (1.0, 1.0, 1.0)):
        volume = Volume(
            random.random((24, 20, 18), dtype=np.float32),
            np.diag([-1.0, 1.0, 1.0, 1.0]) @ np.diag([*spacing, 1]),
        )
        upright = to_ras(volume)
        coarse = resample(upright, 1.0)
        crop = tuple(slice(2, max(3, size - 3)) for size in coarse.shape)
        whole = np.zeros(coarse.shape, np.float32)
        whole[crop] = random.random(whole[crop].shape, dtype=np.float32)
        expected = from_ras(resample_like(whole, coarse, upright), volume)
        shape, affine = ras_grid(volume)
        assert shape == upright.shape
        np.testing.assert_array_equal(affine, upright.affine)
        part, box = resample_back(whole[crop], crop, coarse, shape, affine)
        found = np.zeros(volume.shape, np.float32)
        as_ras(found, volume)[box] = part
        assert found.tobytes() == expected.tobytes()
