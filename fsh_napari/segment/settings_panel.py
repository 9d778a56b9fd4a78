"""The settings of Segment: threshold and minimum volume at once, the others on demand."""

from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QSlider, QToolButton, QVBoxLayout, QWidget

from fsh_core.config import SegmentConfig
from fsh_napari.preferences import preferences
from fsh_napari.segment.fields import ConfigForm, config_from
from fsh_napari.segment.threshold import LIVE

_OTHERS = [name for name in SegmentConfig.model_fields if name not in LIVE]
_SLIDER_STEPS = 100  # from 0 to 1; the ends are not among them


class SettingsPanel(QWidget):
    """One field for every setting, and a slider for the threshold.

    Signals
    -------
    live_changed : no arguments
        A setting that works without the network.

    Attributes
    ----------
    live, more : ConfigForm
        The settings that work without the network, and the others.
    slider : QSlider
        The threshold, in hundredths.
    """

    live_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        wanted = preferences()
        self.live = ConfigForm(SegmentConfig, LIVE)
        self.live.set_value("threshold", wanted.threshold)
        self.live.set_value("minimum_volume_mm3", wanted.minimum_volume_mm3)
        self.slider = QSlider(Qt.Orientation.Horizontal, accessibleName="Threshold slider")
        self.slider.setRange(1, _SLIDER_STEPS - 1)
        self._follow_threshold()
        self.more = ConfigForm(SegmentConfig, _OTHERS)
        self.more.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.slider, self.live, self._toggle(), self.more):
            layout.addWidget(widget)
        self.slider.valueChanged.connect(self._on_slider)
        self.live.changed.connect(self._on_live)

    def config(self) -> SegmentConfig:
        """Return the settings.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return config_from(self.live, self.more)

    def live_settings(self) -> dict[str, Any]:
        """Return the settings that work without the network.

        Raises
        ------
        InputError
            If a field cannot be used.
        """
        return config_from(self.live).model_dump(include=set(LIVE))

    def _toggle(self) -> QToolButton:
        """Make the button that shows the settings which are seldom changed."""

        def show(shown: bool) -> None:
            self.more.setVisible(shown)
            toggle.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)

        toggle = QToolButton(
            text="More settings", checkable=True, arrowType=Qt.ArrowType.RightArrow
        )
        toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        toggle.toggled.connect(show)
        return toggle

    def _on_slider(self, step: int) -> None:
        self.live.set_value("threshold", step / _SLIDER_STEPS)

    def _on_live(self, name: str) -> None:
        self._follow_threshold()
        self.live_changed.emit()

    def _follow_threshold(self) -> None:
        """Move the slider to the threshold's field, without an answer from the slider."""
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(round(_SLIDER_STEPS * self.live.values()["threshold"]))
        blocker.unblock()
