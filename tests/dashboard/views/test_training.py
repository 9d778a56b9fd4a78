"""The Training page: empty, normal, several runs, broken files, live."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.training.sample import Sample, write_sample

OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]


def test_without_a_run_it_says_what_to_do(
    tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("training", tmp_path)
    assert not app.exception
    assert "fsh train DATA" in words_of(app)


def test_a_folder_that_is_not_there_is_one_sentence(
    tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("training", tmp_path / "nowhere")
    assert not app.exception
    assert "expected a folder, found nothing" in words_of(app)


def test_one_run_shows_its_state_and_its_curves(
    run_folder: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("training", run_folder / "runs" / "first")
    assert not app.exception
    said = words_of(app)
    assert "Epochs (finished) 40 of 40" in said
    assert "Best validation Dice (epoch 40)" in said
    assert len(app.get("vega_lite_chart")) == 1  # linked


def test_a_run_without_validation_patients_waits_for_no_score(
    run_folder: Path, open_page: OpenPage, words_of: Words
) -> None:
    folder = run_folder / "runs" / "first"
    (folder / "split.json").write_text('{"training": ["A"], "validation": []}')
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    lines = [json.dumps({key: line[key] for key in line if key[:4] != "val_"}) for line in log]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    said = words_of(open_page("training", folder))
    assert "Best validation Dice no patients" in said


def test_several_runs_come_from_the_address_and_are_compared(
    run_folder: Path, open_page: OpenPage
) -> None:
    app = open_page("training", run_folder)
    app.multiselect(key="run").set_value(["runs/first", "runs/second"]).run()
    assert not app.exception
    tables = [element.value for element in app.dataframe]
    assert tables[0]["Run"].tolist() == ["runs/first", "runs/second"]
    assert set(tables[1]["Setting"]) == {"model.norm", "seed"}
    assert len(app.get("vega_lite_chart")) == 3 + 5 + 2


def test_an_address_chooses_the_run_and_nonsense_in_it_does_no_harm(
    run_folder: Path, open_page: OpenPage
) -> None:
    app = open_page("training", run_folder, run="runs/first")
    assert app.multiselect(key="run").value == ["runs/first"]
    app = open_page("training", run_folder, run="../../etc")
    assert not app.exception
    assert app.multiselect(key="run").value == []  # no other one in its place
    assert not app.get("vega_lite_chart")


def test_smoothing_and_log_scale_draw(run_folder: Path, open_page: OpenPage) -> None:
    app = open_page("training", run_folder)
    app.slider(key="smoothing").set_value(0.6).run()
    app.toggle(key="log").set_value(True).run()
    assert not app.exception
    assert '"type": "log"' in app.get("vega_lite_chart")[0].proto.spec


def test_a_broken_run_is_named_and_the_other_shown(run_folder: Path, open_page: OpenPage) -> None:
    (run_folder / "runs" / "second" / "config.json").write_text("{")
    app = open_page("training", run_folder)
    app.multiselect(key="run").set_value(["runs/first", "runs/second"]).run()
    assert not app.exception
    assert any("second/config.json" in text.value for text in app.text)
    assert len(app.get("vega_lite_chart")) == 1


def test_a_run_before_its_first_epoch_waits(
    tmp_path: Path, open_page: OpenPage, words_of: Words, new_run: Any
) -> None:
    new_run(tmp_path / "run", epochs=0)
    app = open_page("training", tmp_path)
    assert not app.exception
    assert "No epoch has ended yet" in words_of(app)


def test_new_epochs_appear(
    tmp_path: Path, open_page: OpenPage, words_of: Words, new_run: Any, new_epoch: Any
) -> None:
    new_run(tmp_path / "run", epochs=3)
    app = open_page("training", tmp_path)
    assert "Epochs (running) 3 of 40" in words_of(app)
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write(json.dumps(new_epoch(4)) + "\n")
    app.run()
    assert "Epochs (running) 4 of 40" in words_of(app)


@pytest.mark.parametrize("name", ["run\u202e", "a b", "=cmd"])
def test_odd_folder_names_are_harmless(
    tmp_path: Path, open_page: OpenPage, new_run: Any, name: str
) -> None:
    new_run(tmp_path / name, epochs=2)
    assert not open_page("training", tmp_path).exception


@pytest.mark.parametrize("file", ["log.jsonl", "split.json", "config.json"])
def test_a_run_whose_file_is_a_link_out_is_refused(
    run_folder: Path, tmp_path: Path, open_page: OpenPage, file: str
) -> None:
    inside = run_folder / "runs" / "first" / file
    inside.rename(tmp_path / "elsewhere")
    inside.symlink_to(tmp_path / "elsewhere")
    app = open_page("training", run_folder / "runs" / "first")
    assert not app.exception
    assert any("leads out of the opened folder" in text.value for text in app.text)
    assert not app.get("vega_lite_chart")


def test_a_failed_run_says_why(run_folder: Path, open_page: OpenPage, words_of: Words) -> None:
    note = {"step": 7, "reason": "the loss became nan at step 7; lower --learning-rate"}
    (run_folder / "runs" / "second" / "failure.json").write_text(json.dumps(note))
    app = open_page("training", run_folder, run="runs/second")
    assert not app.exception
    assert "runs/second failed: the loss became nan at step 7" in words_of(app)
    assert "Epochs (failed)" in words_of(app)


def test_a_setting_that_is_not_set_is_a_dash(
    new_run: Callable[..., Path], tmp_path: Path, open_page: OpenPage
) -> None:
    for name, seed in (("a", 1), ("b", None)):
        folder = new_run(tmp_path / "runs" / name, epochs=2)
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | {"seed": seed}))
    app = open_page("training", tmp_path)
    app.multiselect(key="run").set_value(["runs/a", "runs/b"]).run()
    assert not app.exception
    different = app.dataframe[-1].value
    assert different.set_index("Setting").loc["seed"].tolist() == ["1", "–"]
    assert all(frame.proto.placeholder == "–" for frame in app.dataframe)


def with_steps(run: Path) -> None:
    """Give each epoch of a log the losses of its fifty steps."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line["step_losses"] = [line["train_loss"] + 0.001 * step for step in range(50)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_loss_by_step_is_drawn_and_runs_without_it_are_named(
    run_folder: Path, open_page: OpenPage, words_of: Words
) -> None:
    with_steps(run_folder / "runs" / "first")
    app = open_page("training", run_folder, run="runs/first")
    assert len(app.get("vega_lite_chart")) == 2
    assert "Each point is the mean of up to 2 steps" in words_of(app)  # 2,000 steps
    app.multiselect(key="run").set_value(["runs/first", "runs/second"]).run()
    assert not app.exception
    assert "Not in the log of runs/second" in words_of(app)


def test_notes_are_kept_in_the_folder_of_the_run(run_folder: Path, open_page: OpenPage) -> None:
    path = run_folder / "runs" / "first" / "notes.txt"
    app = open_page("training", run_folder, run="runs/first")
    app.text_area[0].set_value("Learning rate *too* high").run()
    app.button(key="save-notes").click().run()
    assert not app.exception
    assert path.read_text() == "Learning rate *too* high"
    assert (
        open_page("training", run_folder, run="runs/first").text_area[0].value == path.read_text()
    )


def test_notes_that_somebody_changed_meanwhile_are_not_lost(
    run_folder: Path, open_page: OpenPage, words_of: Words
) -> None:
    path = run_folder / "runs" / "first" / "notes.txt"
    app = open_page("training", run_folder, run="runs/first")
    app.text_area[0].set_value("mine").run()
    path.write_text("theirs")
    app.button(key="save-notes").click().run()
    assert "was changed meanwhile" in words_of(app)
    assert path.read_text() == "theirs"
    assert app.text_area[0].value == "mine"


def test_notes_that_are_no_text_or_lead_out_are_named(
    run_folder: Path, open_page: OpenPage, words_of: Words, tmp_path: Path
) -> None:
    path = run_folder / "runs" / "first" / "notes.txt"
    path.write_bytes(b"\xff\xfe")
    assert "expected notes" in words_of(open_page("training", run_folder, run="runs/first"))
    path.unlink()
    (tmp_path / "secret").write_text("secret")
    path.symlink_to(tmp_path / "secret")
    app = open_page("training", run_folder, run="runs/first")
    assert "leads out of the opened folder" in words_of(app)
    assert not app.text_area


def test_why_a_run_ended_stands_beside_the_others(run_folder: Path, open_page: OpenPage) -> None:
    (run_folder / "runs" / "first" / "failure.json").write_text('{"reason": "no space left"}')
    app = open_page("training", run_folder)
    app.multiselect(key="run").set_value(["runs/first", "runs/second"]).run()
    assert app.dataframe[0].value["Why it ended"].tolist()[0] == "no space left"


def test_predictions_by_epoch_are_shown(
    run_folder: Path, open_page: OpenPage, words_of: Words
) -> None:
    grey = np.zeros((8, 8), np.uint8)
    for epoch in (8, 16):
        write_sample(run_folder / "runs" / "first", epoch, Sample(grey, grey > 0, grey))
    app = open_page("training", run_folder, run="runs/first")
    assert not app.exception
    assert "Predictions by epoch" in words_of(app)
    assert len(app.get("image")) == 2
    app = open_page("training", run_folder, run="runs/second")
    assert "Predictions by epoch" not in words_of(app)
