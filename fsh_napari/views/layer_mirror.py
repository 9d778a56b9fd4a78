"""The layers of one viewer shown in another: same arrays, same looks, painted in either."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

_LOOKS = {
    Image: (
        "metadata",
        "scale",
        "translate",
        "visible",
        "opacity",
        "blending",
        "colormap",
        "contrast_limits_range",
        "contrast_limits",
        "gamma",
    ),
    Labels: (
        "editable",  # before the mode, which it allows
        "metadata",
        "scale",
        "translate",
        "visible",
        "opacity",
        "blending",
        "contour",
        "selected_label",
        "brush_size",
        "n_edit_dimensions",
        "show_selected_label",
        "preserve_labels",
        "colormap",
        "mode",
    ),
}


class LayerMirror:
    """Keeps the image and label layers of a second viewer like those of the first.

    Parameters
    ----------
    main, other : ViewerModel
        The viewer that has the layers, and the one that shows them too.
    """

    def __init__(self, main: ViewerModel, other: ViewerModel) -> None:
        self.main, self.other = main, other
        self._pairs: dict[Layer, Layer] = {}
        self._connected: list[tuple[Any, Any]] = []
        self._quiet = False
        for emitter, callback in (
            (main.layers.events.inserted, self._on_inserted),
            (main.layers.events.removed, self._on_removed),
            (main.layers.events.reordered, self._on_reordered),
            (main.layers.selection.events.active, self._on_active),
            # Of several layers that go together the scene is cleared up once.
            (main.layers.events.begin_batch, other.layers.events.begin_batch),
            (main.layers.events.end_batch, other.layers.events.end_batch),
        ):
            self._listen(emitter, callback)
        for layer in main.layers:
            self._add(layer)
        self._on_active()

    def copy_of(self, layer: Layer) -> Layer | None:
        """Return the layer of the second viewer that shows a layer of the first."""
        return self._pairs.get(layer)

    def refresh(self, layer: Layer) -> None:
        """Show that voxels of a layer changed."""
        twin = self.copy_of(layer)
        if twin is not None:
            twin.refresh(extent=False)

    def detach(self) -> None:
        """Stop; the second viewer is left empty."""
        for emitter, callback in self._connected:
            emitter.disconnect(callback)
        self._connected.clear()
        self._pairs.clear()
        self.other.layers.clear()

    def _listen(self, emitter: Any, callback: Any) -> None:
        emitter.connect(callback)
        self._connected.append((emitter, callback))

    def _on_inserted(self, event: Any) -> None:
        self._add(event.value)
        self._on_reordered()

    def _add(self, layer: Layer) -> None:
        kind = next((kind for kind in _LOOKS if type(layer) is kind), None)
        if kind is None or layer in self._pairs:
            return
        _, options, type_name = layer.as_layer_data_tuple()
        twin = Layer.create(layer.data, options, type_name)
        for name in _LOOKS[kind]:  # not all of them are among the options
            setattr(twin, name, getattr(layer, name))
        self._pairs[layer] = twin
        self.other.layers.append(twin)
        for source, target in ((layer, twin), (twin, layer)):
            for name in _LOOKS[kind]:
                self._listen(getattr(source.events, name), self._copier(source, target, name))
            if kind is Labels:
                self._listen(source.events.labels_update, self._refresher(target))
        if kind is Labels:
            self._listen(layer.events.paint, self._refresher(twin))
            self._listen(twin.events.paint, self._forwarder(layer))
        self._listen(layer.events.data, lambda event: self._replace(layer, twin))

    def _copier(self, source: Layer, target: Layer, name: str) -> Any:
        def copy(event: Any = None) -> None:
            if not self._quiet:
                with self._quietly():
                    setattr(target, name, getattr(source, name))

        return copy

    def _forwarder(self, layer: Layer) -> Any:
        """Let a stroke in the second viewer count as one in the first, whose listeners hear it."""

        def forward(event: Any) -> None:
            if not self._quiet:
                with self._quietly():
                    layer.refresh(extent=False)
                    layer.events.paint(value=event.value)

        return forward

    def _refresher(self, target: Layer) -> Any:
        def refresh(event: Any = None) -> None:
            if not self._quiet:
                with self._quietly():
                    target.refresh(extent=False)

        return refresh

    def _replace(self, layer: Layer, twin: Layer) -> None:
        if not self._quiet and twin.data is not layer.data:
            with self._quietly():
                twin.data = layer.data
                if isinstance(twin, Labels) and hasattr(twin, "_reset_history"):
                    twin._reset_history()  # a stroke is not taken back in other voxels

    def _on_removed(self, event: Any) -> None:
        twin = self._pairs.pop(event.value, None)
        if twin is not None:
            removed = (event.value, twin)
            kept = []
            for emitter, callback in self._connected:
                if getattr(emitter, "source", None) in removed:
                    emitter.disconnect(callback)
                else:
                    kept.append((emitter, callback))
            self._connected = kept
            self.other.layers.remove(twin)

    def _on_reordered(self, event: Any = None) -> None:
        wanted = [self._pairs[layer] for layer in self.main.layers if layer in self._pairs]
        for index, twin in enumerate(wanted):
            if self.other.layers[index] is not twin:
                self.other.layers.move(self.other.layers.index(twin), index)

    def _on_active(self, event: Any = None) -> None:
        self.other.layers.selection.active = self._pairs.get(self.main.layers.selection.active)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False
