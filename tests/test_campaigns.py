"""The campaigns of `make campaign`, a small part of each, with a fixed seed."""

import json
from pathlib import Path

import pytest

from campaigns import damage, disk, stops, texts


def quiet(_line: str) -> None:
    """Print nothing."""


@pytest.mark.parametrize("kind", damage.KINDS)
def test_damaged_files_are_read_rightly_or_refused_in_a_sentence(kind: str) -> None:
    assert damage.run([kind], tries=15, seed=0, say=quiet) == []


@pytest.mark.parametrize(
    ("command", "way"),
    [
        ("segment", "kill"),
        ("track", "kill"),
        ("train", "kill"),
        ("evaluate", "full"),
        ("assign", "kill"),
    ],
)
def test_a_stopped_command_leaves_what_belongs_together(command: str, way: str) -> None:
    assert stops.run([command], [way], most=1, say=quiet) == []


@pytest.mark.skipif(not disk.is_possible(), reason="no user may have a disk here (unshare, mount)")
def test_a_full_disk_is_a_sentence() -> None:
    assert disk.run(["segment"], [200], quiet) == []


@pytest.mark.skipif(not texts.is_possible(), reason="no display: run under xvfb-run")
@pytest.mark.filterwarnings("ignore")  # of napari, while it is imported and opened
def test_texts_from_files_stand_in_napari_as_they_are_written() -> None:
    pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
    assert texts.run(tries=2, seed=0, say=quiet) == []


@pytest.mark.skipif(not texts.is_possible(), reason="no display: run under xvfb-run")
@pytest.mark.filterwarnings("ignore")
def test_a_text_that_is_read_as_markup_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("napari", reason="napari is not installed: pip install '.[app]'")
    from fsh_napari.review import view

    monkeypatch.setattr(view, "bold", lambda text: f"<b>{text}</b>")
    assert "QLabel 'Case': is read as markup" in " ".join(texts.run(1, seed=0, say=quiet))


def test_a_campaign_that_finds_something_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the tests above can fail."""

    def reads_badly(path: Path) -> object:
        return json.loads(path.read_bytes())["unknown"]

    good = damage.KINDS["queue"]
    monkeypatch.setitem(damage.KINDS, "queue", damage.Kind(good.make, good.damage, reads_badly))
    file = good.make(tmp_path)
    outcome, failure = damage.one_try("queue", 3, file, file.read_bytes())
    assert outcome == "failed"
    assert failure is not None
    assert "Error" in failure.what
