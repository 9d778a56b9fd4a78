"""How often patients with MS have a lesion at a place: a lesion probability map in MNI152.

``frequency.npz`` is made of the masks of 27 patients (Ljubljana, see
``fsh_core/anatomy/atlas/ATTRIBUTION.md``) by::

    python scripts/make_lesion_frequency.py DATA fsh_core/lesions/frequency.npz
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.volume.volume import Volume

FREQUENCY_FILE = Path(__file__).parent / "frequency.npz"
STEPS = 255  # of the stored map: its numbers are whole, in units of 1 / STEPS


@cache
def load_frequency() -> Volume:
    """Read the bundled map, (I, J, K) float32 in [0, 1] in MNI152 (RAS+ mm); once a process."""
    with np.load(FREQUENCY_FILE, allow_pickle=False) as stored:
        return Volume(stored["frequency"].astype(np.float32) / STEPS, stored["affine"])


def lesion_frequency(mni_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of patients with a lesion at some places, smoothed over some mm.

    Parameters
    ----------
    mni_mm : (N, 3) float
        In MNI152, RAS+ mm; NaN where a place is not known.

    Returns
    -------
    (N,) float in [0, 1]
        0 outside the map, NaN where the place is not known.
    """
    chart = load_frequency()
    to_voxel = np.linalg.inv(chart.affine)
    known = np.isfinite(mni_mm).all(axis=1)
    found = np.full(len(mni_mm), np.nan)
    voxels = mni_mm[known] @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    found[known] = ndimage.map_coordinates(chart.data, voxels.T, order=1, mode="constant")
    return found


@cache
def usual_frequency() -> float:
    """Return what the map shows where a lesion usually lies: its mean, weighted by itself."""
    chart = load_frequency().data.astype(np.float64)
    return float((chart**2).sum() / chart.sum())
