"""Losses and metrics while training: on patches, and on whole validation volumes."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsh_core.config import SegmentConfig, TrainConfig
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.network.checkpoint import EnsembleMember
from fsh_core.network.losses import Losses, composite_loss
from fsh_core.network.model import arrays_of
from fsh_core.training.training_case import WholeScan

_THRESHOLD = 0.5  # while training; the operating point is chosen afterwards

METRICS = ("accuracy", "sensitivity", "specificity", "precision", "f1", "dice")
_VALIDATION_OVERLAP = 0.25


def validate(
    model: torch.nn.Module,
    cases: Sequence[WholeScan],
    config: TrainConfig,
    on_first: Callable[[WholeScan, NDArray[np.float32]], None] | None = None,
) -> dict[str, float]:
    """Measure losses and metrics on whole volumes, on each file's own grid.

    ``on_first`` is given the first case and its probability on the network's grid.

    Returns
    -------
    dict
        Means over the cases, names beginning with ``val_``.
    """
    # Brings openvino, which a training from a pack can do without.
    from fsh_core.inference.predict import predictor_of

    settings = SegmentConfig(
        overlap=_VALIDATION_OVERLAP, precision=config.precision, patch_size=config.patch_size
    )
    predictor = predictor_of([EnsembleMember(config.model, arrays_of(model))], settings)
    rows: list[dict[str, float]] = []
    for case in cases:
        seen = case.prepared.image if config.model.target == "brain" else case.prepared.masked
        found = predictor(seen)
        if on_first is not None and not rows:
            on_first(case, found)
        probability = torch.from_numpy(case.prepared.to_input_grid(found))
        reference = torch.from_numpy(case.reference)
        losses = composite_loss(torch.logit(probability, 1e-6), reference, config.bce_weight)
        metrics = voxel_metrics(case.reference, probability.numpy() >= _THRESHOLD)
        row = {
            "bce": losses.bce.item(),
            "dice_loss": losses.dice.item(),
            "loss": losses.total.item(),
        }
        rows.append(row | {name: getattr(metrics, name) for name in METRICS})
    return {f"val_{name}": float(np.mean([row[name] for row in rows])) for name in rows[0]}


class Totals:
    """Sums over the steps of an epoch."""

    def __init__(self) -> None:
        self.last_loss = 0.0
        self._losses: list[tuple[float, float, float]] = []
        self._counts = np.zeros(4)

    def add(self, losses: Losses, logits: Tensor, reference: Tensor) -> None:
        """Add a step.

        Parameters
        ----------
        losses : Losses
            Of the step.
        logits : (B, 1, I, J, K) float32
            Positive where a voxel is called lesion.
        reference : (B, 1, I, J, K) float32 in {0, 1}
            Lesion voxels.
        """
        self.last_loss = float(losses.total.detach())
        self._losses.append(
            (self.last_loss, float(losses.bce.detach()), float(losses.dice.detach()))
        )
        found, true = logits.detach() > 0, reference > 0
        both = int((found & true).sum())
        self._counts += (
            both,
            int(found.sum()) - both,
            int(true.sum()) - both,
            int((~found & ~true).sum()),
        )

    @property
    def step_losses(self) -> list[float]:
        """Loss of each step so far; rounded, since it is logged for the eye alone."""
        return [float(f"{total:.5g}") for total, _, _ in self._losses]

    def means(self) -> dict[str, float]:
        """Return mean losses, and metrics over all voxels of the epoch's patches."""
        tp, fp, fn, tn = self._counts
        total, bce, dice_loss = np.mean(self._losses, axis=0)
        dice = 2 * tp / max(1, 2 * tp + fp + fn)
        metrics = {
            "accuracy": (tp + tn) / max(1, tp + fp + fn + tn),
            "sensitivity": tp / max(1, tp + fn),
            "specificity": tn / max(1, tn + fp),
            "precision": tp / max(1, tp + fp),
            "f1": dice,
            "dice": dice,
        }
        named = {"bce": bce, "dice_loss": dice_loss, "loss": total, **metrics}
        return {f"train_{name}": float(value) for name, value in named.items()}
