"""The outline of the brain in MNI152 space, seen from three sides.

What a map of lesions is read against.
"""

from functools import cache

import numpy as np
import pandas as pd

from fsh_core.anatomy.atlas import load_atlas

ROUGHLY_MM = 1.0


@cache
def brain_outline(across: int, up: int) -> pd.DataFrame:
    """Trace the silhouette of the atlas's brain; once for each side.

    Parameters
    ----------
    across, up : int
        The axes of space (0 = x, 1 = y, 2 = z) that span the picture; ``across < up``.

    Returns
    -------
    DataFrame
        ``across`` and ``up`` in mm, and ``order``, along one closed line.
    """
    from skimage.measure import (
        approximate_polygon,
        find_contours,
    )  # slow to load, and only the map needs it

    tissue = load_atlas().tissue
    through = ({0, 1, 2} - {across, up}).pop()
    shadow = (tissue.data > 0).any(axis=through)
    line = max(find_contours(np.pad(shadow, 1).astype(float), 0.5), key=len) - 1
    line = approximate_polygon(line, ROUGHLY_MM)
    mm = [
        tissue.affine[axis, axis] * line[:, place] + tissue.affine[axis, 3]
        for place, axis in enumerate((across, up))
    ]
    return pd.DataFrame({"across": mm[0], "up": mm[1], "order": range(len(line))})
