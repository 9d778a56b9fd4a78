"""The app as a whole: it navigates, keeps to this machine, and loads no torch."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import fsh_dashboard

HOME = Path(fsh_dashboard.__file__).parent
PAGES = sorted(path.stem for path in (HOME / "views").glob("*.py"))


def test_every_page_is_reached_from_the_app(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", str(study)])
    app = AppTest.from_file(str(HOME / "app.py"), default_timeout=120).run()
    assert app.title[0].value == "Cohort"  # there are results, so it begins with them
    for page in PAGES:
        app.switch_page(f"views/{page}.py").run()
        assert not app.exception
        assert app.title[0].value == page.capitalize()


def test_without_results_it_begins_with_training(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", str(run_folder)])
    app = AppTest.from_file(str(HOME / "app.py"), default_timeout=120).run()
    assert app.title[0].value == "Training"


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_folder_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    folder = tmp_path / "my study"
    folder.mkdir()
    monkeypatch.setattr(sys, "argv", ["app.py", str(folder)])
    app = AppTest.from_file(str(HOME / "app.py"), default_timeout=120).run()
    assert app.title[0].value == "Cohort"
    app.switch_page(f"views/{page}.py").run()
    assert not app.exception
    if page == "model":  # the bundled weights are there in any folder
        return
    assert app.info[0].value == "This folder holds no segmented case and no training run yet."
    assert [code.value for code in app.code] == [
        f"fsh segment SCANS --out '{folder}/derivatives/fsh'",
        f"fsh train DATA --out '{folder}/runs/first'",
        "fsh dashboard",
    ]


def test_it_listens_to_this_machine_only_and_sends_no_statistics() -> None:
    settings = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["address"] == "localhost"
    assert settings["server"]["allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"


def test_streamlit_shows_nothing_of_its_own() -> None:
    settings = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text())
    assert settings["client"]["toolbarMode"] == "minimal"  # no deploy button, no menu
    assert settings["server"]["showEmailPrompt"] is False
    assert settings["runner"]["magicEnabled"] is False


@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_can_be_read(scheme: str, ground: str) -> None:
    colours = tomllib.loads((HOME / ".streamlit" / "config.toml").read_text())["theme"][scheme]
    behind, text = (
        [int(colours[name][place : place + 2], 16) for place in (1, 3, 5)]
        for name in (ground, "textColor")
    )
    faded = [0.6 * of + 0.4 * on for of, on in zip(text, behind, strict=True)]
    low, high = sorted((luminance(faded), luminance(behind)))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # level AA of WCAG 2.2


def luminance(colour: list[float]) -> float:
    """Relative luminance of sRGB, as WCAG 2.2 defines it."""
    parts = [value / 255 for value in colour]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_no_page_loads_torch() -> None:
    # Pages and the app itself run when they are imported; what they import is here.
    modules = [
        file.relative_to(HOME).with_suffix("")
        for file in sorted(HOME.rglob("*.py"))
        if file.with_name("__init__.py").exists() and file.name not in ("__init__.py", "app.py")
    ]
    assert len(modules) > len(PAGES)
    code = "\n".join(f"import fsh_dashboard.{'.'.join(module.parts)}" for module in modules)
    code += "\nimport sys\nprint(sorted({'torch', 'monai'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_the_bundled_example_shows_on_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py"])
    for page in PAGES:
        app = AppTest.from_file(str(HOME / "views" / f"{page}.py"), default_timeout=240).run()
        assert not app.exception
        assert not app.error
        # The bundled weights were validated by networks of the same kind, trained without the site,
        # and the example is one visit, without a study.
        words = {"model": "other networks", "change": "One visit only"}
        words["groups"] = "No column to compare by"
        words["readers"] = "No case of these results is assigned to a reader"
        words["evaluation"] = "No evaluation and no agreement study"
        told = [info.value for info in app.info]
        assert all(words[page] in text for text in told) if page in words else not told
        assert not {"write", "queue-one", "queue-all"} & {
            button.key for button in app.button
        }  # it stays as it is


def test_the_bundled_example_is_small_and_names_no_machine() -> None:
    files = [path for path in (HOME / "example").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 2_000_000
    words = "".join(
        path.read_text() for path in files if path.suffix in (".json", ".jsonl", ".tsv")
    )
    assert not any(place in words for place in ("/home/", "/Users/", "/tmp/", "/var/"))


def test_a_blinded_reader_has_four_pages(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", str(study), "--reader", "Ben"])
    app = AppTest.from_file(str(HOME / "app.py"), default_timeout=120).run()
    assert app.title[0].value == "Cohort"
    for page in ("lesions", "case", "readers"):
        app.switch_page(f"views/{page}.py").run()
        assert app.title[0].value == page.capitalize()
    for page in ("groups", "review", "change", "quality", "evaluation", "training", "model"):
        with pytest.raises(ValueError, match="Could not find a navigation page"):
            app.switch_page(f"views/{page}.py")
