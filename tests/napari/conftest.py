"""Fixtures of the plugin's tests; what needs a screen is skipped where there is none."""

import gc
import os
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsh_core.cases import Case
from fsh_core.config import SegmentConfig
from fsh_core.derivatives import write_segmentation
from fsh_core.lesions.measure import lesion_table
from fsh_core.pipeline import find_lesions, segment_case
from fsh_core.volume.volume import save_like

# Before napari is imported: a user's own settings neither help nor suffer.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="fsh-napari-")) / "settings.yaml")
os.environ.setdefault("QT_API", "pyside6")

# napari and what it stands on warn while they are imported; only F.sh's own warnings are errors.
with warnings.catch_warnings(), suppress(ImportError):
    warnings.simplefilter("ignore")
    import napari.layers
    import napari.viewer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make warnings errors where they come from F.sh, and there alone."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("default"))
            item.add_marker(pytest.mark.filterwarnings("error:::fsh_"))


@pytest.fixture(scope="session")
def screen() -> None:
    """A display to open windows on."""
    pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
    pytest.importorskip("pytestqt", reason="pytest-qt is not installed: pip install '.[dev]'")
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        pytest.skip("no display: run under xvfb-run -a -s '-screen 0 1280x1024x24'")
    # napari collects garbage for every layer that goes, and would look through all that was
    # imported each time.
    gc.collect()
    gc.freeze()


@pytest.fixture
def viewer(screen, request):
    """A napari window with F.sh in its menus."""
    from npe2 import PluginManager, PluginManifest

    manager = PluginManager.instance()
    if "fsh-ms" not in manager._manifests:
        import fsh_napari

        manager.register(
            PluginManifest.from_file(Path(fsh_napari.__file__).with_name("napari.yaml"))
        )
    request.getfixturevalue("qtbot")
    viewer = napari.viewer.Viewer(show=True)
    yield viewer
    viewer.close()


@pytest.fixture
def page(viewer):
    """The page of the preferences, as napari keeps it; what is set is set back."""
    from napari.settings import get_plugin_settings

    from fsh_napari.preferences import PAGE, PLUGIN, Preferences

    page = getattr(get_plugin_settings(PLUGIN), PAGE)
    before = {name: getattr(page, name) for name in Preferences.__dataclass_fields__}
    yield page
    for name, value in before.items():
        setattr(page, name, value)


class ThresholdPredictor:
    """A network of three lines: what is bright is lesion."""

    def __call__(self, image, on_patch=None, /):
        if on_patch is not None:
            on_patch(1, 1)
        return np.where(image[0] > 0.5, np.float32(0.9), np.float32(0.1))


@pytest.fixture
def flair_file(phantom, tmp_path) -> Path:
    """The phantom on disk."""
    path = tmp_path / "sub-01_FLAIR.nii.gz"
    save_like(phantom.flair.data, phantom.flair, path)
    return path


@pytest.fixture
def make_record(flair_file, phantom, tmp_path):
    """Make finished records of the phantom, whose three lesions were found to the voxel."""

    def make(subject="01", session=None, flair=None, **columns) -> Path:
        case = Case(subject, session, {"FLAIR": flair or flair_file})
        return write_record(case, phantom, tmp_path / "out", columns)

    return make


@pytest.fixture
def record(make_record) -> Path:
    """A finished record."""
    return make_record()


def write_record(case, phantom, folder, columns) -> Path:
    """Write a record with more columns in its lesion table."""
    found = segment_case(case, ThresholdPredictor(), SegmentConfig(regions=False))
    probability = np.where(phantom.reference, np.float32(0.875), np.float32(0.1) * phantom.brain)
    raw, labels = find_lesions(probability, phantom.brain, found.flair, SegmentConfig())
    lesions = lesion_table(labels, found.flair, probability, phantom.brain)
    exact = replace(
        found,
        probability=probability,
        brain=phantom.brain,
        raw_prediction=raw,
        lesion_labels=labels,
        lesions=lesions.assign(**columns),
        record=found.record.changed(lesion_count=len(lesions)),
    )
    return write_segmentation(exact, folder)["record"]
