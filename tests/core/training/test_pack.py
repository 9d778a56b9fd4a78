"""Training packs: what comes out is what went in, and a training from one is like any other."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.network.checkpoint import load_checkpoint
from fsh_core.training.augment import RIM_MM
from fsh_core.training.pack import PackedCase, read_pack, write_pack
from fsh_core.training.training_case import load_training_case

COARSE = ModelConfig(spacing_mm=2.0, intensity="tissue")
SMALL = (
    *("--widths", "4,6,4,4,4", "--spacing-mm", "2", "--patch-size", "32,32,16"),
    *("--epochs", "2", "--steps-per-epoch", "2", "--batch-size", "1", "--warmup-steps", "1"),
    *("--simulate-fraction", "0", "--simulated-copies", "0", "--validation-fraction", "0"),
)


@pytest.fixture(scope="module")
def packed(training_bids: Path) -> list[PackedCase]:
    cases = discover_cases(training_bids)
    learned = [(case.subject, load_training_case(case, COARSE)) for case in cases]
    made = [PackedCase(subject, False, case) for subject, case in learned]
    body = dataclasses.replace(learned[0][1], name="sub-body", lesions=[])
    body.stack[-2].mul_(1)
    empty = body.with_stack(body.stack.clone().index_fill_(0, torch.tensor(1), 0.0))
    return [*made, PackedCase("body", True, empty)]


@pytest.fixture(scope="module")
def pack(packed: list[PackedCase], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "pack.npz"
    write_pack(path, packed, COARSE)
    return path


def test_what_comes_out_is_what_went_in(packed: list[PackedCase], pack: Path) -> None:
    config, cases = read_pack(pack)
    assert config == COARSE
    assert [case.name for case in cases] == [case.name for case in packed]
    assert [case.is_lesion_free for case in cases] == [False] * (len(packed) - 1) + [True]
    for then, now in zip(packed, cases, strict=True):
        was, read = then.learned, now.learned
        assert read.spacing_mm == was.spacing_mm
        assert read.acquired_mm == was.acquired_mm
        assert read.has_thick_slices == was.has_thick_slices
        assert (read.stack[0] - was.stack[0]).abs().max() <= 0.5 / 255 + 1e-6
        assert torch.equal(read.stack[1], was.stack[1])
        assert (read.stack[2] - was.stack[2]).abs().max() <= RIM_MM / 255 + 1e-5
        assert np.array_equal(read.brain, was.brain)
        assert len(read.lesions) == len(was.lesions)


def test_the_same_cases_give_the_same_bytes(
    packed: list[PackedCase], pack: Path, tmp_path: Path
) -> None:
    write_pack(tmp_path / "again.npz", packed, COARSE)
    assert (tmp_path / "again.npz").read_bytes() == pack.read_bytes()


def test_a_pack_holds_no_corrections(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(pack), "-o", str(tmp_path / "run"), *SMALL, "--corrected-by", "Anna"]
    assert main(words) == 2
    assert "expected a folder of results" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


def test_a_training_from_a_pack(pack: Path, tmp_path: Path) -> None:
    assert main(["train", str(pack), "-o", str(tmp_path / "run"), *SMALL]) == 0
    split = json.loads((tmp_path / "run/split.json").read_text())
    assert split == {
        "training": ["01", "02", "03", "04"],
        "validation": [],
        "lesion_free": ["body"],
        "learned_before": [],
    }
    inputs = json.loads((tmp_path / "run/inputs.json").read_text())
    assert "sub-01 training pack" in inputs
    card = load_checkpoint(tmp_path / "run/last.safetensors").card
    assert "body" in card.training.subjects  # a score on it would not be honest
    facts = json.loads((tmp_path / "run/last.json").read_text())["training"]
    assert facts["lesion_free"] == ["body"]
    assert facts["device"].startswith("cpu (")


def test_it_goes_on_from_the_same_pack_alone(pack: Path, tmp_path: Path, capsys) -> None:
    run, own = tmp_path / "run", tmp_path / "pack.npz"
    own.write_bytes(pack.read_bytes())
    assert main(["train", str(own), "-o", str(run), *SMALL]) == 0
    assert main(["train", str(own), "-o", str(run), "--resume"]) == 0
    config, cases = read_pack(own)
    write_pack(own, [*cases[:1], *cases], config)
    assert main(["train", str(own), "-o", str(run), "--resume"]) == 2
    assert "sub-01 training pack" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--spacing-mm", "1"), "this training wants spacing mm 1.0, the pack was made for 2.0"),
        (("--validation", "01"), "holds no whole scans to validate on"),
        (("--exclude", "nobody"), "there is no subject nobody"),
        (("--lesion-free", "."), "is a training pack, which holds its own"),
    ],
)
def test_what_a_pack_cannot_do(pack: Path, tmp_path: Path, capsys, words, said: str) -> None:
    assert main(["train", str(pack), "-o", str(tmp_path / "run"), *SMALL, *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_something_else_is_no_pack(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pack.npz"
    if content is None:
        np.savez(path, about=np.frombuffer(b'{"format": "other"}', np.uint8))
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"pack.npz: expected a training pack, cannot be read"):
        read_pack(path)
