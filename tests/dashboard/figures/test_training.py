"""Curves as the paper draws them: what a chart holds is read from its Vega-Lite form."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fsh_core.figures.training import LOSSES, METRICS
from fsh_dashboard.data.run_tables import measured, one_table
from fsh_dashboard.data.runs import read_run
from fsh_dashboard.figures.style import PALETTE, linked, with_fixed_names
from fsh_dashboard.figures.training import curves, over_epochs


@pytest.fixture
def runs(run_folder: Path) -> list[Any]:
    return [read_run(run_folder / "runs" / name, name) for name in ("first", "second")]


def test_training_is_solid_and_validation_dashed(runs: list[Any]) -> None:
    chart = curves(measured(runs[:1], LOSSES), "Loss").to_dict()
    line = chart["layer"][0]["encoding"]
    assert dict(
        zip(
            line["strokeDash"]["scale"]["domain"], line["strokeDash"]["scale"]["range"], strict=True
        )
    ) == {
        "Training": [1, 0],
        "Validation": [5, 3],
    }
    assert line["color"]["scale"]["domain"] == ["BCE", "Dice", "Total"]
    assert line["x"]["axis"]["title"] == "Epoch"
    assert line["y"]["axis"]["title"] == "Loss"


def test_several_runs_are_told_apart_by_colour(runs: list[Any]) -> None:
    chart = curves(measured(runs, {"dice": "Dice"}), "Metric", colour="run").to_dict()
    colour = chart["layer"][0]["encoding"]["color"]["scale"]
    assert colour["domain"] == ["first", "second"]
    assert len(set(colour["range"])) == 2


def test_the_best_epoch_is_a_line_of_its_own(runs: list[Any]) -> None:
    best = pd.DataFrame({"run": ["first"], "epoch": [40]})
    chart = curves(measured(runs[:1], METRICS), "Metric", best=best, limits=(0, 1)).to_dict()
    rule = next(layer for layer in chart["layer"] if layer["mark"]["type"] == "rule")
    assert chart["datasets"][rule["data"]["name"]] == [{"run": "first", "epoch": 40}]


def test_log_scale_leaves_out_what_has_no_logarithm(runs: list[Any]) -> None:
    table = measured(runs[:1], LOSSES)
    table.loc[0, "value"] = 0.0
    chart = curves(table, "Loss", log_scale=True).to_dict()
    values = [row["value"] for rows in chart["datasets"].values() for row in rows]
    assert len(values) == len(table) - 1
    assert min(values) > 0


def test_the_learning_rate_has_a_line_for_each_run(runs: list[Any]) -> None:
    table = one_table(runs)
    chart = over_epochs(table, "learning_rate", "Rate", "Rate").to_dict()
    values = next(iter(chart["datasets"].values()))
    assert [row["value"] for row in values] == table["learning_rate"].tolist()
    assert {row["run"] for row in values} == {run.name for run in runs}


def test_zoom_survives_new_data(runs: list[Any]) -> None:
    """Only the data may change when an epoch is added.

    Else the browser draws anew and the zoom is lost.
    """

    def without_data(log_length: int) -> dict[str, Any]:
        table = measured(runs[:1], LOSSES)
        best = pd.DataFrame({"run": ["first"], "epoch": [log_length]})
        spec = with_fixed_names(
            curves(table[table["epoch"] <= log_length], "Loss", best=best).to_dict()
        )
        assert sorted(spec.pop("datasets")) == ["data-0", "data-1"]
        return spec

    assert without_data(20) == without_data(40)


def test_linked_charts_are_zoomed_by_one_selection_of_epochs(runs: list[Any]) -> None:
    def spec(log_length: int) -> dict[str, Any]:
        log = one_table(runs[:1])
        log = log[log["epoch"] <= log_length]
        table = measured(runs[:1], LOSSES)
        shown = table[table["epoch"] <= log_length]
        parts = [
            curves(shown, "Loss", is_part=True),
            over_epochs(log, "learning_rate", "Rate", "Rate", is_part=True),
        ]
        return with_fixed_names(linked(parts).to_dict())

    first, later = spec(20), spec(40)
    [zoom] = first["params"]
    names = [part["layer"][0]["name"] for part in first["vconcat"]]
    assert [name.partition("_")[0] for name in names] == ["view-0", "view-1"]
    assert zoom["views"] == names
    assert zoom["bind"] == "scales"
    assert zoom["select"] == {"type": "interval", "encodings": ["x"]}
    assert {part["layer"][0]["encoding"]["x"]["field"] for part in first["vconcat"]} == {"epoch"}
    assert first.pop("datasets").keys() == later.pop("datasets").keys() == {"data-0", "data-1"}
    assert first == later  # the same chart to the browser, which keeps its zoom


def luminance(colour: str) -> float:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", PALETTE)
@pytest.mark.parametrize("page", ["#ffffff", "#14171c"])
def test_colours_are_seen_on_light_and_dark_pages(colour: str, page: str) -> None:
    darker, brighter = sorted((luminance(colour), luminance(page)))
    assert (brighter + 0.05) / (darker + 0.05) >= 3
