"""Training: a run folder, the same numbers every time, and none lost to a kill."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fsh_core.cases import Split, discover_cases
from fsh_core.cli import main
from fsh_core.config import ModelConfig, SegmentConfig, TrainConfig
from fsh_core.errors import Cancelled, InputError
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.files import write_atomically
from fsh_core.inference.predict import load_predictor
from fsh_core.locks import one_writer
from fsh_core.network.checkpoint import load_checkpoint
from fsh_core.network.losses import Losses
from fsh_core.training import learner
from fsh_core.training import train as training
from fsh_core.training.runs import RunFolder
from fsh_core.training.sample import read_sample
from fsh_core.training.scores import METRICS
from fsh_core.training.train import train
from fsh_core.training.training_case import load_whole
from tests.conftest import REPOSITORY

EPOCHS = 3
OPTIONS = {
    "widths": "4,6,4,4,4",
    "spacing-mm": 2,
    "patch-size": "32,32,16",
    "epochs": EPOCHS,
    "steps-per-epoch": 2,
    "batch-size": 1,
    "validate-every": 2,
    "warmup-steps": 2,
    "validation": "04",
    "ablation": "fsh",
    "norm": "instance",
    "intensity": "percentile",
    "simulate-fraction": 0,
    "simulated-copies": 0,
}
LOSSES = ("bce", "dice_loss", "loss")
TIMES = {"seconds", "steps_per_second"}
LEFT_BEHIND = {
    "config.json",
    "split.json",
    "inputs.json",
    "log.jsonl",
    "state.safetensors",
    "best.safetensors",
    "best.json",
    "last.safetensors",
    "last.json",
    "samples",
}


def words(**changes) -> list[str]:
    """Command-line options of a small training."""
    options = OPTIONS | {name.replace("_", "-"): value for name, value in changes.items()}
    return [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name}", str(value))
    ]


def small(**changes) -> TrainConfig:
    """The same as settings, for calling `train` itself."""
    model = ModelConfig(spacing_mm=2.0, widths=(4, 6, 4, 4, 4), **changes.pop("model", {}))
    settings = {
        "patch_size": (32, 32, 16),
        "epochs": EPOCHS,
        "steps_per_epoch": 2,
        "batch_size": 1,
        "warmup_steps": 2,
    }
    return TrainConfig(model=model, **{**settings, "validate_every": 2, **changes})


SPLIT = Split(training=("01", "02", "03"), validation=("04",))


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and of those inside it, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def without_times(log: list[dict]) -> list[dict]:
    return [{name: value for name, value in line.items() if name not in TIMES} for line in log]


def check_same_run(one: RunFolder, other: RunFolder) -> None:
    """The weights to the byte, and the log but for what a clock says."""
    for which in ("last", "best"):
        assert one.weights(which).read_bytes() == other.weights(which).read_bytes()
        assert (
            one.weights(which).with_suffix(".json").read_text()
            == other.weights(which).with_suffix(".json").read_text()
        )
    assert without_times(one.read_log()) == without_times(other.read_log())


@pytest.fixture(scope="module")
def finished(training_bids, tmp_path_factory):
    """A run from the command line that nothing interrupted, and what it printed."""
    run = RunFolder(tmp_path_factory.mktemp("run") / "new" / "run")
    command = [
        sys.executable,
        "-m",
        "fsh_core.cli",
        "train",
        str(training_bids),
        "-o",
        str(run.path),
        *words(),
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run, done.stdout


class TestRunFolder:
    def test_what_a_run_leaves_behind(self, finished):
        run, _ = finished
        assert {path.name for path in run.path.iterdir()} == LEFT_BEHIND
        config, split = run.open()
        assert config == small()
        assert split == SPLIT

    def test_a_slice_of_a_validation_scan_is_kept_as_it_was_predicted(self, finished):
        run, _ = finished
        assert sorted(path.name for path in (run.path / "samples").iterdir()) == [
            "epoch-0002.npz",
            "epoch-0003.npz",
        ]
        sample = read_sample(run.path / "samples" / "epoch-0003.npz")
        assert sample.reference.any()
        assert sample.scan.any()
        assert sample.scan.shape == sample.reference.shape == sample.probability.shape

    def test_the_checkpoints_say_where_they_come_from(self, finished):
        run, _ = finished
        last = load_checkpoint(run.weights("last"))
        assert last.config == small().model
        assert last.card.training.to_json()["epoch"] == EPOCHS
        assert last.card.training.subjects == ("01", "02", "03")
        assert last.card.training.validated_on == ("04",)
        assert last.card.training.to_json()["validation_dice"] == run.read_log()[-1]["val_dice"]

    def test_one_line_an_epoch(self, finished):
        log = finished[0].read_log()
        assert [line["epoch"] for line in log] == [1, 2, 3]
        assert [line["step"] for line in log] == [2, 4, 6]
        # validated every second epoch, and after the last
        assert ["val_dice" in line for line in log] == [False, True, True]

    def test_every_line_has_losses_and_metrics(self, finished):
        for line in finished[0].read_log():
            prefixes = ("train", "val") if "val_dice" in line else ("train",)
            expected = {f"{prefix}_{name}" for prefix in prefixes for name in (*LOSSES, *METRICS)}
            assert set(line) == expected | {"epoch", "step", "learning_rate", "step_losses"} | TIMES
            assert len(line["step_losses"]) == 2
            assert np.mean(line["step_losses"]) == pytest.approx(line["train_loss"], rel=1e-4)
            for prefix in prefixes:
                assert all(0 <= line[f"{prefix}_{name}"] <= 1 for name in METRICS)
                assert line[f"{prefix}_f1"] == line[f"{prefix}_dice"]
                mean = (line[f"{prefix}_bce"] + line[f"{prefix}_dice_loss"]) / 2
                assert line[f"{prefix}_loss"] == pytest.approx(mean, rel=1e-5)
        assert METRICS == ("accuracy", "sensitivity", "specificity", "precision", "f1", "dice")

    def test_validation_is_on_whole_volumes_in_the_files_own_grid(self, finished, training_bids):
        run, _ = finished
        config, _ = run.open()
        case = load_whole(discover_cases(training_bids)[-1], config.model)
        settings = SegmentConfig(patch_size=config.patch_size, overlap=0.25)
        predictor = load_predictor(run.weights("last"), settings)
        probability = case.prepared.to_input_grid(predictor(case.prepared.masked))
        metrics = voxel_metrics(case.reference, probability >= 0.5)
        line = run.read_log()[-1]
        assert {name: line[f"val_{name}"] for name in METRICS} == {
            name: getattr(metrics, name) for name in METRICS
        }
        clipped = np.clip(probability.astype(float), 1e-6, 1 - 1e-6)
        bce = -np.where(case.reference, np.log(clipped), np.log(1 - clipped)).mean()
        assert line["val_bce"] == pytest.approx(bce, rel=1e-4)

    def test_what_is_needed_is_said_before_the_first_epoch_ends(self, finished):
        _, printed = finished
        beginning, _, _ = printed.partition("epoch   1")
        assert "3 training and 1 validation subjects, 3 epochs" in beginning
        assert "parameters, into" in beginning


def test_the_estimate_comes_with_the_first_steps(training_bids, tmp_path, capsys):
    for steps in (1, 7):
        out = tmp_path / f"{steps}"
        assert (
            main(
                [
                    "train",
                    str(training_bids),
                    "-o",
                    str(out),
                    *words(epochs=1, steps_per_epoch=steps),
                ]
            )
            == 0
        )
        printed = " ".join(capsys.readouterr().out.split())
        beginning, epoch, _ = printed.partition("epoch 1 loss")
        assert epoch
        assert f"{steps} steps" in beginning
        assert "GB of memory" in beginning
        assert "minutes" in beginning


def test_each_epoch_is_logged_when_it_ends(training_bids, tmp_path):
    run, seen = RunFolder(tmp_path / "run"), []

    def watch(progress: training.Progress) -> None:
        seen.append((progress.epoch, progress.step, len(run.log.read_text().splitlines())))
        assert (progress.epochs, progress.steps) == (EPOCHS, 6)
        assert progress.memory_mb > 50
        if progress.epoch_log is not None:
            assert json.loads(run.log.read_text().splitlines()[-1]) == progress.epoch_log

    train(discover_cases(training_bids), SPLIT, small(), run, on_progress=watch)
    assert seen == [
        (0, 1, 0),
        (0, 2, 0),
        (1, 2, 1),
        (1, 3, 1),
        (1, 4, 1),
        (2, 4, 2),
        (2, 5, 2),
        (2, 6, 2),
        (3, 6, 3),
    ]


def test_it_learns(training_bids, tmp_path):
    run = RunFolder(tmp_path / "run")
    config = small(
        epochs=3,
        steps_per_epoch=12,
        augmentation="none",
        learning_rate=0.02,
        warmup_steps=4,
        ema=0.5,
    )
    train(
        discover_cases(training_bids), SPLIT, config.model_copy(update={"validate_every": 3}), run
    )
    log = run.read_log()
    assert log[-1]["train_loss"] < 0.5 * log[0]["train_loss"]
    assert log[-1]["train_dice"] > log[0]["train_dice"]
    assert log[-1]["val_dice"] > 0.5


class TestSeeds:
    def test_the_same_seed_gives_the_same_bytes(self, finished, training_bids, tmp_path):
        again = RunFolder(tmp_path / "again")
        torch.manual_seed(99)
        train(discover_cases(training_bids), SPLIT, small(), again)
        check_same_run(finished[0], again)
        assert again.state.read_bytes() == finished[0].state.read_bytes()
        kept = sorted((again.path / "samples").iterdir())
        assert [path.read_bytes() for path in kept] == [
            (finished[0].path / "samples" / path.name).read_bytes() for path in kept
        ]

    def test_another_seed_gives_others(self, finished, training_bids, tmp_path):
        other = RunFolder(tmp_path / "other")
        train(discover_cases(training_bids), SPLIT, small(epochs=1, seed=1), other)
        assert other.weights("last").read_bytes() != finished[0].weights("last").read_bytes()
        assert other.read_log()[0]["train_loss"] != finished[0].read_log()[0]["train_loss"]

    def test_nothing_of_it_stays_switched_on(self, training_bids, tmp_path):
        before = torch.utils.deterministic.fill_uninitialized_memory
        train(discover_cases(training_bids), SPLIT, small(epochs=1), RunFolder(tmp_path / "run"))
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.utils.deterministic.fill_uninitialized_memory is before


class Killed(Exception):
    """Stands for a kill at a chosen moment."""


def die(*_arguments, **_named):
    raise Killed


MOMENTS = [
    "in the first epoch",
    "logged, not saved",
    "best saved, last not",
    "weights saved, state not",
    "between",
]


class TestResume:
    def test_after_kill_9(self, finished, training_bids, tmp_path, capsys):
        run = RunFolder(tmp_path / "killed")
        command = [
            sys.executable,
            "-m",
            "fsh_core.cli",
            "train",
            str(training_bids),
            "-o",
            str(run.path),
            *words(),
        ]
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        with process:
            deadline = time.monotonic() + 300
            while not (run.log.is_file() and run.log.read_text()):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert len(run.read_log()) < EPOCHS
        assert main(["train", str(training_bids), "-o", str(run.path), "--resume"]) == 0
        assert "Done" in capsys.readouterr().out
        check_same_run(finished[0], run)

    def test_a_run_can_be_given_more_epochs(self, finished, training_bids, tmp_path):
        run = RunFolder(Path(shutil.copytree(finished[0].path, tmp_path / "run")))
        before = run.read_log()
        words = ["train", str(training_bids), "-o", str(run.path), "--resume"]
        assert main([*words, "--epochs", str(EPOCHS + 1)]) == 0
        log = run.read_log()
        assert log[:EPOCHS] == before
        assert len(log) == EPOCHS + 1
        assert log[-1]["step"] == (EPOCHS + 1) * log[0]["step"]
        assert run.open()[0].epochs == EPOCHS + 1
        assert run.lengthened_at == (EPOCHS,)
        card = json.loads(run.weights("last").with_suffix(".json").read_text())
        assert card["training"]["lengthened_at"] == [EPOCHS]
        assert main(words) == 0  # nothing is left to do, and nothing changed under it

    def test_killed_while_it_is_given_more_epochs(self, finished, tmp_path, monkeypatch):
        run = RunFolder(Path(shutil.copytree(finished[0].path, tmp_path / "run")))
        config, _ = run.open()

        def killed(path, payload):
            if path.name == "config.json":
                raise KeyboardInterrupt
            write_atomically(path, payload)

        with monkeypatch.context() as patched:
            patched.setattr("fsh_core.training.runs.write_atomically", killed)
            with pytest.raises(KeyboardInterrupt):
                run.lengthen(config, EPOCHS + 2)
        assert run.open()[0].epochs == EPOCHS
        assert run.lengthen(config, EPOCHS + 2).epochs == EPOCHS + 2
        assert run.lengthened_at == (EPOCHS,)

    @pytest.mark.parametrize("moment", MOMENTS)
    def test_killed_at_any_moment(self, finished, training_bids, tmp_path, monkeypatch, moment):
        cases, run = discover_cases(training_bids), RunFolder(tmp_path / "run")

        def watch(progress: training.Progress) -> None:
            if moment == "in the first epoch" and progress.step == 1:
                raise Killed
            if moment == "between" and progress.epoch_log and progress.epoch == 2:
                raise Killed

        original = training.save_checkpoint

        def save(model, path, card, weights):
            if path.stem == "last" and card["training"]["epoch"] == 2:
                raise Killed
            return original(model, path, card, weights)

        if moment == "logged, not saved":
            monkeypatch.setattr(training, "save_checkpoint", die)
        if moment == "best saved, last not":
            monkeypatch.setattr(training, "save_checkpoint", save)
        if moment == "weights saved, state not":
            monkeypatch.setattr(RunFolder, "save_state", die)
        with pytest.raises(Killed):
            train(cases, SPLIT, small(), run, on_progress=watch)
        monkeypatch.undo()
        train(cases, SPLIT, small(), run, resume=True)
        check_same_run(finished[0], run)

    def test_half_a_line_in_the_log_and_half_written_files(self, finished, training_bids, tmp_path):
        run = self.stopped_after_one_epoch(training_bids, tmp_path)
        with run.log.open("a") as file:
            file.write('{"epoch": 2, "st')
        killed = "with staging_folder(Path(sys.argv[1])): os._exit(9)"
        code = f"import os, sys\nfrom pathlib import Path\nfrom fsh_core.files import *\n{killed}"
        subprocess.run([sys.executable, "-c", code, str(run.path)], check=False)
        (run.path / ".notes.of.mine").write_text("half")
        assert len(list(run.path.glob(".*"))) == 2
        train(discover_cases(training_bids), SPLIT, small(), run, resume=True)
        check_same_run(finished[0], run)
        assert {path.name for path in run.path.iterdir()} == LEFT_BEHIND | {".notes.of.mine"}

    @pytest.mark.parametrize("schedule", ["plateau", "cosine"])
    def test_the_papers_way(self, training_bids, tmp_path, schedule):
        """Batch norm's statistics, Adam, the grid's order and the plateau's losses are restored."""
        cases = discover_cases(training_bids)
        config = small(
            model={"norm": "batch"},
            schedule=schedule,
            plateau_patience=0,
            validate_every=1,
            optimiser="adam",
            augmentation="paper",
            sampling="grid",
            gradient_clip=0,
            ema=0,
            batch_size=2,
        )
        straight = RunFolder(tmp_path / "straight")
        train(cases, SPLIT, config, straight)
        stopped = self.stopped_after_one_epoch(training_bids, tmp_path, config)
        train(cases, SPLIT, config, stopped, resume=True)
        check_same_run(straight, stopped)

    def test_what_is_finished_stays_as_it_is(self, finished, training_bids):
        run, _ = finished
        before = contents_of(run.path)
        assert main(["train", str(training_bids), "-o", str(run.path), "--resume"]) == 0
        assert contents_of(run.path) == before

    @staticmethod
    def stopped_after_one_epoch(training_bids, folder, config=None) -> RunFolder:
        run = RunFolder(folder / "stopped")

        def stop(progress: training.Progress) -> None:
            if progress.epoch_log:
                raise Cancelled

        with pytest.raises(Cancelled):
            train(discover_cases(training_bids), SPLIT, config or small(), run, on_progress=stop)
        assert len(run.read_log()) == 1
        return run


class TestRefusals:
    def refused(self, capsys, *arguments: object) -> str:
        assert main(["train", *map(str, arguments)]) == 2
        sentence = capsys.readouterr().err
        assert sentence.count("\n") == 1
        assert "Traceback" not in sentence
        return sentence

    def test_subjects_that_leak_between_training_and_validation(self, training_bids, tmp_path):
        run = RunFolder(tmp_path / "run")
        leaking = Split(training=("01", "02", "03"), validation=("03", "04"))
        with pytest.raises(
            InputError,
            match=r"the split leaks: 03 must be in training or validation, found in both",
        ):
            train(discover_cases(training_bids), leaking, small(), run)
        assert not run.path.exists()

    def test_subjects_of_the_split_without_a_scan(self, training_bids, tmp_path):
        cases = [case for case in discover_cases(training_bids) if case.subject != "03"]
        with pytest.raises(InputError, match=r"the split names 03, .*no case"):
            train(cases, SPLIT, small(), RunFolder(tmp_path / "run"))

    def test_a_leaking_run_folder_is_not_resumed(self, training_bids, tmp_path, capsys):
        run = TestResume.stopped_after_one_epoch(training_bids, tmp_path)
        Split(training=("01", "02"), validation=("02", "04")).save(run.path / "split.json")
        assert "the split leaks: 02" in self.refused(
            capsys, training_bids, "-o", run.path, "--resume"
        )

    def test_all_sessions_of_a_subject_stay_together(self, training_bids, tmp_path):
        assert (
            main(
                [
                    "train",
                    str(training_bids),
                    "-o",
                    str(tmp_path / "run"),
                    *words(validation="02", epochs=1),
                ]
            )
            == 0
        )
        _, split = RunFolder(tmp_path / "run").open()
        assert split == Split(training=("01", "03", "04"), validation=("02",))

    def test_a_folder_with_a_run_in_it(self, finished, training_bids, capsys):
        run, _ = finished
        before = contents_of(run.path)
        sentence = self.refused(capsys, training_bids, "-o", run.path, *words())
        assert (
            f"{run.path}: already holds a training run; add --resume or choose another folder"
            in sentence
        )
        assert contents_of(run.path) == before

    def test_resuming_what_was_never_started(self, training_bids, tmp_path, capsys):
        sentence = self.refused(capsys, training_bids, "-o", tmp_path / "none", "--resume")
        assert (
            "none: expected a run folder with config.json, found none; start without --resume"
            in sentence
        )
        assert not (tmp_path / "none").exists()

    def test_resuming_with_other_settings(self, finished, training_bids, capsys):
        sentence = self.refused(
            capsys, training_bids, "-o", finished[0].path, "--resume", "--seed", 9
        )
        assert "--resume takes its settings from the run folder" in sentence

    def test_resuming_with_no_more_epochs(self, finished, training_bids, capsys):
        before = contents_of(finished[0].path)
        sentence = self.refused(
            capsys, training_bids, "-o", finished[0].path, "--resume", "--epochs", EPOCHS
        )
        assert f"the run has {EPOCHS} already; give more" in sentence
        assert contents_of(finished[0].path) == before

    def test_lengthening_what_was_changed_by_hand(self, stopped, training_bids, capsys):
        config = stopped.path / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"seed": 7}))
        sentence = self.refused(
            capsys, training_bids, "-o", stopped.path, "--resume", "--epochs", 9
        )
        assert "cannot go on, since config.json changed" in sentence

    def test_lengthening_in_several_processes(self, stopped, training_bids, capsys, monkeypatch):
        monkeypatch.setenv("WORLD_SIZE", "2")
        sentence = self.refused(
            capsys, training_bids, "-o", stopped.path, "--resume", "--epochs", 9
        )
        assert "lengthen a run in one process" in sentence

    def test_resuming_without_a_subject_of_the_run(self, training_bids, tmp_path, capsys):
        run = TestResume.stopped_after_one_epoch(training_bids, tmp_path)
        part = tmp_path / "part"
        part.mkdir()
        for name in ("sub-01", "sub-02", "sub-04", "derivatives"):
            (part / name).symlink_to(training_bids / name)
        assert "03" in self.refused(capsys, part, "-o", run.path, "--resume")
        assert len(run.read_log()) == 1
        before = contents_of(run.path)
        assert "03" in self.refused(capsys, part, "-o", run.path, "--resume", "--epochs", 9)
        assert contents_of(run.path) == before

    @pytest.mark.parametrize(
        ("name", "said"),
        [("label-L_mask", "sub-02_ses-a reference"), ("_FLAIR", "sub-02_ses-a FLAIR")],
    )
    def test_resuming_with_other_data(self, training_bids, tmp_path, capsys, name, said):
        data = Path(shutil.copytree(training_bids, tmp_path / "data"))
        run = TestResume.stopped_after_one_epoch(data, tmp_path)
        (file,) = data.rglob(f"sub-02_ses-a*{name}.nii.gz")
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), 1))  # other bytes
        sentence = self.refused(capsys, data, "-o", run.path, "--resume")
        assert f"{run.path}: cannot go on, since {said} changed after the run was begun" in sentence
        assert len(run.read_log()) == 1

    @pytest.mark.parametrize(
        ("name", "changed"),
        [
            ("split.json", {"training": ["01", "02", "04"], "validation": ["03"]}),
            ("config.json", {"seed": 7}),
        ],
    )
    def test_resuming_with_another_split_or_other_settings(
        self, stopped, training_bids, capsys, name, changed
    ):
        content = json.loads((stopped.path / name).read_text())
        (stopped.path / name).write_text(json.dumps(content | changed))
        sentence = self.refused(capsys, training_bids, "-o", stopped.path, "--resume")
        assert f"cannot go on, since {name} changed" in sentence

    def test_a_second_training_into_the_same_folder(self, training_bids, tmp_path, capsys):
        with one_writer(tmp_path / "run"):
            thread = threading.Thread(
                target=main, args=(["train", str(training_bids), "-o", str(tmp_path / "run")],)
            )
            thread.start()
            thread.join()
        assert "run: another process is writing its results there" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_a_start_that_fails_leaves_no_run_behind(self, training_bids, tmp_path):
        run = RunFolder(tmp_path / "run")
        cases = discover_cases(training_bids)
        broken = [*cases[:-1], cases[-1].__class__(**{**vars(cases[-1]), "reference": None})]
        with pytest.raises(InputError, match=r"sub-04: has no reference lesion mask"):
            train(broken, SPLIT, small(), run)
        assert not run.path.exists()
        train(cases, SPLIT, small(epochs=1), run)

    @pytest.mark.parametrize("name", ["--validation", "--exclude"])
    def test_a_subject_that_is_not_there(self, training_bids, tmp_path, capsys, name):
        options = [*words(validation=None), name, "99"]
        sentence = self.refused(capsys, training_bids, "-o", tmp_path / "run", *options)
        assert f"{name}: there is no subject 99 in the data" in sentence
        assert not (tmp_path / "run").exists()

    def test_nothing_left_to_train_on(self, training_bids, tmp_path, capsys):
        options = [*words(), "--validation", "01", "--validation", "02", "--validation", "03"]
        sentence = self.refused(capsys, training_bids, "-o", tmp_path / "run", *options)
        assert "there is no training case" in sentence
        assert not (tmp_path / "run").exists()

    def test_plateau_without_validation(self, training_bids, tmp_path, capsys):
        options = words(schedule="plateau", validation=None, validation_fraction=0)
        sentence = self.refused(capsys, training_bids, "-o", tmp_path / "run", *options)
        assert "plateau" in sentence
        assert "validation" in sentence

    def test_a_loss_that_is_no_number(self, training_bids, tmp_path, monkeypatch):
        def broken(logits, *_arguments):
            nothing = logits.sum() * float("nan")
            return Losses(nothing, nothing, nothing)

        monkeypatch.setattr(learner, "composite_loss", broken)
        with pytest.raises(
            InputError, match=r"the loss became nan at step 1; lower --learning-rate"
        ):
            train(discover_cases(training_bids), SPLIT, small(), RunFolder(tmp_path / "run"))
        note = json.loads((tmp_path / "run" / "failure.json").read_text())
        assert note == {
            "step": 1,
            "reason": "the loss became nan at step 1; lower --learning-rate",
        }
        monkeypatch.undo()
        train(
            discover_cases(training_bids), SPLIT, small(), RunFolder(tmp_path / "run"), resume=True
        )
        assert not (tmp_path / "run" / "failure.json").exists()


def truncate(run: RunFolder) -> None:
    run.state.write_bytes(run.state.read_bytes()[:-100])


def overwrite(run: RunFolder) -> None:
    run.state.write_bytes(b"nothing of the kind")


def empty(run: RunFolder) -> None:
    run.state.write_bytes(b"")


def forget_the_epoch(run: RunFolder) -> None:
    save_file(load_file(run.state), run.state)


def garble_the_epoch(run: RunFolder) -> None:
    save_file(load_file(run.state), run.state, {"epoch": "two"})


def lose_a_moment(run: RunFolder) -> None:
    tensors = load_file(run.state)
    save_file(
        {key: value for key, value in tensors.items() if "exp_avg" not in key},
        run.state,
        {"epoch": "1"},
    )


def lose_a_weight(run: RunFolder) -> None:
    tensors = load_file(run.state)
    del tensors["model/head.weight"]
    save_file(tensors, run.state, {"epoch": "1"})


def of_another_network(run: RunFolder) -> None:
    tensors = load_file(run.state)
    tensors["average/head.weight"] = torch.zeros(1, 8, 1, 1, 1)
    save_file(tensors, run.state, {"epoch": "1"})


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        overwrite,
        empty,
        forget_the_epoch,
        garble_the_epoch,
        lose_a_moment,
        lose_a_weight,
        of_another_network,
    ],
)
def test_a_damaged_state_is_one_sentence(stopped, training_bids, capsys, damage):
    damage(stopped)
    log = stopped.log.read_text()
    assert main(["train", str(training_bids), "-o", str(stopped.path), "--resume"]) == 2
    sentence = capsys.readouterr().err
    assert f"{stopped.state}: expected the state of a run" in sentence
    assert sentence.count("\n") == 1
    assert len(sentence) < 500
    assert stopped.log.read_text() == log


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("config.json", "{}x", "config.json: expected the settings of a run"),
        ("config.json", '{"epochs": 0}', "config.json: expected the settings of a run"),
        ("config.json", b"\xff\xfe", "config.json: expected the settings of a run"),
        ("split.json", "[]", "split.json: expected a split"),
        ("split.json", None, "split.json: cannot be read"),
        ("inputs.json", "[", "inputs.json: expected what the run learns from"),
        ("log.jsonl", None, "log.jsonl: expected the log of 1 epoch"),
        ("log.jsonl", "", "log.jsonl: expected the log of 1 epoch"),
    ],
)
def test_a_damaged_run_folder_is_one_sentence(stopped, training_bids, capsys, name, content, part):
    if content is None:
        (stopped.path / name).unlink()
    else:
        (stopped.path / name).write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    assert main(["train", str(training_bids), "-o", str(stopped.path), "--resume"]) == 2
    sentence = capsys.readouterr().err
    assert part in sentence
    assert sentence.count("\n") == 1


@pytest.fixture(scope="module")
def stopped_once(training_bids, tmp_path_factory):
    return TestResume.stopped_after_one_epoch(training_bids, tmp_path_factory.mktemp("stopped"))


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A run that was stopped after its first epoch, to damage."""
    (tmp_path / "run").mkdir()
    for path in stopped_once.path.iterdir():
        (tmp_path / "run" / path.name).write_bytes(path.read_bytes())
    return RunFolder(tmp_path / "run")


class TestAverage:
    def test_the_stored_weights_are_the_moving_average(self, stopped_once):
        tensors = load_file(stopped_once.state)
        average = {
            key.removeprefix("average/"): one
            for key, one in tensors.items()
            if key.startswith("average/")
        }
        model = {
            key.removeprefix("model/"): one
            for key, one in tensors.items()
            if key.startswith("model/")
        }
        assert average.keys() == model.keys()
        with safe_open(stopped_once.weights("last"), "pt") as file:
            stored = {name: file.get_tensor(name) for name in average}
        assert all(torch.equal(stored[name], average[name]) for name in average)

    def test_by_hand(self):
        torch.manual_seed(0)
        model, average = (torch.nn.BatchNorm3d(2) for _ in range(2))
        before = {name: one.clone() for name, one in average.state_dict().items()}
        with torch.no_grad():
            model.weight.normal_()
            model(torch.rand(2, 2, 3, 3, 3))
        learner._update_ema(average, model, 0.9)
        for name, one in average.state_dict().items():
            if name == "num_batches_tracked":
                assert one == 1
            else:
                assert torch.allclose(one, 0.9 * before[name] + 0.1 * model.state_dict()[name])
        learner._update_ema(average, model, 0.0)
        assert all(
            torch.equal(one, model.state_dict()[name]) for name, one in average.state_dict().items()
        )

    def test_off_and_during_warm_up_it_is_the_model(self, training_bids, tmp_path):
        for name, settings in {
            "off": {"ema": 0.0, "warmup_steps": 0},
            "warm-up": {"ema": 0.9, "warmup_steps": 2},
        }.items():
            run = RunFolder(tmp_path / name)
            train(discover_cases(training_bids), SPLIT, small(epochs=1, **settings), run)
            tensors = load_file(run.state)
            assert torch.equal(tensors["average/head.weight"], tensors["model/head.weight"])
        run = RunFolder(tmp_path / "on")
        train(discover_cases(training_bids), SPLIT, small(epochs=1, ema=0.9, warmup_steps=0), run)
        tensors = load_file(run.state)
        assert not torch.equal(tensors["average/head.weight"], tensors["model/head.weight"])


class TestBest:
    def trained(
        self, training_bids, folder, monkeypatch, dices: list[float], **settings
    ) -> RunFolder:
        """Train with validation results of our choice."""
        run, given = RunFolder(folder / "run"), iter(dices)
        monkeypatch.setattr(
            training, "validate", lambda *_: {"val_dice": next(given), "val_loss": 1.0}
        )
        train(
            discover_cases(training_bids),
            SPLIT,
            small(steps_per_epoch=1, validate_every=1, **settings),
            run,
        )
        return run

    def test_the_best_epoch_is_kept(self, training_bids, tmp_path, monkeypatch):
        run = self.trained(training_bids, tmp_path, monkeypatch, [0.5, 0.9, 0.7])
        best, last = (
            load_checkpoint(run.weights(which)).card.training.to_json()
            for which in ("best", "last")
        )
        assert (best["epoch"], best["validation_dice"]) == (2, 0.9)
        assert (last["epoch"], last["validation_dice"]) == (3, 0.7)

    def test_plateau_halves_the_rate_when_the_validation_loss_stalls(
        self, training_bids, tmp_path, monkeypatch
    ):
        settings = {
            "schedule": "plateau",
            "plateau_patience": 1,
            "warmup_steps": 0,
            "learning_rate": 0.004,
        }
        run = self.trained(training_bids, tmp_path, monkeypatch, [0.5] * 5, epochs=5, **settings)
        # the first loss is the best so far; two that do not improve on it exceed the patience of
        # one
        assert [line["learning_rate"] for line in run.read_log()] == [
            0.004,
            0.004,
            0.004,
            0.002,
            0.002,
        ]

    def test_without_validation_the_best_is_the_last(self, training_bids, tmp_path):
        run = RunFolder(tmp_path / "run")
        alone = Split(training=("01", "02", "03", "04"), validation=())
        train(discover_cases(training_bids), alone, small(epochs=2), run)
        assert run.weights("best").read_bytes() == run.weights("last").read_bytes()
        assert not any(name.startswith("val_") for line in run.read_log() for name in line)


class TestCommand:
    def start(self, training_bids, out, *arguments: str) -> TrainConfig:
        assert main(["train", str(training_bids), "-o", str(out), *arguments]) == 0
        return RunFolder(out).open()[0]

    def test_the_paper_preset(self, training_bids, tmp_path):
        """Everything the paper says, but for what makes it small enough for a test."""
        options = [
            "--epochs",
            "1",
            "--widths",
            "4,4,4,4,4",
            "--spacing-mm",
            "4",
            "--patch-size",
            "32,32,32",
        ]
        config = self.start(
            training_bids, tmp_path / "run", "--preset", "paper", *options, "--validation", "04"
        )
        paper = TrainConfig.preset("paper")
        small_paper = paper.model_copy(
            update={
                "epochs": 1,
                "patch_size": (32, 32, 32),
                "model": paper.model.model_copy(
                    update={"widths": (4, 4, 4, 4, 4), "spacing_mm": 4.0}
                ),
            }
        )
        assert config == small_paper
        (line,) = RunFolder(tmp_path / "run").read_log()
        assert line["learning_rate"] == 1e-4
        assert line["step"] == 2  # four scans, each smaller than a patch, in batches of two
        assert "val_dice" in line

    def test_an_ablation_and_a_target(self, training_bids, tmp_path):
        config = self.start(
            training_bids,
            tmp_path / "run",
            *words(epochs=1, steps_per_epoch=1),
            "--ablation",
            "unet",
            "--target",
            "brain",
        )
        assert (config.model.recurrence, config.model.attention, config.model.target) == (
            0,
            False,
            "brain",
        )
        assert load_checkpoint(RunFolder(tmp_path / "run").weights("last")).config == config.model

    def test_subjects_without_a_mask_are_named(self, training_bids, tmp_path, capsys):
        data = Path(shutil.copytree(training_bids, tmp_path / "data"))
        for mask in data.glob("derivatives/**/sub-02*mask.nii.gz"):
            mask.unlink()
        self.start(data, tmp_path / "run", *words(epochs=1, steps_per_epoch=1))
        said = " ".join(capsys.readouterr().out.split())
        assert (
            "3 of 5 cases are used; without a reference lesion mask: sub-02_ses-a, sub-02_ses-b ("
            in said
        )
        assert RunFolder(tmp_path / "run").open()[1].training == ("01", "03")

    def test_excluded_subjects_take_no_part(self, training_bids, tmp_path):
        out = tmp_path / "run"
        self.start(
            training_bids,
            out,
            *words(epochs=1, steps_per_epoch=1),
            "--exclude",
            "sub-02",
            "--exclude",
            "03",
        )
        assert RunFolder(out).open()[1] == Split(training=("01",), validation=("04",))
