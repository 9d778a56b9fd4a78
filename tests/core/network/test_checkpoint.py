"""Checkpoints: back as they were, with their papers; and nothing is ever unpickled."""

import hashlib
import json
import os
import pickle
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from safetensors import safe_open

from fsh_core.cli import main
from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.errors import InputError
from fsh_core.inference.predict import load_predictor
from fsh_core.network.card import WeightsCard, read_card
from fsh_core.network.checkpoint import (
    DEFAULT_WEIGHTS,
    halve_kernels,
    load_checkpoint,
    save_checkpoint,
    save_ensemble,
)
from fsh_core.network.model import R2AttentionUNet3d, arrays_of

TINY = ModelConfig(widths=(2, 4, 2, 2, 4), norm="batch", channels=("FLAIR", "T1w"), spacing_mm=1.5)
CARD = {"name": "tiny", "training": {"subjects": ["01", "02"]}, "results": {"dice": 0.5}}


@pytest.fixture
def model():
    torch.manual_seed(3)
    model = R2AttentionUNet3d(TINY)
    model(torch.rand(2, 2, 16, 16, 32))  # running statistics of its own
    return model.eval()


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(model.config, path, CARD, arrays_of(model))
    return path


def rewrite(path, **changes):
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(card | changes))


def replace_weights(path, payload):
    """Put other bytes in place of the weights, with the right hash in the card."""
    path.write_bytes(payload)
    rewrite(path, sha256=hashlib.sha256(payload).hexdigest())


def test_round_trip(model, saved):
    loaded = load_checkpoint(saved)
    assert loaded.config == TINY
    assert loaded.card.said() == CARD
    assert loaded.path == saved
    (member,) = loaded.members
    assert member.config == TINY
    assert member.weights.keys() == model.state_dict().keys()
    for name, one in model.state_dict().items():
        assert member.weights[name].dtype == np.float32
        assert np.array_equal(member.weights[name], one.numpy())


def test_the_json_beside_it_says_everything(saved):
    card = json.loads(saved.with_suffix(".json").read_text())
    assert card["format"] == "fsh-checkpoint-1"
    assert (
        card["sha256"]
        == hashlib.sha256(saved.read_bytes()).hexdigest()
        == load_checkpoint(saved).sha256
    )
    assert ModelConfig.model_validate(card["config"]) == TINY
    assert card["training"] == CARD["training"]


def test_the_card_cannot_overrule_the_facts(model, tmp_path):
    path = tmp_path / "net.safetensors"
    sha256 = save_checkpoint(
        model.config, path, {"sha256": "0", "format": "mine", "config": {}}, arrays_of(model)
    )
    assert load_checkpoint(path).sha256 == sha256


def test_weights_are_stored_as_float32_whatever_their_layout(model, tmp_path):
    weights = {name: np.asfortranarray(one, np.float64) for name, one in arrays_of(model).items()}
    path = tmp_path / "net.safetensors"
    save_checkpoint(model.config, path, {}, weights)
    with safe_open(path, "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32}  # noqa: SIM118
    assert np.array_equal(
        load_checkpoint(path).members[0].weights["head.weight"], model.head.weight.detach()
    )


def test_the_same_weights_give_the_same_bytes(model, saved, tmp_path):
    again = tmp_path / "again" / "tiny.safetensors"
    save_checkpoint(model.config, again, CARD, arrays_of(model))
    assert again.read_bytes() == saved.read_bytes()
    assert again.with_suffix(".json").read_bytes() == saved.with_suffix(".json").read_bytes()


@pytest.mark.parametrize("position", [0, 100, -1])
def test_one_flipped_bit_is_seen(saved, position):
    content = bytearray(saved.read_bytes())
    content[position] ^= 1
    saved.write_bytes(content)
    with pytest.raises(
        InputError, match=r"tiny.safetensors: its SHA-256 must be .*; the file is damaged"
    ):
        load_checkpoint(saved)


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.ckpt", "net.bin", "net"])
def test_other_kinds_of_file_are_refused_by_name(saved, name):
    other = saved.with_name(name)
    saved.rename(other)
    with pytest.raises(InputError, match=rf"{name}: weights must be a .safetensors file \(pickles"):
        load_checkpoint(other)


class Bomb:
    """What a malicious pickle looks like: loading it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):  # noqa: D105
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", ["pickle", "torch"])
def test_a_pickle_called_safetensors_is_not_opened(saved, tmp_path, dump):
    if dump == "pickle":
        payload = pickle.dumps(Bomb(tmp_path / "exploded"))
    else:
        torch.save(Bomb(tmp_path / "exploded"), tmp_path / "bomb")
        payload = (tmp_path / "bomb").read_bytes()
    replace_weights(saved, payload)
    with pytest.raises(InputError, match=r"expected weights of the network .*, found others"):
        load_checkpoint(saved)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(payload) if dump == "pickle" else torch.load(tmp_path / "bomb", weights_only=False)
    assert (tmp_path / "exploded").exists()  # the bomb was a live one


def test_loading_never_unpickles(saved, monkeypatch):
    def forbidden(*_arguments, **_named):
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    monkeypatch.setattr(torch, "load", forbidden)
    load_checkpoint(saved)


@pytest.mark.parametrize("missing", ["tiny.safetensors", "tiny.json"])
def test_both_files_must_be_there(saved, missing):
    saved.with_name(missing).unlink()
    with pytest.raises(InputError, match=rf"{missing}: no such file; a checkpoint is"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"weights", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "cannot be read"),
        (b"[]", "found another JSON"),
        (b'"fsh-checkpoint-1"', "found another JSON"),
        (b"null", "found another JSON"),
        (b'{"format": "other", "sha256": "1", "config": {}}', "found another JSON"),
        (b'{"format": "fsh-checkpoint-1", "config": {}}', "found another JSON"),
        (b'{"format": "fsh-checkpoint-1", "sha256": 1, "config": {}}', "found another JSON"),
    ],
)
def test_another_json_is_refused(saved, content, sentence):
    saved.with_suffix(".json").write_bytes(content)
    with pytest.raises(InputError, match=rf"tiny.json: expected .*{sentence}"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            TINY.model_copy(update={"widths": (2, 4, 2, 2, 2)}),
            r"bridge.* must be of shape \(2, 2, 1, 1, 1\), is of",
        ),
        (TINY.model_copy(update={"attention": False}), r"unexpected weight decoder.*gate"),
        (TINY.model_copy(update={"recurrence": 3}), r"missing weight encoder.*norms.3"),
        (
            TINY.model_copy(update={"channels": ("FLAIR",)}),
            r"encoder.0.widen.* must be of shape \(2, 1, 1, 1, 1\)",
        ),
    ],
)
def test_another_architecture_is_refused_and_the_sentence_says_why(saved, config, reason):
    rewrite(saved, config=config.model_dump(mode="json"))
    with pytest.raises(
        InputError, match=rf"expected weights .* tiny.json describes, found others .*{reason}"
    ) as caught:
        load_predictor(saved)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value).replace(str(saved.parent), "")) < 450


@pytest.mark.parametrize("config", [{"widths": [1, 2, 3]}, {"colour": "red"}, [], None, 5])
def test_impossible_settings_are_refused(saved, config):
    rewrite(saved, config=config)
    with pytest.raises(InputError, match=r"expected weights .* found others") as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value)


class TestEnsemble:
    @pytest.fixture
    def other(self, tmp_path):
        """Another kind of network that wants the same of an image."""
        torch.manual_seed(4)
        model = R2AttentionUNet3d(
            TINY.model_copy(update={"norm": "instance", "recurrence": 0})
        ).eval()
        path = tmp_path / "other.safetensors"
        save_checkpoint(
            model.config, path, {"training": {"subjects": ["02", "03"]}}, arrays_of(model)
        )
        return path

    def test_its_members_answer_as_they_did_alone(self, saved, other, tmp_path):
        joined = tmp_path / "joined.safetensors"
        assert (
            main(["ensemble", str(saved), str(other), "--out", str(joined), "--name", "both"]) == 0
        )
        settings = SegmentConfig(patch_size=(32, 32, 32), precision="fp32")
        image = torch.rand(2, 40, 32, 32).numpy()
        alone = [load_predictor(path, settings)(image) for path in (saved, other)]
        assert [one.tobytes() for one in load_predictor(joined, settings)(image)] == [
            one.tobytes() for one in alone
        ]
        mirrored = load_predictor(joined, settings.model_copy(update={"mirror": True}))(image)
        assert mirrored.shape == (4, 40, 32, 32)
        assert mirrored[0].tobytes() == alone[0].tobytes()
        assert mirrored[2].tobytes() == alone[1].tobytes()

    def test_its_card_names_members_and_everyone_trained_on(self, saved, other, tmp_path):
        sha256 = save_ensemble([saved, other], tmp_path / "joined.safetensors", {"name": "both"})
        loaded = load_checkpoint(tmp_path / "joined.safetensors")
        assert loaded.sha256 == sha256
        assert loaded.card.name == "both"
        assert loaded.card.training.to_json() == {
            "subjects": ["01", "02", "03"],
            "validated_on": [],
        }
        assert [member.sha256 for member in loaded.card.members] == [
            load_checkpoint(path).sha256 for path in (saved, other)
        ]
        assert [member.config.norm for member in loaded.members] == ["batch", "instance"]

    def test_half_rounds_kernels_alone_and_says_so(self, saved, other, tmp_path):
        joined = tmp_path / "joined.safetensors"
        assert main(["ensemble", str(saved), str(other), "--half", "--out", str(joined)]) == 0
        loaded = load_checkpoint(joined)
        assert loaded.card.kernels == "float16"
        for path, member in zip((saved, other), loaded.members, strict=True):
            for name, weight in load_checkpoint(path).members[0].weights.items():
                rounded = weight.astype(np.float16).astype(np.float32)
                assert member.weights[name].dtype == np.float32
                kept = rounded if weight.ndim > 1 else weight
                assert np.array_equal(member.weights[name], kept), name
        with safe_open(joined, "numpy") as stored:
            kinds = {name: stored.get_tensor(name).dtype for name in stored.keys()}  # noqa: SIM118
        assert kinds["0/head.weight"] == np.float16
        assert kinds["0/head.bias"] == np.float32

    def test_a_kernel_beyond_16_bits_is_refused(self):
        with pytest.raises(ValueError, match="big has values beyond the range of float16"):
            halve_kernels({"big": np.full((1, 1), 7e4, np.float32)})

    def test_members_that_want_other_images_are_refused(self, saved, tmp_path):
        model = R2AttentionUNet3d(TINY.model_copy(update={"spacing_mm": 2.0}))
        path = tmp_path / "coarse.safetensors"
        save_checkpoint(model.config, path, {}, arrays_of(model))
        with pytest.raises(
            InputError, match=r"coarse.safetensors: the members of an ensemble must want the same"
        ):
            save_ensemble([saved, path], tmp_path / "joined.safetensors", {})
        assert not (tmp_path / "joined.safetensors").exists()

    def test_an_ensemble_is_no_member(self, saved, other, tmp_path):
        save_ensemble([saved, other], tmp_path / "joined.safetensors", {})
        with pytest.raises(
            InputError, match=r"joined.safetensors: is an ensemble itself; name its members"
        ):
            save_ensemble(
                [saved, tmp_path / "joined.safetensors"], tmp_path / "more.safetensors", {}
            )

    def test_a_damaged_list_of_members_is_refused(self, saved, other, tmp_path):
        save_ensemble([saved, other], tmp_path / "joined.safetensors", {})
        rewrite(tmp_path / "joined.safetensors", members=["nonsense"])
        with pytest.raises(
            InputError, match=r"joined.safetensors: expected weights of the network"
        ):
            load_checkpoint(tmp_path / "joined.safetensors")

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (
                ["tiny.safetensors", "-o", "x.safetensors"],
                "joins two or more files of weights, got 1",
            ),
            (
                ["tiny.safetensors", "tiny.safetensors", "-o", "x.pt"],
                "ends in .safetensors, got x.pt",
            ),
            (
                ["tiny.safetensors", "tiny.safetensors", "-o", "tiny.safetensors"],
                "tiny.safetensors: exists already",
            ),
        ],
    )
    def test_words_that_do_not_fit_are_refused(
        self, saved, tmp_path, monkeypatch, capsys, words, sentence
    ):
        monkeypatch.chdir(saved.parent)
        assert main(["ensemble", *words]) == 2
        assert sentence in capsys.readouterr().err


OLD = Path(__file__).parents[1] / "data" / "written_by_0_1"


@pytest.mark.parametrize("name", ["single", "ensemble"])
def test_a_card_of_the_version_before_opens_and_keeps_every_key_in_its_place(name: str) -> None:
    path = OLD / f"{name}.json"
    assert json.dumps(read_card(path).to_json(), indent=2) + "\n" == path.read_text()


def test_weights_of_the_version_before_are_read_as_they_were() -> None:
    single = load_checkpoint(OLD / "single.safetensors")
    assert single.card.name == "tiny single"
    assert single.card.training.subjects == ("01", "02")
    assert (single.config.spacing_mm, single.config.recurrence) == (2.0, 0)
    ensemble = load_checkpoint(OLD / "ensemble.safetensors")
    assert ensemble.card.training.validated_on == ("04",)
    assert [member.name for member in ensemble.card.members] == ["tiny single", "tiny second"]
    first, alone = ensemble.members[0].weights, single.members[0].weights
    assert first.keys() == alone.keys()
    assert all(np.array_equal(first[key], alone[key]) for key in alone)


def test_checkpoints_are_joined_into_the_same_card_as_the_version_before_did(tmp_path) -> None:
    single = OLD / "single.safetensors"
    save_ensemble([single, single], tmp_path / "joined.safetensors", {"name": "joined"})
    members = json.loads((tmp_path / "joined.json").read_text())["members"]
    before = json.loads((OLD / "ensemble.json").read_text())["members"][0]
    assert json.dumps(members[0]) == json.dumps(before)


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b"\xff\xfe", b"[]", b"null", b'{"format": "fsh-checkpoint-1", "sha256": 3}'],
)
def test_what_is_no_card_is_one_sentence(saved, content: bytes) -> None:
    saved.with_suffix(".json").write_bytes(content)
    with pytest.raises(InputError, match=r"tiny.json: expected ") as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes", [{"name": 3}, {"training": {"subjects": "01"}}, {"config": []}, {"members": 3}]
)
def test_a_wrong_part_of_a_card_is_one_sentence(saved, changes) -> None:
    rewrite(saved, **changes)
    with pytest.raises(InputError, match=r"tiny.safetensors: expected weights") as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value)


def test_a_predictor_may_bring_a_card_of_its_own_or_none() -> None:
    class Own:
        card = MappingProxyType({"name": "own", "training": {"subjects": ["01"]}})

    assert WeightsCard.of(Own()).training.subjects == ("01",)
    assert WeightsCard.of(object()) == WeightsCard()
    Own.card = MappingProxyType({"name": 3})
    with pytest.raises(InputError, match=r"the predictor's card: name: .*got 3"):
        WeightsCard.of(Own())


def test_the_bundled_weights_are_stored_in_half_the_space():
    assert DEFAULT_WEIGHTS.stat().st_size < 30_000_000
    assert load_checkpoint().card.kernels == "float16"
