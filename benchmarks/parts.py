"""What `benchmarks.speed` measures of F.sh itself, each part in a process of its own."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.clock import NotRun, ProcessCost, repeat, run_process, summarise
from fsh_core.anatomy.template_registration import resample_to
from fsh_core.config import ABLATIONS, ModelConfig, SegmentConfig, TrainConfig
from fsh_core.derivatives import find_records, read_record
from fsh_core.inference.predict import load_predictor, predictor_of
from fsh_core.network.checkpoint import EnsembleMember, load_checkpoint
from fsh_core.network.losses import composite_loss
from fsh_core.network.model import R2AttentionUNet3d, arrays_of, flops, restore
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.preprocess.prepare import Prepared, prepare
from fsh_core.record import Record
from fsh_core.sample import sample_case
from fsh_core.training.dataset import PatchSource
from fsh_core.training.train import deterministic
from fsh_core.training.training_case import load_training_case
from fsh_core.volume.volume import Volume, load_volume, save_like

TILE = SegmentConfig().patch_size
MATRIX = 4096  # rows and columns of the product whose rate is the ceiling
SETTINGS = {"default": (), "mirror": ("--mirror",), "no regions": ("--no-regions",)}


@dataclass(frozen=True)
class Plan:
    """How thoroughly to measure, and where.

    Attributes
    ----------
    folder : Path
        Results, and a log of every process.
    environments : Path
        Where the other tools' environments lie.
    threads, runs : int
        Threads of every tool; repetitions of what takes seconds.
    sizes, cohort : tuple of int
        Voxels along each axis; numbers of cases.
    """

    folder: Path
    environments: Path
    threads: int
    runs: int
    sizes: tuple[int, ...]
    cohort: tuple[int, ...]

    def log(self, name: str) -> Path:
        """Return where the words of a process go."""
        return self.folder / "logs" / f"{name}.txt"


def segment(plan: Plan) -> dict[str, Any]:
    """Time ``fsh segment --sample``, a new process each time, the settings taking turns."""
    costs: dict[str, list[ProcessCost]] = {name: [] for name in SETTINGS}
    found: dict[str, Record] = {}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(plan.runs):
            for name, options in SETTINGS.items():
                out = Path(folder) / f"{name}-{run}"
                costs[name].append(
                    _segment(("--sample", *options), out, plan.log(f"segment-{name}"))
                )
                found[name] = read_record(find_records(out)[0])
    return {
        name: summarise(costs[name])
        | {
            "dice": record.score("dice"),
            "stages_s": record.run.seconds,
            "options": " ".join(options),
        }
        for (name, options), record in zip(SETTINGS.items(), found.values(), strict=True)
    }


def _segment(words: tuple[str | Path, ...], out: Path, log: Path) -> ProcessCost:
    return run_process(
        [Path(sys.executable).with_name("fsh"), "segment", *words, "--out", out], log
    )


def network(plan: Plan) -> dict[str, Any]:
    """Time the networks on one tile a core: as the predictor runs them, plain, ceiling."""
    settings = SegmentConfig(overlap=0)  # tiles side by side, each shown once
    bundled, plain = load_predictor(settings=settings), _bundled_in_torch()
    torch.manual_seed(0)
    paper = R2AttentionUNet3d(ModelConfig(**ABLATIONS["fsh"])).eval()
    timed = [("bundled", "the bundled model", bundled, plain)]
    if len(plain) > 1:
        for number, (member, model) in enumerate(
            zip(bundled.networks, plain, strict=True), start=1
        ):
            single = replace(bundled, networks=(member,))
            timed.append(
                (
                    f"member {number}",
                    f"its member {number} ({model.config.norm} norm)",
                    single,
                    (model,),
                )
            )
    fast = predictor_of([EnsembleMember(paper.config, arrays_of(paper))], settings)
    timed.append(("paper", "the paper's network", fast, (paper,)))
    results: dict[str, Any] = {"ceiling": _matrix_products(plan.runs)}
    for key, name, predictor, models in timed:
        tiles = torch.rand(plan.threads, len(models[0].config.channels), *TILE)
        image = np.concatenate(tiles.numpy(), axis=-1)
        results[key] = {
            "name": name,
            "gflop": plan.threads * sum(flops(model.config, TILE) for model in models) / 1e9,
            "seconds": repeat(partial(predictor, image), 5 * plan.runs, 3),
            "plain_seconds": repeat(partial(_plain_forward, models, tiles), plan.runs, 1),
        }
    return results


def _bundled_in_torch() -> tuple[R2AttentionUNet3d, ...]:
    return tuple(restore(member.config, member.weights) for member in load_checkpoint().members)


def _matrix_products(runs: int) -> dict[str, Any]:
    """Time a product of two bfloat16 matrices: as fast as this machine multiplies."""
    left = torch.rand(MATRIX, MATRIX).bfloat16()
    right = torch.rand(MATRIX, MATRIX).bfloat16()
    seconds = repeat(lambda: left @ right, 5 * runs, 2)
    return {"seconds": seconds, "gflop": 2 * MATRIX**3 / 1e9}


def _plain_forward(models: Sequence[nn.Module], tiles: Tensor) -> list[Tensor]:
    """Run float32 in contiguous memory, one patch at a time."""
    with torch.inference_mode():
        return [model(tile).sigmoid() for tile in tiles.split(1) for model in models]


def training(plan: Plan) -> dict[str, Any]:
    """Time a training step of the default recipe, and one in float32 and contiguous memory."""
    config = TrainConfig.preset("default").model_copy(
        update={"simulated_copies": 0}
    )  # made before the first step
    source = PatchSource([load_training_case(sample_case(), config.model)], config)
    steps, plain_steps = 4 * plan.runs, max(2, plan.runs)
    with deterministic():
        fast = _train(source, config, steps, torch.channels_last_3d, bf16=True)
        plain = _train(source, config, plain_steps, torch.contiguous_format, bf16=False)
    batches = iter(range(1, 1000))
    augmentation = repeat(lambda: source.batch(next(batches)), steps)
    return {
        "seconds": fast,
        "plain_seconds": plain,
        "augmentation_seconds": augmentation,
        "batch": config.batch_size,
    }


def _train(
    source: PatchSource, config: TrainConfig, steps: int, layout: torch.memory_format, bf16: bool
) -> list[float]:
    """Return the seconds of some steps, as `fsh_core.training.train` takes them."""
    torch.manual_seed(config.seed)
    model = R2AttentionUNet3d(config.model).to(memory_format=layout).train()
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.ema)
    )
    optimiser = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    batches = iter(range(1000))

    def step() -> None:
        images, references = source.batch(next(batches))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(images.to(memory_format=layout))
        loss = composite_loss(logits, references, config.bce_weight).total
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimiser.step()
        average.update_parameters(model)

    return repeat(step, steps)


def monai(plan: Plan) -> dict[str, Any]:
    """Time sliding-window inference: F.sh's, MONAI's with the same network, MONAI's defaults."""
    try:
        from monai.inferers import sliding_window_inference
    except ImportError as error:
        raise NotRun(f"MONAI is not installed ({error})") from None
    predictor, plain = load_predictor(), _bundled_in_torch()
    image, overlap = _prepared(predictor.model).masked, predictor.settings.overlap

    def same() -> NDArray[np.float32]:
        """Give MONAI F.sh's networks, a patch a core."""

        def answer(patch: NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(
                np.stack([network(patch[None])[0] for network in predictor.networks])
            )

        def members(patches: Tensor) -> Tensor:
            return torch.stack(list(pool.map(answer, patches.numpy())))

        with ThreadPoolExecutor(plan.threads) as pool:
            return sweep(members, plan.threads)

    def as_it_comes(patch: Tensor) -> Tensor:
        """Float32 in contiguous memory, all cores on one patch."""
        return torch.cat([model(patch).sigmoid() for model in plain], dim=1)

    def sweep(members: Callable[[Tensor], Tensor], at_once: int) -> NDArray[np.float32]:
        with torch.inference_mode():
            whole = torch.from_numpy(image[None])
            blended = sliding_window_inference(
                whole, TILE, at_once, members, overlap, mode="gaussian"
            )
        return np.asarray(blended[0].mean(dim=0))

    tiles: list[int] = []
    probability = (
        predictor(image, lambda done, total: tiles.append(total))
        .reshape(-1, *image.shape[1:])
        .mean(axis=0)
    )
    of_monai, brain = same(), image[0] > 0
    return {
        "tiles": tiles[-1],
        "seconds": repeat(lambda: predictor(image), plan.runs, 0),
        "monai_seconds": repeat(same, plan.runs, 0),
        "monai_plain_seconds": repeat(partial(sweep, as_it_comes, 1), 1, 0),
        "overlap": overlap,
        "alike_fraction": float(((probability >= 0.5) == (of_monai >= 0.5))[brain].mean()),
    }


def _prepared(model: ModelConfig) -> Prepared:
    flair = load_volume(sample_case().flair)
    return prepare([flair], find_brain(flair).mask, model)


def sizes(plan: Plan) -> dict[str, Any]:
    """Segment the sample's head in ever finer voxels: what the size of a file costs."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in plan.sizes:
            scan, out = Path(folder) / f"sub-{size}_FLAIR.nii.gz", Path(folder) / f"out-{size}"
            _resample_sample(size, scan)
            results[str(size)] = summarise([_segment((scan,), out, plan.log(f"sizes-{size}"))])
            shutil.rmtree(out)
    return results


def _resample_sample(size: int, path: Path) -> None:
    """Write the sample in size x size x size voxels over the cube that holds it."""
    flair = load_volume(sample_case().flair)
    extents_mm = np.multiply(flair.shape, flair.spacing_mm)
    side_mm = float(extents_mm.max())
    affine = flair.affine.copy()
    centre = affine[:3, :3] @ ((np.array(flair.shape) - 1) / 2) + affine[:3, 3]
    affine[:3, :3] *= side_mm / size / np.array(flair.spacing_mm)
    affine[:3, 3] = centre - affine[:3, :3] @ np.full(3, (size - 1) / 2)
    grid = Volume(np.broadcast_to(np.float32(0), (size, size, size)), affine)
    save_like(resample_to(flair, sitk.Transform(), grid), grid, path)


def cohort(plan: Plan) -> dict[str, Any]:
    """Segment folders that hold the sample again and again."""
    results = {}
    for count in plan.cohort:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(1, count + 1):
                scan = (
                    Path(folder)
                    / "in"
                    / f"sub-{number:03d}"
                    / "anat"
                    / f"sub-{number:03d}_FLAIR.nii.gz"
                )
                scan.parent.mkdir(parents=True)
                scan.symlink_to(sample_case().flair)
            cost = _segment(
                (Path(folder) / "in",), Path(folder) / "out", plan.log(f"cohort-{count}")
            )
            done = len(find_records(Path(folder) / "out"))
            if done != count:
                raise NotRun(f"{done} of {count} cases were segmented")
            results[str(count)] = summarise([cost])
    return results
