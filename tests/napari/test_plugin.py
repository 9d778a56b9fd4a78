"""napari finds everything the plugin has to offer, and pays nothing for it."""

import subprocess
import sys

import numpy as np
import pytest

from fsh_napari.preferences import COLOURS
from tests.conftest import REPOSITORY

npe2 = pytest.importorskip("npe2", reason="napari is not installed: pip install '.[app]'")

MANIFEST = REPOSITORY / "fsh_napari" / "napari.yaml"


def test_npe2_validates() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", "--imports", str(MANIFEST)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "F.sh" in done.stdout


def test_the_menu_reads_f_sh_segment() -> None:
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    assert manifest.display_name == "F.sh"
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert names == ["Segment", "Review", "Changes", "Cohort", "Three planes"]
    assert manifest.contributions.menus in (None, {})  # else the items would read "Segment (F.sh)"
    assert [sample.display_name for sample in manifest.contributions.sample_data] == [
        "MS FLAIR sample"
    ]


def test_every_preference_has_a_title_and_is_read() -> None:
    from fsh_core.volume.planes import CONVENTIONS
    from fsh_napari.preferences import COLOURS, CROSSHAIRS, Preferences

    [page] = npe2.PluginManifest.from_file(MANIFEST).contributions.configurations.values()
    assert set(page.properties) == set(Preferences.__dataclass_fields__)
    assert all(setting.title for setting in page.properties.values())
    assert tuple(page.properties["colours"].enum) == COLOURS
    assert tuple(page.properties["convention"].enum) == CONVENTIONS
    assert tuple(page.properties["crosshair"].enum) == tuple(CROSSHAIRS)
    defaults = Preferences("")
    assert {name: setting.default for name, setting in page.properties.items()} == {
        name: getattr(defaults, name) for name in page.properties
    }


@pytest.mark.parametrize("kind", ["distinct", "colour-blind safe", "one colour"])
def test_colours_are_bright_and_neighbours_differ(kind) -> None:
    pytest.importorskip("napari")
    from fsh_napari.layers.colours import lesion_colours

    colours = lesion_colours(kind)
    shown = colours.map(np.arange(1, 30))
    assert colours.map(np.array([0]))[0, 3] == 0  # no lesion, no colour
    assert (shown[:, :3].max(axis=1) > 0.55).all()
    steps = np.abs(np.diff(shown[:, :3], axis=0)).max(axis=1)
    assert (steps == 0).all() if kind == "one colour" else (steps > 0.2).all()


def test_no_two_of_24_lesions_look_alike() -> None:
    pytest.importorskip("napari")
    from skimage.color import rgb2lab

    from fsh_napari.layers.colours import lesion_colours

    lab = rgb2lab(lesion_colours().map(np.arange(1, 25))[None, :, :3])[0]
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert apart[np.triu_indices(24, 1)].min() > 25  # the hues used before: 6


@pytest.mark.parametrize("kind", COLOURS)
def test_rejected_and_selected_lesions_stand_out(kind) -> None:
    pytest.importorskip("napari")
    from fsh_napari.layers.colours import lesion_colours, review_colours

    statuses = {1: "unreviewed", 2: "accepted", 3: "rejected", 4: "unsure", 9: "rejected"}
    labels = np.array([0, *statuses])
    colours = dict(zip(labels.tolist(), review_colours(kind, statuses, 4).map(labels), strict=True))
    assert colours[0][3] == 0
    np.testing.assert_allclose(colours[3], colours[9])
    np.testing.assert_allclose(colours[3][:3], 0.5, atol=0.01)  # grey
    np.testing.assert_allclose(colours[4], 1)  # white
    unlike_accepted = np.abs(colours[1] - colours[2]).max() > 0.2
    assert unlike_accepted == (kind != "one colour")
    if kind != "by decision":
        np.testing.assert_allclose(colours[1], lesion_colours(kind).map(np.array([1]))[0])


@pytest.mark.parametrize(
    "module",
    ["layers.files", "layers.convert", "segment.job", "segment.widget", "cohort", "views.visits"],
)
def test_importing_loads_no_network(module) -> None:
    pytest.importorskip("qtpy.QtCore", reason="Qt is not installed")
    heavy = {"torch", "openvino", "monai"}
    code = f"import sys, fsh_napari.{module}; sys.exit(bool({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
