"""A training that goes on from trained weights: nothing lost of them, and no patient forgotten."""

import json

import numpy as np
import pytest

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.cli.train import configure
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.network.checkpoint import DEFAULT_WEIGHTS, load_checkpoint, save_ensemble
from fsh_core.training import train as training
from fsh_core.training.runs import RunFolder
from fsh_core.training.start import start_from
from fsh_core.training.train import train
from tests.core.training.test_train import SPLIT, Killed, check_same_run, small

OPTIONS = ["--patch-size", "32,32,16", "--steps-per-epoch", "1", "--batch-size", "1"]
OPTIONS += ["--epochs", "1", "--simulate-fraction", "0", "--simulated-copies", "0"]
STILL = ["--learning-rate", "1e-12", "--ema", "0"]


@pytest.fixture(scope="module")
def trained(training_bids, tmp_path_factory):
    """Two networks of an epoch, of subjects 01 to 03."""
    folder = tmp_path_factory.mktemp("trained")
    runs = []
    for norm in ("batch", "instance"):
        runs.append(RunFolder(folder / norm))
        config = small(epochs=1, model={"norm": norm})
        train(discover_cases(training_bids), SPLIT, config, runs[-1])
    return runs


def started(data, out, weights, *more) -> int:
    return main(["train", str(data), "-o", str(out), "--start-from", str(weights), *OPTIONS, *more])


def test_it_begins_with_the_weights(trained, training_bids, tmp_path):
    weights, run = trained[1].weights("last"), RunFolder(tmp_path / "run")
    assert started(training_bids, run.path, weights, *STILL, "--validation", "04") == 0
    before, after = load_checkpoint(weights), load_checkpoint(run.weights("last"))
    assert after.config == before.config
    for name, weight in before.members[0].weights.items():
        np.testing.assert_allclose(after.members[0].weights[name], weight, atol=1e-6)


def test_whom_the_weights_learned_from_is_not_forgotten(trained, training_bids, tmp_path):
    weights, run = trained[1].weights("last"), RunFolder(tmp_path / "run")
    words = ["--exclude", "02", "--exclude", "03", "--validation", "04"]
    assert started(training_bids, run.path, weights, *words) == 0
    said = json.loads(run.weights("last").with_suffix(".json").read_text())["training"]
    assert said["subjects"] == ["01", "02", "03"]
    assert said["started_from"] == load_checkpoint(weights).sha256


def test_nobody_is_validated_on_whom_the_weights_know(trained, training_bids, tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    weights = trained[1].weights("last")
    assert started(training_bids, run.path, weights, "--validation", "02") == 2
    assert "02 would be validated on, but the weights to start from" in capsys.readouterr().err
    assert not run.path.exists()


def test_of_an_ensemble_the_network_that_is_asked_for(trained, training_bids, tmp_path, capsys):
    pair, run = tmp_path / "pair.safetensors", RunFolder(tmp_path / "run")
    save_ensemble([run.weights("last") for run in trained], pair, {})
    assert started(training_bids, run.path, pair, "--validation", "04") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "found 2; choose one by --norm batch or --norm instance" in said
    words = [*STILL, "--validation", "04", "--norm", "batch"]
    assert started(training_bids, run.path, pair, *words) == 0
    assert load_checkpoint(run.weights("last")).config.norm == "batch"


def test_another_network_than_that_of_the_weights(trained, training_bids, tmp_path, capsys):
    words = ["--validation", "04", "--recurrence", "1"]
    assert started(training_bids, tmp_path / "run", trained[0].weights("last"), *words) == 2
    assert "found none" in capsys.readouterr().err


def test_the_bundled_weights_by_their_name(training_bids, tmp_path):
    run = RunFolder(tmp_path / "run")
    words = ["--norm", "batch", "--validation", "04"]
    assert started(training_bids, run.path, "default", *words) == 0
    start = json.loads(run.weights("last").with_suffix(".json").read_text())["training"]
    assert start["started_from"] == load_checkpoint(DEFAULT_WEIGHTS).sha256


def test_lesions_are_simulated_for_networks_of_the_flair_alone():
    several = ModelConfig(channels=("FLAIR", "T1w"))
    assert configure("default", None, {}).simulated_copies > 0
    assert configure("default", None, {}, several).simulated_copies == 0
    assert configure("default", None, {}, several).model == several


def test_weights_that_are_not_there(training_bids, tmp_path, capsys):
    assert started(training_bids, tmp_path / "run", tmp_path / "none.safetensors") == 2
    assert "none.safetensors: no such file" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_that_goes_on_needs_the_weights_no_more(trained, training_bids, tmp_path):
    cases, start = discover_cases(training_bids), start_from(trained[1].weights("last"), {})
    split = SPLIT.model_copy(update={"learned_before": start.subjects})
    whole, killed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    train(cases, split, small(), whole, start=start)

    def die(_progress: training.Progress) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(cases, split, small(), killed, start=start, on_progress=die)
    train(cases, split, small(), killed, resume=True)
    check_same_run(whole, killed)


def test_a_start_that_was_killed_leaves_nothing_to_the_next_run(trained, training_bids, tmp_path):
    run, start = RunFolder(tmp_path / "run"), start_from(trained[1].weights("last"), {})
    cases = discover_cases(training_bids)
    run.create(small(), SPLIT, cases, start)
    (run.path / "config.json").unlink()  # written last
    run.create(small(), SPLIT, cases)
    assert run.start is None


def test_weights_of_another_network_than_they_say(trained, training_bids, tmp_path):
    start = start_from(trained[1].weights("last"), {})
    del start.network.weights["head.bias"]
    with pytest.raises(InputError, match="expected weights of the network"):
        train(
            discover_cases(training_bids),
            SPLIT,
            small(),
            RunFolder(tmp_path / "run"),
            start=start,
        )
    assert not (tmp_path / "run").exists()
