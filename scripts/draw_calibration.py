"""Draw the reliability diagram of some weights, and precision without uncertain lesions.

python scripts/draw_calibration.py fsh_core/weights/default.json docs/images/calibration.png
"""

import argparse
import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fsh_core.figures import save_figure

ORANGE, GREY = "#c2620a", "#8b929c"


def main(card: Path, out: Path) -> None:
    """Read the card, draw three panels."""
    facts = json.loads(card.read_text())
    figure = Figure(figsize=(9.6, 3.2), dpi=160, layout="constrained")
    voxels, lesions, retention = figure.subplots(1, 3)
    error = facts["reliability"]["expected_calibration_error"]
    _reliability(
        voxels, facts["reliability"]["bins"], f"Voxels: expected calibration error {error:.3f}"
    )
    _reliability(
        lesions,
        facts["confidence"]["bins"],
        f"Lesions: Brier score {facts['confidence']['brier']:.3f}",
    )
    lesions.set(xlabel="confidence, fitted on the other patients", ylabel="share that is real")
    voxels.set(xlabel="probability", ylabel="share that is lesion")
    kept = [point["retained"] for point in facts["retention"]]
    retention.plot(
        kept, [point["precision"] for point in facts["retention"]], "o-", color=ORANGE, markersize=4
    )
    retention.set(
        xlim=(0, 1.03),
        ylim=(0, 1.03),
        xlabel="share of lesions kept, surest first",
        ylabel="precision",
    )
    retention.set_title("Leaving doubtful lesions to a reader", size=9, loc="left")
    for axes in (voxels, lesions, retention):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e6e9ed", linewidth=0.6)
        axes.set_axisbelow(True)
    save_figure(figure, out)


def _reliability(axes: Axes, bins: list[dict[str, float]], title: str) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    axes.plot(
        [part["probability"] for part in bins],
        [part["real"] for part in bins],
        "o-",
        color=ORANGE,
        markersize=4,
    )
    axes.set(xlim=(0, 1.03), ylim=(0, 1.03))
    axes.set_title(title, size=9, loc="left")


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("card", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    main(words.card, words.out)


if __name__ == "__main__":
    run()
