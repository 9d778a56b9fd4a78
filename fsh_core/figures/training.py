"""Loss and metric curves of a training, epoch by epoch."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fsh_core.figures.style import DPI, INK, PAGE_WIDTH_IN, QUIET, RULE

LOSSES = {"bce": "BCE", "dice_loss": "Dice", "loss": "Total"}
METRICS = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "dice": "Dice (= F1)",  # of voxels they are the same number
}
# Okabe and Ito's palette without its yellow, which vanishes on white.
_COLOURS = ("#0072b2", "#d55e00", "#1f2328", "#009e73", "#cc79a7")

_DASHES = (0, (4, 2))
_MOST_MARKS = 60


def curves(log: pd.DataFrame) -> tuple[Figure, Figure]:
    """Draw how a training went: the paper's figures 3 and 4.

    Parameters
    ----------
    log : DataFrame
        One row per epoch, as in a run's ``log.jsonl``: ``epoch``, and the columns
        `LOSSES` and `METRICS` with the prefix ``train_`` (solid lines) or ``val_``
        (dashed). What is missing, a column or the values of epochs without a
        validation, is left out.

    Returns
    -------
    losses : Figure
        BCE, Dice and total loss.
    metrics : Figure
        Accuracy, sensitivity, specificity, precision, and Dice, which is voxel-wise F1.
    """
    losses = _draw(log, LOSSES, "Loss")
    metrics = _draw(log, METRICS, "Metric")
    losses.axes[0].set_ylim(bottom=0)
    metrics.axes[0].set_ylim(0, 1.02)
    return losses, metrics


def _draw(log: pd.DataFrame, names: Mapping[str, str], y_label: str) -> Figure:
    figure = Figure(figsize=(PAGE_WIDTH_IN, 3.4), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    handles = []
    for colour, (name, label) in zip(_COLOURS, names.items(), strict=False):
        drawn = 0
        for prefix, style in (("train_", "-"), ("val_", _DASHES)):
            epochs, values = _points(log, prefix + name)
            mark = (
                "o" if len(epochs) == 1 or (prefix == "val_" and len(epochs) < _MOST_MARKS) else ""
            )
            axes.plot(
                epochs,
                values,
                color=colour,
                linewidth=1.3,
                linestyle=style,
                marker=mark,
                markersize=2.5,
            )
            drawn += len(epochs)
        if drawn:
            handles.append(Line2D([], [], color=colour, linewidth=1.3, label=label))
    handles.append(Line2D([], [], color=QUIET, linewidth=1.3, label="Training"))
    handles.append(
        Line2D([], [], color=QUIET, linewidth=1.3, linestyle=_DASHES, label="Validation")
    )
    axes.set_xlabel("Epoch", size=8, color=INK)
    axes.set_ylabel(y_label, size=8, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=7, colors=QUIET, length=0)
    axes.grid(color=RULE, linewidth=0.5)
    axes.spines[:].set_visible(False)
    figure.legend(
        handles=handles, loc="outside right upper", fontsize=7, frameon=False, labelcolor=INK
    )
    return figure


def _points(log: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs and values of one column, without what is missing."""
    if column not in log:
        return np.empty(0), np.empty(0)
    values = log[column].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    return log["epoch"].to_numpy(dtype=np.float64)[known], values[known]
