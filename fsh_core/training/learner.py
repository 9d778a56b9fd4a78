"""One step of learning: forward, loss, backward, the optimiser, the moving average."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fsh_core.config import TrainConfig
from fsh_core.inference.torch_backend import has_fast_bfloat16
from fsh_core.network.build import Weights, build_module
from fsh_core.network.losses import Losses, composite_loss, loss_by_lesion
from fsh_core.training.ranks import Ranks
from fsh_core.training.supply import Batch


class Parts(NamedTuple):
    """What a state of training is made of."""

    model: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer


class Learner:
    """A network with its moving average and its optimiser, on a device.

    Parameters
    ----------
    config : TrainConfig
        Network, optimiser, loss, precision.
    device : torch.device
        Where it learns.
    team : Ranks
        The processes among which this one learns.
    weights : mapping of str to array, optional
        What it knows already, a state dict; random numbers of torch if not given.

    Attributes
    ----------
    model, average : Module
        The network that learns, and the moving average of its weights, which is what is kept.

    Raises
    ------
    ValueError
        If the weights are not those of the network.
    """

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        team: Ranks,
        weights: Weights | None = None,
    ) -> None:
        self.config, self.device, self._team = config, device, team
        self._bf16 = _uses_bfloat16(config, device)
        self.model: nn.Module = build_module(config.model, weights).to(
            device,
            memory_format=torch.channels_last_3d,  # type: ignore[call-overload]
        )
        self.average: nn.Module = copy.deepcopy(self.model).eval()
        self._optimiser = _optimiser(self.model, config)
        self._spread = team.spread(self.model)

    @property
    def parts(self) -> Parts:
        """Everything that the next step depends on."""
        return Parts(self.model, self.average, self._optimiser)

    def copy(self) -> "Learner":
        """Return another learner that knows the same, and learns alone."""
        other = Learner(self.config, self.device, Ranks())
        other.model.load_state_dict(self.model.state_dict())
        return other

    def step(self, step: int, rate: float, batch: Batch) -> tuple[Losses, Tensor, Tensor]:
        """Learn from a batch.

        Parameters
        ----------
        step : int
            Counted from 0; the average begins after the warm-up.
        rate : float
            Learning rate.
        batch : Batch
            This process's share. With regions, the loss counts every lesion alike, too.

        Returns
        -------
        Losses
            Of the whole batch, over all its voxels.
        logits, references : (B, 1, I, J, K) float32
            Of the whole batch.
        """
        config = self.config
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        images = batch.images.to(self.device, memory_format=torch.channels_last_3d)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._bf16):
            logits = self._spread(images)
        logits = self._team.whole(logits)
        references = self._team.whole(batch.references.to(self.device))
        losses = composite_loss(logits, references, config.bce_weight)
        learned = losses.total
        if batch.regions is not None:
            regions = self._team.whole(batch.regions.to(self.device))
            by_lesion = loss_by_lesion(logits, references, regions, config.bce_weight)
            learned = torch.lerp(learned, by_lesion, config.lesion_weight)
        self._optimiser.zero_grad(set_to_none=True)
        learned.backward()
        if config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self._optimiser.step()
        _update_ema(self.average, self.model, config.ema if step >= config.warmup_steps else 0.0)
        return losses, logits, references


def _uses_bfloat16(config: TrainConfig, device: torch.device) -> bool:
    if config.precision == "auto":
        return has_fast_bfloat16(device.type)
    return config.precision == "bf16"


def _optimiser(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    if config.optimiser == "adam":
        return torch.optim.Adam(
            model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )


@torch.no_grad()
def _update_ema(average: torch.nn.Module, model: torch.nn.Module, decay: float) -> None:
    """Move the averaged weights towards the model's; decay 0 copies them."""
    # Not torch.optim.swa_utils.AveragedModel: it would also average the batch counter of a
    # BatchNorm, an integer, and it has no warm-up, during which the average is the model.
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point and decay:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
