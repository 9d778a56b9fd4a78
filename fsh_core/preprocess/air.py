"""The air around a head at 0, whatever the file has there.

Programs that cut the brain out, or fill what a scan does not cover, set all of that to one value:
mostly 0, sometimes the lowest that a scanner knows (-1024), and 0 amid the values of tissue where
intensities were z-scored. What follows here expects it dark.
"""

import numpy as np
from numpy.typing import NDArray

_FACES_FRACTION = 0.5  # of the voxels on the faces of the image: air that was set to one value
_AMID_FRACTION = 0.05  # of the rest, darker than air: resampling leaves far fewer
_GAP_FRACTION = 0.01  # of the range of the rest, between air and the darkest tissue


def count_from_air(data: NDArray[np.float32]) -> tuple[NDArray[np.float32], float | None]:
    """Count intensities from the air, where air was set to one value other than the darkest.

    Parameters
    ----------
    data : (I, J, K) float32
        An image in any orientation.

    Returns
    -------
    data : (I, J, K) float32
        With air at 0 and nothing else near it; the same array where air is 0 and dark already, or
        was not set to one value.
    air : float or None
        What the file has there; None if nothing was changed.
    """
    air = _value_of_air(data)
    if air is None:
        return data, None
    rest = data != air
    values = data[rest]
    if np.count_nonzero(values < air) > _AMID_FRACTION * values.size:
        darkest = float(values.min())
        gap = _GAP_FRACTION * (float(values.max()) - darkest)
        return np.where(rest, data - np.float32(darkest - gap), np.float32(0)), air
    return (data, None) if air == 0 else (data - np.float32(air), air)


def on_faces(data: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the values of the first and last slices of every axis: mostly air.

    Parameters
    ----------
    data : (I, J, K) float
        An image.

    Returns
    -------
    (N,) float
    """
    return np.concatenate(
        [data.take(end, axis=axis).ravel() for axis in range(data.ndim) for end in (0, -1)]
    )


def _value_of_air(data: NDArray[np.float32]) -> float | None:
    """Return the value that most of the image's faces have; None if there is none."""
    faces = on_faces(data)
    found, counts = np.unique(faces, return_counts=True)
    most = int(counts.argmax())
    return float(found[most]) if counts[most] > _FACES_FRACTION * faces.size else None
