"""Which other visits of a patient there are to show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image

from fsh_core.derivatives import find_records
from fsh_napari.layers.files import LayerData, record_layers
from fsh_napari.review.case import OpenCase

if TYPE_CHECKING:
    import napari


@dataclass(frozen=True)
class Visit:
    """Another visit: what it is called, and how its layers are loaded."""

    name: str
    load: Callable[[], list[LayerData]]


def other_visits(viewer: "napari.viewer.Viewer", case: OpenCase) -> list[Visit]:
    """List the other visits.

    Segmented sessions of the same subject in the same folder, then other open scans.
    """
    record = case.stored.paths["record"]
    root = case.stored.record.folder(record)
    subject = f"sub-{case.stored.record.subject}"
    records = [
        path
        for path in find_records(root)
        if path != record and path.relative_to(root).parts[0] == subject
    ]
    visits = [Visit(path.name.split("_seg-")[0], partial(record_layers, path)) for path in records]
    for layer in viewer.layers:
        if (
            isinstance(layer, Image)
            and "role" not in layer.metadata
            and layer.metadata.get("fsh_case") != case.name
        ):
            visits.append(Visit(layer.name, partial(_layers_of_scan, layer)))
    return visits


def _layers_of_scan(layer: Image) -> list[LayerData]:
    return [layer.as_layer_data_tuple()]
