"""What a press or a drag of the mouse would do to a layer."""

from typing import Any

import numpy as np
from napari.layers import Labels
from scipy import ndimage


def fills_outside(layer: Labels, event: Any) -> bool:
    """Tell whether the bucket would fill what lies around the lesions, up to the border."""
    shown = list(event.dims_displayed)
    index = np.round(layer.world_to_data(event.position)).astype(int)
    shape = np.asarray(layer.data.shape)
    if (index < 0).any() or (index >= shape).any() or layer.data[tuple(index)] != 0:
        return False
    if layer.n_edit_dimensions != len(shown) or not layer.contiguous:
        return True
    through: list[Any] = index.tolist()
    for axis in shown:
        through[axis] = slice(None)
    free, _ = ndimage.label(np.asarray(layer.data[tuple(through)]) == 0)
    border = np.concatenate([free[0], free[-1], free[:, 0], free[:, -1]])
    return bool(np.isin(free[tuple(index[sorted(shown)])], border))
