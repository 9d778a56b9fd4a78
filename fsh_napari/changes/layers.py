"""The layers of two visits: scans of one brightness, outlines, changes, the difference.

Nothing here needs a window: layers are described in a thread of their own.
"""

from typing import Any

import numpy as np
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from fsh_core.follow_up import LoadedPair
from fsh_core.tracking import TrackConfig, Visit
from fsh_core.tracking.halfway import resample_by
from fsh_core.volume.volume import Volume
from fsh_napari.layers.colours import AFTER, BEFORE, plain_colour
from fsh_napari.layers.convert import WINDOW_KEY, image_layer, labels_layer, layer_options
from fsh_napari.layers.files import LayerData
from fsh_napari.layers.grid import Grid

ROLE = "role"
SCAN, SWAPPED, LESIONS, SWAPPED_LESIONS, CHANGES, DIFFERENCE = (
    "scan",
    "other visit",
    "lesions of the visit",
    "lesions of the other visit",
    "changes",
    "difference",
)
"""What a layer is, in its metadata under ``fsh_change``."""
PART = "fsh_change"
_BRIGHTEST_PERCENTILE = 99.8  # of the brain: where the window ends
_STRONGEST_SD = 8.0  # a difference that is drawn in full colour, as in the report
_BLUE, _BLACK, _ORANGE = [0.1, 0.5, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.5, 0.1, 1.0]
# Nothing is drawn up to three standard deviations, where changes begin.
_QUIET = TrackConfig().difference_sd / _STRONGEST_SD / 2
_DIFFERENCE_COLOURS = Colormap(
    [_BLUE, _BLACK, _BLACK, _ORANGE],
    controls=[0.0, 0.5 - _QUIET, 0.5 + _QUIET, 1.0],
    name="fsh difference",
)


def describe_layers(
    loaded: LoadedPair,
    subject: str,
    movement: NDArray[np.float64],
    changes: tuple[NDArray[np.int32], NDArray[np.int32]],
    colours: Any,
) -> tuple[list[LayerData], list[LayerData]]:
    """Describe the layers on the grid of the earlier visit, and on that of the later one.

    The scan is the first of each. The later visit, brought to the place of the earlier one, is
    among the earlier layers, hidden.

    Parameters
    ----------
    loaded : LoadedPair
        Both visits.
    subject : str
        The patient, with ``sub-``.
    movement : (4, 4) float64
        World coordinates of the earlier visit to those of the later one.
    changes : two (S, P, L) int32
        Data of the layers of changes.
    colours : napari colormap
        Of the changes.
    """
    windows = _same_windows(loaded.earlier, loaded.later)
    earlier = _earlier(loaded, subject, movement, windows)
    earlier.append(_changes(loaded.earlier.flair, changes[0], earlier[0], colours))
    like, name = loaded.later.flair, f"{subject} {loaded.pair.later}"
    scan = _scan(like, f"{name} FLAIR", windows[1], SCAN)
    later = [
        scan,
        _difference(like, loaded.difference_after, name),
        _outlines(like.with_data(loaded.later.labels > 0), f"{name} lesions", LESIONS, AFTER),
        _changes(like, changes[1], scan, colours),
    ]
    return earlier, later


def _earlier(
    loaded: LoadedPair,
    subject: str,
    movement: NDArray[np.float64],
    windows: list[tuple[float, float]],
) -> list[LayerData]:
    """Describe the layers of the earlier visit but for the changes."""
    pair, like = loaded.pair, loaded.earlier.flair
    window, other_window = windows
    name = f"{subject} {pair.earlier}"
    there = f"{subject} {pair.later} at the place of {pair.earlier}"
    other = like.with_data(resample_by(loaded.later.flair, like, movement))
    lesions = loaded.later.flair.with_data((loaded.later.labels > 0).astype(np.int16))
    other_lesions = like.with_data(resample_by(lesions, like, movement))
    described = [
        _scan(like, f"{name} FLAIR", window, SCAN),
        _scan(other, f"{there} FLAIR", other_window, SWAPPED, role=SWAPPED),
        _difference(like, loaded.difference_before, name),
        _outlines(like.with_data(loaded.earlier.labels > 0), f"{name} lesions", LESIONS, BEFORE),
        _outlines(other_lesions, f"{there} lesions", SWAPPED_LESIONS, AFTER),
    ]
    for _, options, _ in described:
        if options["metadata"][PART] in (SWAPPED, SWAPPED_LESIONS):
            options["visible"] = False
    return described


def _scan(
    volume: Volume, name: str, window: tuple[float, float], part: str, **metadata: Any
) -> LayerData:
    data, options, kind = image_layer(volume, name, **{PART: part}, **metadata)
    options["contrast_limits"] = options["metadata"][WINDOW_KEY] = window
    return data, options, kind


def _difference(like: Volume, data: NDArray[np.float32], name: str) -> LayerData:
    grid = Grid.of(like)
    metadata = {ROLE: DIFFERENCE, PART: DIFFERENCE}
    options = layer_options(grid, f"{name} difference", **metadata) | {
        "colormap": _DIFFERENCE_COLOURS,
        "contrast_limits": (-_STRONGEST_SD, _STRONGEST_SD),
        "blending": "additive",
        "visible": False,
    }
    return grid.to_layer(data), options, "image"


def _outlines(mask: Volume, name: str, part: str, colour: Any) -> LayerData:
    data, options, kind = labels_layer(mask, name, **{ROLE: part, PART: part})
    options["colormap"] = plain_colour(colour)
    return data, options, kind


def _changes(like: Volume, data: NDArray[np.int32], scan: LayerData, colours: Any) -> LayerData:
    name = scan[1]["name"].replace("FLAIR", "changes")
    options = layer_options(Grid.of(like), name, **{ROLE: CHANGES, PART: CHANGES})
    return data, options | {"opacity": 1.0, "colormap": colours}, "labels"


def _same_windows(earlier: Visit, later: Visit) -> list[tuple[float, float]]:
    """Return windows in which normal tissue of both scans is equally bright."""
    medians, peaks = [], []
    for visit in (earlier, later):
        brain = visit.flair.data[visit.brain]
        tissue = visit.flair.data[visit.brain & (visit.labels == 0)]
        median = float(np.median(tissue)) if tissue.size else 1.0
        medians.append(median if median > 0 else 1.0)
        peaks.append(float(np.percentile(brain, _BRIGHTEST_PERCENTILE)) / medians[-1])
    brightest = max(*peaks, 1.0)
    return [(0.0, median * brightest) for median in medians]
