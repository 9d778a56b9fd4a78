"""napari finds everything the plugin has to offer, and pays nothing for it."""

import subprocess
import sys
from pathlib import Path

import pytest

npe2 = pytest.importorskip("npe2", reason="napari is not installed: pip install '.[app]'")
REPOSITORY = Path(__file__).resolve().parents[2]
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
    assert [widget.display_name for widget in manifest.contributions.widgets] == ["Segment", "Review", "Three planes"]
    assert manifest.contributions.menus in (None, {})  # else the items would read "Segment (F.sh)"
    assert [sample.display_name for sample in manifest.contributions.sample_data] == ["MS FLAIR sample"]


def test_every_preference_has_a_title_and_is_read() -> None:
    from fsh_napari.preferences import Preferences

    [page] = npe2.PluginManifest.from_file(MANIFEST).contributions.configurations.values()
    assert set(page.properties) == set(Preferences.__dataclass_fields__)
    assert all(setting.title for setting in page.properties.values())


@pytest.mark.parametrize("module", ["files", "layers", "preferences", "worker", "segment", "review", "planes"])
def test_importing_loads_no_torch(module) -> None:
    pytest.importorskip("qtpy.QtCore", reason="Qt is not installed")
    code = f"import sys, fsh_napari.{module}; sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
