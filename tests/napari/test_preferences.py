"""What is set in File > Preferences > F.sh is what the widgets open with."""

import pytest

pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")

from fsh_napari.preferences import Preferences, preferences
from fsh_napari.segment.widget import SegmentWidget
from fsh_napari.views.planes import PlanesWidget

WANTED = Preferences(
    reader_name="Anna",
    weights="other.safetensors",
    threshold=0.35,
    minimum_volume_mm3=9.0,
    convention="neurological",
    colours="colour-blind safe",
    crosshair="pink",
    blinded=False,
    planes=False,
    nninteractive_server="http://server:8000",
)


def test_what_is_set_is_read(page):
    for name in Preferences.__dataclass_fields__:
        setattr(page, name, getattr(WANTED, name))
    assert preferences() == WANTED


def test_the_widgets_open_with_it(page, viewer):
    for name in Preferences.__dataclass_fields__:
        setattr(page, name, getattr(WANTED, name))
    segment, planes = SegmentWidget(viewer), PlanesWidget(viewer)
    viewer.window.add_dock_widget(segment)
    viewer.window.add_dock_widget(planes)
    assert segment.view.weights == "other.safetensors"
    config = segment.view.config()
    assert (config.threshold, config.minimum_volume_mm3) == (0.35, 9.0)
    assert segment.view.settings.slider.value() == 35
    assert planes.convention == "neurological"
    assert planes.views[0].camera.orientation2d == ("down", "left")
    assert planes.crosshair_colour == "pink"
    planes.detach()
