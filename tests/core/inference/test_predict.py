"""The network over a whole image: stitched truly, the same every time, and against MONAI."""

import os
import warnings
from threading import Event

import numpy as np
import pytest
import torch

from fsh_core.config import ModelConfig, SegmentConfig
from fsh_core.errors import Cancelled, InputError
from fsh_core.files import sha256_of
from fsh_core.inference import openvino_backend as on_cpu
from fsh_core.inference import predict
from fsh_core.inference import torch_backend as on_gpu
from fsh_core.inference.patches import blend_window
from fsh_core.inference.predict import BrainFinder, NetworkPredictor, load_predictor, predictor_of
from fsh_core.network.build import build_graph
from fsh_core.network.checkpoint import EnsembleMember, save_checkpoint
from fsh_core.network.eight_bits import (
    accept_eight_bits,
    eight_bits_path,
    observed_ranges,
    write_eight_bits,
)
from fsh_core.network.model import R2AttentionUNet3d, arrays_of

TINY = ModelConfig(widths=(4, 4, 4, 4, 4))
PATCH = (32, 16, 16)
EXACT = SegmentConfig(patch_size=PATCH, overlap=0.5, precision="fp32")


class Identity:
    """A network whose answer is the first channel; remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        self.batches.append(len(patches))
        return patches[:, 0]


def left_right_ramp(patches: np.ndarray) -> np.ndarray:
    """Say of every voxel how far right it lies in its patch."""
    ramp = np.linspace(0.05, 0.95, patches.shape[2], dtype=np.float32).reshape(1, -1, 1, 1)
    return np.broadcast_to(ramp, (len(patches), *patches.shape[2:]))


def network_of(config: ModelConfig) -> R2AttentionUNet3d:
    torch.manual_seed(0)
    return R2AttentionUNet3d(config).eval()


@pytest.fixture(scope="module")
def network():
    return network_of(TINY)


def predictor(network, **changes) -> NetworkPredictor:
    """A predictor of a network of torch's, or of a function."""
    settings = EXACT.model_copy(update=changes)
    if isinstance(network, R2AttentionUNet3d):
        return predictor_of([EnsembleMember(network.config, arrays_of(network))], settings)
    return NetworkPredictor((network,), TINY, settings)


def image_of(*shape: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.9, (channels, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 24, 16), (57, 17, 35), (32, 16, 16), (20, 20, 9)])
@pytest.mark.parametrize(
    "settings", [{}, {"overlap": 0.0}, {"overlap": 0.8, "batch_size": 5}, {"mirror": True}]
)
def test_a_network_that_changes_nothing_gives_the_image_back(shape, settings):
    image = image_of(*shape)
    maps = predictor(Identity(), **settings)(image)
    assert maps.shape == ((2, *shape) if settings.get("mirror") else shape)
    assert maps.dtype == np.float32
    assert np.allclose(maps, image[0], atol=1e-5)


def test_agreement_with_monai(network):
    """MONAI clamps its Gaussian at 1/1000 of its peak, so it is given ours; the rest is its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's imports and torch's indexing: not ours to mend
        from monai.inferers import sliding_window_inference

        image = image_of(64, 24, 40)  # both lay their patches at multiples of 16 and 8
        theirs = sliding_window_inference(
            torch.from_numpy(image)[None],
            PATCH,
            sw_batch_size=1,
            predictor=lambda patches: network(patches).sigmoid().detach(),
            overlap=0.5,
            roi_weight_map=torch.from_numpy(blend_window(PATCH)),
        )
    ours = predictor(network)(image)
    assert np.std(ours) > 0.01
    assert np.abs(ours - theirs[0, 0].numpy()).max() < 1e-4


def test_the_window_is_monais_where_monai_does_not_clamp():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.data.utils import compute_importance_map

        theirs = compute_importance_map(PATCH, mode="gaussian", sigma_scale=0.125).numpy()
    ours = blend_window(PATCH)
    unclamped = theirs > 2e-3
    assert unclamped.mean() > 0.1
    assert np.allclose(ours[unclamped] / ours.max(), theirs[unclamped] / theirs.max(), rtol=1e-4)


def test_patches_without_anything_in_them_are_skipped(network):
    image = image_of(96, 16, 16)
    image[:, 40:] = 0
    seen = []
    probability = predictor(network, overlap=0.0)(
        image, lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]  # of three patches
    assert (probability[64:] == 0).all()
    assert (probability[:64] > 0).all()
    whole = predictor(network, overlap=0.0)(image_of(96, 16, 16))
    assert np.array_equal(probability[:32], whole[:32])


def test_a_voxel_in_any_channel_keeps_a_patch():
    image = np.zeros((2, 64, 16, 16), np.float32)
    image[1, 63, 15, 15] = 0.5
    model = Identity()
    predictor(model, overlap=0.0)(image)
    assert model.batches == [1]


def test_an_image_of_zeros_has_no_lesion(network):
    called = []
    probability = predictor(network)(
        np.zeros((1, 40, 40, 40), np.float32), lambda *counts: called.append(counts)
    )
    assert probability.shape == (40, 40, 40)
    assert (probability == 0).all()
    assert called == []


@pytest.mark.parametrize("batch_size", [2, 5])
def test_batches_give_what_single_patches_give(network, batch_size):
    image = image_of(57, 24, 16)
    single, batches = predictor(network)(image), predictor(network, batch_size=batch_size)(image)
    assert np.std(single) > 0.01
    assert np.allclose(single, batches, atol=1e-4)


def test_the_last_batch_is_smaller():
    model = Identity()
    predictor(model, overlap=0.0, batch_size=2)(image_of(96, 16, 16))
    assert model.batches == [2, 1]


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("batch_size", "calls"), [(1, 7), (3, 3)])
def test_progress_rises_to_the_total(mirror, batch_size, calls):
    """Three by three patches, of which two are empty, unevenly to the left and right."""
    image = image_of(57, 25, 16)
    image[:, :32, :20] = 0
    seen = []
    settings = {"mirror": mirror, "batch_size": batch_size}
    predictor(Identity(), **settings)(image, lambda done, total: seen.append((done, total)))
    done, totals = zip(*seen, strict=True)
    assert set(totals) == {7}
    assert list(done) == sorted(set(done))
    assert done[-1] == 7
    assert len(done) == calls


def test_raising_from_the_callback_drops_what_has_not_begun():
    cancelled = Event()

    class Held(Identity):
        """From the third patch on, waits until somebody has cancelled."""

        def __call__(self, patches: np.ndarray) -> np.ndarray:
            if len(self.batches) >= 2:
                assert cancelled.wait(20)
            return super().__call__(patches)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            cancelled.set()
            raise Cancelled("enough")

    model = Held()
    with pytest.raises(Cancelled, match="enough"):
        predictor(model)(image_of(64, 64, 64), stop)
    assert len(model.batches) <= 3  # of 147: the two that were done, and one that was on its way


NEEDS_BFLOAT16 = pytest.mark.skipif(
    not on_cpu.multiplies_bfloat16(), reason="this processor does not multiply bfloat16"
)
PRECISIONS = ["fp32", pytest.param("bf16", marks=NEEDS_BFLOAT16)]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_two_runs_give_the_same_bytes(network, precision):
    image = image_of(40, 20, 16)
    first, second = (predictor(network, precision=precision, mirror=True)(image) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_number_of_threads_changes_no_byte(precision, monkeypatch):
    wide, image, maps = network_of(ModelConfig()), image_of(40, 24, 16), []
    for threads in (1, 2, 3):
        monkeypatch.setattr(on_cpu, "workers", lambda threads=threads: threads)
        monkeypatch.setattr(predict, "workers", lambda threads=threads: threads)
        run = predictor(wide, precision=precision)
        assert run.workers == threads
        maps.append(run(image).tobytes())
    assert maps[0] == maps[1] == maps[2]


@pytest.mark.parametrize(
    ("asked", "cores", "threads"),
    [("", 4, 4), ("3", 4, 3), ("0", 4, 4), ("many", 2, 2), ("", 64, 8)],
)
def test_a_core_a_patch_or_as_many_as_the_environment_allows(asked, cores, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(cores)), raising=False)
    monkeypatch.setattr(on_cpu.psutil, "cpu_count", lambda logical: cores)
    assert on_cpu.workers() == threads


def test_mirroring_adds_what_the_network_says_of_the_mirrored_patches():
    """A ramp over 32 voxels: patches of one size, so the image can be mirrored by hand."""
    there, back = predictor(left_right_ramp, mirror=True)(image_of(32, 16, 16))
    assert there[0, 0, 0] < 0.1 < 0.9 < there[-1, 0, 0]
    assert np.allclose(back, there[::-1], atol=1e-6)


def test_both_maps_are_those_of_the_network_itself(network):
    image = image_of(48, 16, 24)
    there, back = predictor(network, mirror=True)(image)
    assert np.array_equal(there, predictor(network)(image))
    assert np.allclose(
        back, predictor(network)(np.ascontiguousarray(image[:, ::-1]))[::-1], atol=1e-6
    )
    assert np.abs(there - back).max() > 0.001


def test_an_image_smaller_than_a_patch_is_padded_by_zeros(network):
    image = image_of(20, 24, 9)
    padded = np.zeros((1, 32, 24, 16), np.float32)
    padded[:, :20, :, :9] = image
    probability = predictor(network)(image)
    assert probability.shape == (20, 24, 9)
    assert np.array_equal(probability, predictor(network)(padded)[:20, :, :9])


def test_several_channels_reach_the_network():
    model = network_of(TINY.model_copy(update={"channels": ("FLAIR", "T1w")}))
    image = image_of(32, 16, 16, channels=2)
    first = predictor(model)(image)
    image[1] = image[1, ::-1]
    assert not np.allclose(first, predictor(model)(image), atol=1e-3)


class TestPrecision:
    @NEEDS_BFLOAT16
    def test_bfloat16_is_close_to_float32(self, network):
        image = image_of(48, 16, 16)
        exact, rough = (
            predictor(network, precision=precision)(image) for precision in ("fp32", "bf16")
        )
        assert not np.array_equal(exact, rough)
        assert np.abs(exact - rough).mean() < 0.02

    def test_bfloat16_is_refused_where_it_would_silently_be_float32(self, network, monkeypatch):
        monkeypatch.setattr(on_cpu, "multiplies_bfloat16", lambda: False)
        with pytest.raises(InputError, match=r"does not multiply bfloat16.*use --precision auto"):
            predictor(network, precision="bf16")

    @pytest.mark.parametrize(("is_fast", "same_as"), [(True, "bf16"), (False, "fp32")])
    def test_auto_follows_the_processor(self, network, monkeypatch, is_fast, same_as):
        monkeypatch.setattr(on_cpu, "multiplies_bfloat16", lambda: is_fast)
        image = image_of(32, 16, 16)
        chosen = predictor(network, precision="auto")(image)
        assert chosen.tobytes() == predictor(network, precision=same_as)(image).tobytes()


class TestEightBits:
    """Weights with ranges for eight bits beside them."""

    @pytest.fixture
    def weights(self, network, tmp_path):
        path = tmp_path / "tiny.safetensors"
        sha256 = save_checkpoint(network.config, path, {}, arrays_of(network))
        graph = build_graph(network.config, arrays_of(network), PATCH)
        write_eight_bits(path, sha256, [observed_ranges(graph, [image_of(*PATCH)[None]])], {})
        return path

    @pytest.fixture(params=[True, False], ids=["VNNI", "no VNNI"])
    def has_vnni(self, request, monkeypatch) -> bool:
        monkeypatch.setattr(on_cpu, "multiplies_eight_bits", lambda: request.param)
        return request.param

    def test_asked_for(self, weights, has_vnni) -> None:
        settings = EXACT.model_copy(update={"precision": "int8"})
        if not has_vnni:
            with pytest.raises(InputError, match="neither VNNI nor AMX"):
                load_predictor(weights, settings)
            return
        found, exact = load_predictor(weights, settings), load_predictor(weights, EXACT)
        assert (found.arithmetic, exact.arithmetic) == ("int8", "fp32")
        assert found.eight_bits_sha256 == sha256_of(eight_bits_path(weights))
        assert exact.eight_bits_sha256 is None
        image = image_of(48, 16, 16)
        assert found(image).tobytes() == load_predictor(weights, settings)(image).tobytes()
        assert 0 < np.abs(found(image) - exact(image)).mean() < 0.05

    @pytest.mark.parametrize("passed", [True, False])
    def test_the_default_only_where_the_check_was_passed(self, weights, has_vnni, passed) -> None:
        accept_eight_bits(weights, passed, {})
        found = load_predictor(weights, EXACT.model_copy(update={"precision": "auto"}))
        assert (found.arithmetic == "int8") == (passed and has_vnni)

    def test_weights_without_them_run_as_ever(self, weights, has_vnni) -> None:
        eight_bits_path(weights).unlink()
        assert load_predictor(weights, EXACT).arithmetic == "fp32"
        with pytest.raises(InputError, match="no ranges for eight bits beside them"):
            load_predictor(weights, EXACT.model_copy(update={"precision": "int8"}))

    def test_those_of_another_network_are_refused(self, weights, monkeypatch) -> None:
        monkeypatch.setattr(on_cpu, "multiplies_eight_bits", lambda: True)
        path = eight_bits_path(weights)
        path.write_text(path.read_text().replace('"head"', '"feet"'))
        with pytest.raises(InputError, match=r"tiny\.safetensors.*ranges differ at feet"):
            load_predictor(weights, EXACT.model_copy(update={"precision": "int8"}))

    def test_a_card_is_not_asked_for_them(self, network, monkeypatch) -> None:
        monkeypatch.setattr(on_gpu, "best_device", lambda: "cuda")
        with pytest.raises(InputError, match="--precision int8 is for processors"):
            predictor(network, device="cuda", precision="int8")


@pytest.mark.parametrize(
    ("flags", "can"),
    [("flags : fpu avx512_vnni", True), ("flags : fpu avx2", False), ("", False)],
)
def test_the_processor_says_whether_it_has_vnni(tmp_path, monkeypatch, flags, can) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor : 0\n{flags}\n")
    monkeypatch.setattr(on_cpu, "_PROCESSOR_FACTS", facts)
    on_cpu._processor_flags.cache_clear()
    try:
        assert on_cpu.multiplies_eight_bits() == can
    finally:
        on_cpu._processor_flags.cache_clear()


class TestGraphicsCard:
    """What torch computes is tried on the processor, which is one of its devices."""

    @pytest.mark.parametrize("precision", ["auto", *PRECISIONS])
    def test_it_computes_the_same(self, network, precision):
        patches = image_of(*PATCH, channels=2)[:, None]
        member = EnsembleMember(TINY, arrays_of(network))
        theirs = on_gpu.GpuNetwork(member, "cpu", precision)(patches)
        ours = on_cpu.CpuNetwork(member, PATCH, on_cpu.chosen_arithmetic(precision, None))(patches)
        assert theirs.shape == ours.shape == (2, *PATCH)
        assert np.abs(theirs - ours).mean() < (1e-5 if precision == "fp32" else 0.02)

    @pytest.mark.parametrize(("cards", "device"), [(True, "cuda"), (False, "cpu")])
    def test_auto_takes_the_card_where_there_is_one(self, network, monkeypatch, cards, device):
        made = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cards)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

        class Card:
            arithmetic = "bf16"

            def __init__(self, _member, device, _precision):
                made.append(device)

        monkeypatch.setattr(on_gpu, "GpuNetwork", Card)
        predictor(network, device="auto")
        assert on_gpu.best_device() == device
        assert made == (["cuda"] if cards else [])

    def test_a_card_that_is_not_there_is_refused(self, monkeypatch):
        monkeypatch.setattr(on_gpu, "best_device", lambda: "cpu")
        with pytest.raises(
            InputError, match=r"^--device cuda: torch finds no such device here, only cpu"
        ):
            load_predictor(settings=SegmentConfig(device="cuda"))

    def test_weights_of_another_network_are_refused(self, network):
        with pytest.raises(ValueError, match="size mismatch"):
            on_gpu.GpuNetwork(EnsembleMember(ModelConfig(), arrays_of(network)), "cpu", "fp32")

    @pytest.mark.parametrize(
        ("capabilities", "is_fast"),
        [
            ({"avx512_bf16": True}, True),
            ({"amx_bf16": True}, True),
            ({"avx512_bf16": False, "avx2": True}, False),
        ],
    )
    def test_what_counts_as_fast(self, monkeypatch, capabilities, is_fast):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
        assert on_gpu.has_fast_bfloat16("cpu") is is_fast


@pytest.mark.parametrize(
    ("norm", "size", "is_warned"),
    [
        ("instance", (64, 80, 96), True),
        ("instance", (64, 64, 96), False),
        ("batch", (64, 80, 96), False),
    ],
)
def test_large_patches_are_warned_of_where_they_hide_lesions(norm, size, is_warned, caplog):
    config = TINY.model_copy(update={"norm": norm})
    predictor(network_of(config), patch_size=size)
    assert ("64x80x96 voxels" in caplog.text) is is_warned


class TestLoad:
    @pytest.fixture
    def weights(self, network, tmp_path):
        path = tmp_path / "tiny.safetensors"
        save_checkpoint(network.config, path, {"training": {"seed": 1}}, arrays_of(network))
        return path

    def test_a_loaded_predictor_is_the_networks(self, network, weights):
        loaded = load_predictor(weights, EXACT)
        assert loaded.model == TINY
        assert loaded.settings == EXACT
        assert loaded.card.name == "tiny"
        assert loaded.card.training.to_json() == {"seed": 1}
        assert len(loaded.card.sha256) == 64
        assert loaded.card.network_config() == TINY
        image = image_of(40, 16, 16)
        assert loaded(image).tobytes() == predictor(network)(image).tobytes()

    def test_settings_have_defaults(self, weights):
        assert load_predictor(weights).settings == SegmentConfig()

    def test_bad_weights_are_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"no.safetensors: no such file"):
            load_predictor(tmp_path / "no.safetensors")

    def test_the_brain_finder_is_loaded_once_and_only_when_needed(self, weights, monkeypatch):
        monkeypatch.setattr(predict, "BRAIN_WEIGHTS", weights)
        loads = []
        original = predict.load_predictor
        monkeypatch.setattr(
            predict, "load_predictor", lambda *given: loads.append(given) or original(*given)
        )
        finder = BrainFinder("cpu")
        assert loads == []
        assert finder.model == TINY
        assert finder(image_of(64, 64, 64)).shape == (64, 64, 64)
        assert len(loads) == 1
        assert loads[0][1].device == "cpu"
