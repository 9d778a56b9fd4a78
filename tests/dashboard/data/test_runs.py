"""Run folders become tables; what is broken is named, what is unfinished is not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fsh_core.errors import InputError
from fsh_dashboard.data.run_tables import (
    all_settings,
    measured,
    one_table,
    setting_differences,
    smooth,
    step_losses,
)
from fsh_dashboard.data.runs import Run, read_run
from fsh_dashboard.page import to_csv

NewRun = Callable[..., Path]
NewEpoch = Callable[..., dict[str, Any]]


def test_a_run_is_read_whole(run_folder: Path) -> None:
    run = read_run(run_folder / "runs" / "first", "runs/first")
    assert (run.epochs_done, run.epochs_planned, len(run.log)) == (40, 40, 40)
    assert run.config["model.norm"] == "instance"
    assert (run.training, run.validation) == (("01", "02", "03"), ("04",))
    assert run.problems == ()


def test_the_line_being_written_is_left_out_without_a_word(tmp_path: Path, new_run: NewRun) -> None:
    folder = new_run(tmp_path / "run", epochs=3)
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"epoch": 4, "train_loss": 0.')
    run = read_run(folder, "run")
    assert run.epochs_done == 3
    assert run.problems == ()


def test_a_complete_last_line_without_its_line_end_counts(
    tmp_path: Path, new_run: NewRun, new_epoch: NewEpoch
) -> None:
    folder = new_run(tmp_path / "run", epochs=3)
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(new_epoch(4)))
    assert read_run(folder, "run").epochs_done == 4


@pytest.mark.parametrize(
    "damage", ["not json", "[1, 2]", '{"epoch": null}', '{"epoch": true}', '{"step": 3}']
)
def test_a_damaged_line_is_named_and_the_others_stay(
    tmp_path: Path, new_run: NewRun, damage: str
) -> None:
    folder = new_run(tmp_path / "run", epochs=3)
    lines = (folder / "log.jsonl").read_text().splitlines()
    (folder / "log.jsonl").write_text("\n".join([lines[0], damage, *lines[1:]]) + "\n")
    run = read_run(folder, "run")
    assert run.log["epoch"].tolist() == [1, 2, 3]
    assert run.problems == ("run/log.jsonl: line 2 is no epoch and was left out",)


def test_values_that_are_no_numbers_are_left_out(
    tmp_path: Path, new_run: NewRun, new_epoch: NewEpoch
) -> None:
    folder = new_run(tmp_path / "run", epochs=2)
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(new_epoch(3) | {"train_dice": "high"}) + "\n")
    run = read_run(folder, "run")
    assert np.isnan(run.log["train_dice"].iloc[2])
    assert any("train_dice" in problem for problem in run.problems)


def test_an_epoch_logged_again_after_a_resume_counts_once(
    tmp_path: Path, new_run: NewRun, new_epoch: NewEpoch
) -> None:
    folder = new_run(tmp_path / "run", epochs=3)
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(new_epoch(2) | {"train_dice": 0.77}) + "\n")
    log = read_run(folder, "run").log
    assert log["epoch"].tolist() == [1, 2, 3]
    assert log["train_dice"].iloc[1] == 0.77


def test_a_run_without_an_epoch_yet_is_empty_not_broken(tmp_path: Path, new_run: NewRun) -> None:
    run = read_run(new_run(tmp_path / "run", epochs=0), "run")
    assert (run.epochs_done, run.best(), run.problems) == (0, None, ())
    assert measured([run], {"loss": "Total"}).empty
    assert one_table([run]).empty


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "\x00"])
def test_broken_settings_are_refused_in_one_sentence(
    tmp_path: Path, new_run: NewRun, content: str
) -> None:
    folder = new_run(tmp_path / "run")
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"run/config\.json"):
        read_run(folder, "run")


def test_a_broken_split_is_named(tmp_path: Path, new_run: NewRun) -> None:
    folder = new_run(tmp_path / "run")
    (folder / "split.json").write_text("{}")
    run = read_run(folder, "run")
    assert run.training == ()
    assert "split.json" in run.problems[0]


def run_of(**columns: list[float]) -> Run:
    log = pd.DataFrame({"epoch": range(1, 1 + len(next(iter(columns.values())))), **columns})
    return Run("a", {"epochs": 10}, log, (), (), changed_s=1000.0)


def test_state_tells_finished_running_and_stopped() -> None:
    run = run_of(seconds=[200.0, 100.0])
    assert run.state(now_s=1000 + 599) == "running"  # three times the slowest epoch
    assert run.state(now_s=1000 + 601) == "stopped"
    done = Run("a", {"epochs": 2}, run.log, (), (), changed_s=1000.0)
    assert done.state(now_s=1001) == "finished"


def test_remaining_time_is_the_mean_epoch_times_those_to_come() -> None:
    assert run_of(seconds=[20.0, 40.0]).remaining_s() == 30 * 8
    assert np.isnan(run_of(train_loss=[1.0]).remaining_s())


def test_best_epoch_is_the_highest_validation_dice() -> None:
    nothing = float("nan")
    assert run_of(val_dice=[nothing, 0.4, nothing, 0.6, 0.5]).best() == (4, 0.6)
    assert run_of(val_dice=[nothing, nothing]).best() is None


def test_measured_has_one_row_for_every_value(run_folder: Path) -> None:
    runs = [read_run(run_folder / "runs" / name, name) for name in ("first", "second")]
    table = measured(runs, {"loss": "Total", "dice": "Dice"})
    counts = table.groupby(["run", "part", "measure"]).size()
    assert counts["first", "Training", "Dice"] == 40
    assert counts["second", "Validation", "Total"] == 3
    assert table["value"].equals(table["raw"])


def test_smoothing_keeps_a_constant_and_starts_at_the_first_value() -> None:
    assert np.allclose(smooth(pd.Series([2.0, 2.0, 2.0]), 0.9), 2)
    smoothed = smooth(pd.Series([1.0, 0.0, 0.0]), 0.5)
    assert smoothed.tolist() == pytest.approx([1, 1 / 3, 1 / 7])


def test_only_settings_that_differ_are_compared(run_folder: Path) -> None:
    runs = [read_run(run_folder / "runs" / name, name) for name in ("first", "second")]
    table = setting_differences(runs)
    assert set(table["setting"]) == {"model.norm", "seed"}
    assert table.set_index("setting").loc["seed"].tolist() == ["0", "1"]
    assert setting_differences(runs[:1]).empty


def test_settings_are_written_in_words(run_folder: Path) -> None:
    shown = all_settings(read_run(run_folder / "runs" / "first", "first")).set_index("setting")[
        "value"
    ]
    assert shown["patch_size"] == "64 × 64 × 64"
    assert shown["model.attention"] == "yes"
    assert shown["learning_rate"] == "0.002"


def test_csv_is_for_spreadsheets_and_starts_no_formula() -> None:
    table = pd.DataFrame(
        {"case": ["=cmd()", "sub-01", "-x", None], "value": [-1.0, 0.1234567891, np.nan, 2]}
    )
    text = to_csv(table).decode("utf-8-sig")
    assert text.splitlines() == [
        "case,value",
        "'=cmd(),-1",
        "sub-01,0.1234567891",
        "'-x,n/a",
        "n/a,2",
    ]
    assert to_csv(table).startswith(b"\xef\xbb\xbf")


def test_a_run_that_noted_why_it_ended_says_so(
    new_run: Callable[..., Path], tmp_path: Path
) -> None:
    folder = new_run(tmp_path / "run")
    reason = "the loss became nan at step 7; lower --learning-rate"
    (folder / "failure.json").write_text(json.dumps({"step": 7, "reason": reason}))
    run = read_run(folder, "run")
    assert run.failure == reason
    assert run.state(now_s=run.changed_s) == "failed"
    (folder / "failure.json").write_text("[]")
    assert read_run(folder, "run").failure.endswith("failure.json cannot be read")


@pytest.mark.parametrize(("value", "said"), [("NaN", "nan"), ("Infinity", "inf")])
def test_a_run_whose_last_loss_is_no_number_has_failed(
    new_run: Callable[..., Path], tmp_path: Path, value: str, said: str
) -> None:
    folder = new_run(tmp_path / "run", epochs=3)
    with (folder / "log.jsonl").open("a") as log:
        log.write(f'{{"epoch": 4, "train_loss": {value}}}\n')
    assert read_run(folder, "run").failure == f"the loss became {said} in epoch 4"


def test_the_losses_of_steps_are_read_in_order_and_damaged_ones_left_out(
    tmp_path: Path, new_run: NewRun
) -> None:
    folder = new_run(tmp_path / "run", epochs=1)
    lines = [
        {"epoch": 2, "step": 4, "step_losses": [0.3, "x"]},
        {"epoch": 1, "step": 2, "step_losses": [0.9, 0.5]},
        {"epoch": 3, "step": 6, "step_losses": "nonsense"},
        {"epoch": 4, "step": 8},
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(folder, "run")
    assert run.steps["step"].tolist() == [1, 2, 3, 4]
    assert run.steps["loss"].tolist()[:3] == [0.9, 0.5, 0.3]
    assert run.steps["loss"].isna().tolist() == [False, False, False, True]
    assert run.log["epoch"].tolist() == [1, 2, 3, 4]
    assert "step_losses" not in run.log


def test_a_long_run_is_drawn_by_means_of_as_many_steps_as_it_takes(
    tmp_path: Path, new_run: NewRun
) -> None:
    folder = new_run(tmp_path / "run", epochs=1)
    line = {"epoch": 1, "step": 5, "step_losses": [1.0, 3.0, 5.0, 7.0, 9.0]}
    (folder / "log.jsonl").write_text(json.dumps(line) + "\n")
    table = step_losses([read_run(folder, "run")], 0.0, most=3)
    assert table["step"].tolist() == [2, 4, 5]
    assert table["raw"].tolist() == [2.0, 6.0, 9.0]
    assert set(table["together"]) == {2}
