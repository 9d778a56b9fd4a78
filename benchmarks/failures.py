"""The worst failures on scans never learned from, as one picture.

python -m benchmarks.failures DATA OUT.png FOLD...

Each scan of DATA by the first weights, of a cross-validation's folds and the bundled ones, that
were not trained on its patient. A failure is a lesion of the reference with most of its volume not
found, or a finding with most of its volume outside the reference; the worst have the most ml of
that, at most two of them from one patient. Each is shown in the axial slice with the most of it:
the reference in blue, what was found in orange. A table of the same is printed.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.quality import unseen_cases
from fsh_core import BrainFinder, load_predictor, segment_case
from fsh_core.cases import Case, discover_cases
from fsh_core.figures import save_figure
from fsh_core.figures.panel import HALO, draw_outline, draw_slice
from fsh_core.figures.slices import View, make_view
from fsh_core.figures.style import DPI, PAGE_WIDTH_IN, PALE, PREDICTION_COLOUR, REFERENCE_COLOUR
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.lesions.label import label_lesions
from fsh_core.volume.boxes import label_boxes
from fsh_core.volume.planes import AXIAL
from fsh_core.volume.volume import as_ras, load_mask

EACH = 2  # at most, of one patient
COLUMNS = 5
TALL = 1.2  # a panel, by its width


@dataclass(frozen=True)
class Failure:
    """A lesion that was not found, a finding that is none, or one that mostly is so.

    Attributes
    ----------
    subject : str
        Whose.
    kind : str
        missed, mostly missed, false or mostly false.
    wrong_ml, volume_ml : float
        What of it is wrong, and all of it.
    highest_probability : float
        In it: how near a missed one came to being found, how sure a false one was.
    view : View
        The scan, with the reference and what was found.
    slice_index : int
        The axial slice of the view with the most of what is wrong.
    """

    subject: str
    kind: str
    wrong_ml: float
    volume_ml: float
    highest_probability: float
    view: View
    slice_index: int

    @property
    def row(self) -> dict[str, object]:
        """What the table says of it."""
        numbers = ("wrong_ml", "volume_ml", "highest_probability")
        return {"subject": self.subject, "kind": self.kind} | {
            name: round(getattr(self, name), 2) for name in numbers
        }


def failures_of(case: Case, predictor: NetworkPredictor, finder: BrainFinder) -> list[Failure]:
    """Segment a scan that has a reference; its failures, the worst first."""
    found = segment_case(case, predictor, finder=finder)
    reference = load_mask(case.reference, found.flair, case.flair).data
    masks = {"Reference": reference, "F.sh": found.prediction}
    view = make_view(found.flair, masks, found.brain, margin_mm=8)
    voxel_mm3 = found.flair.voxel_volume_mm3
    drawn = label_lesions(reference, voxel_mm3, found.record.settings.minimum_volume_mm3)
    failures = []
    for kind, labels, right in (
        ("missed", drawn, found.prediction),
        ("false", found.lesion_labels, reference),
    ):
        for label, box in label_boxes(labels).items():
            lesion = labels[box] == label
            wrong = lesion & ~right[box]
            if wrong.sum() <= lesion.sum() / 2:
                continue
            whole = np.zeros(labels.shape, dtype=bool)
            whole[box] = wrong
            area = view.area_voxels(as_ras(whole, found.flair), AXIAL.through)
            failures.append(
                Failure(
                    case.subject,
                    kind if wrong.sum() == lesion.sum() else f"mostly {kind}",
                    float(wrong.sum() * voxel_mm3 / 1000),
                    float(lesion.sum() * voxel_mm3 / 1000),
                    float(found.probability[box][lesion].max()),
                    view,
                    int(area.argmax()),
                )
            )
    return sorted(failures, key=lambda failure: -failure.wrong_ml)


def draw(failures: Sequence[Failure]) -> Figure:
    """Draw a panel a failure: the brain with both outlines, numbered as the table is."""
    rows = -(-len(failures) // COLUMNS)
    cell = PAGE_WIDTH_IN / COLUMNS
    figure = Figure(figsize=(PAGE_WIDTH_IN, rows * cell * TALL), dpi=DPI, facecolor="white")
    for number, failure in enumerate(failures):
        row, column = divmod(number, COLUMNS)
        axes = figure.add_axes(
            (
                column / COLUMNS + 0.002,
                1 - (row + 1) / rows + 0.002,
                1 / COLUMNS - 0.004,
                1 / rows - 0.004,
            )
        )
        axes.set_facecolor("black")
        view = failure.view
        draw_slice(axes, view, AXIAL, failure.slice_index)
        for name, colour in (("Reference", REFERENCE_COLOUR), ("F.sh", PREDICTION_COLOUR)):
            mask = AXIAL.cut(view.maps[name], failure.slice_index)
            draw_outline(axes, view, AXIAL, mask, colour, width=0.7, fill=False)
        half = max(view.extent_mm(0), view.extent_mm(1) / TALL) / 2
        axes.set(xticks=[], yticks=[], xlim=(-half, half), ylim=(-half * TALL, half * TALL))
        axes.spines[:].set_visible(False)
        axes.text(
            0.03,
            0.98,
            f"{number + 1}  {failure.subject}\n{failure.kind}, {failure.wrong_ml:.1f} ml",
            transform=axes.transAxes,
            size=6,
            va="top",
            color=PALE,
            path_effects=HALO,
        )
    return figure


def main(data: Path, out: Path, folds: Sequence[Path], count: int) -> None:
    """Print the table, and draw the picture."""
    predictors, finder = [*map(load_predictor, folds), load_predictor()], BrainFinder()
    worst: list[Failure] = []
    for case, predictor in unseen_cases(discover_cases(data), predictors):
        failures = failures_of(case, predictor, finder)
        print(f"{case.name}: {len(failures)} by {(predictor.card.sha256 or '')[:12]}", flush=True)
        worst += failures[:EACH]
    worst = sorted(worst, key=lambda failure: -failure.wrong_ml)[:count]
    table = pd.DataFrame([failure.row for failure in worst], index=range(1, len(worst) + 1))
    print(table.to_string())
    save_figure(draw(worst), out)


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("folds", type=Path, nargs="*", metavar="FOLD")
    parser.add_argument("--count", type=int, default=10)
    words = parser.parse_args()
    main(words.data, words.out, words.folds, words.count)


if __name__ == "__main__":
    run()
