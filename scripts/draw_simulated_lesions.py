"""Draw real and simulated lesions side by side: the picture of docs/simulation.md.

python scripts/draw_simulated_lesions.py BIDS_DATASET OUT.png --subjects X Y ...

For each subject a row of its own lesions, cut out of its scan, above a row of simulated ones of
about the same size in the same scan, ordered by size and named at the left.
``--blind`` leaves that out and swaps the rows by chance; what is real is then printed.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.cases import discover_cases
from fsh_core.figures.png import save_figure
from fsh_core.inference.predict import BrainFinder
from fsh_core.preprocess.load import load_brain
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.simulate import simulate_lesions
from fsh_core.volume.boxes import label_boxes
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume, load_mask, load_volume, to_ras

TILE_MM = 44.0
COLUMNS = 9
SIMULATED = 80


def lesions_of(mask: Volume, others: NDArray[np.bool_]) -> list[tuple[float, tuple[int, ...]]]:
    """Volume in mm3 and most lesion-filled axial place of each lesion that is not beside others."""
    labels, _ = label_components(mask.data)
    found = []
    for number, box in label_boxes(labels).items():
        own = labels[box] == number
        k = int(own.sum(axis=(0, 1)).argmax())
        middle = ndimage.center_of_mass(own[:, :, k])
        i, j = round(middle[0]), round(middle[1])
        place = tuple(side.start + index for side, index in zip(box, (i, j, k), strict=True))
        half = [round(10 / spacing) for spacing in mask.spacing_mm[:2]]
        near = others[
            max(0, place[0] - half[0]) : place[0] + half[0],
            max(0, place[1] - half[1]) : place[1] + half[1],
            place[2],
        ]
        if not near.any():
            found.append((float(own.sum()) * mask.voxel_volume_mm3, place))
    return found


def tile(
    data: NDArray[np.floating], place: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> NDArray[np.floating]:
    """Cut an axial square around a place, the patient's right on the left."""
    half = [round(TILE_MM / 2 / spacing) for spacing in spacing_mm[:2]]
    padded = np.pad(data[:, :, place[2]], [(size, size) for size in half])
    return padded[place[0] : place[0] + 2 * half[0], place[1] : place[1] + 2 * half[1]].T[:, ::-1]


def main() -> None:
    """Read the words of the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blind", action="store_true")
    words = parser.parse_args()
    cases = {case.subject: case for case in discover_cases(words.dataset)}
    figure = Figure(
        figsize=(COLUMNS * 1.0 + 0.5, len(words.subjects) * 2 * 1.02), facecolor="black"
    )
    bank, rng = LesionShapeBank.load(), np.random.default_rng(words.seed)
    for number, subject in enumerate(words.subjects):
        case = cases[subject]
        flair = load_volume(case.flair)
        reference = load_mask(case.reference, flair).data
        brain = load_brain(case, flair, BrainFinder()).mask
        made = simulate_lesions(flair, brain, bank, rng, count=SIMULATED, reference=reference)
        scan, after = to_ras(flair), to_ras(flair.with_data(made.flair.data))
        own, added = to_ras(flair.with_data(reference)), to_ras(flair.with_data(made.added))
        real, simulated = lesions_of(own, added.data & False), lesions_of(added, own.data)
        real.sort()
        real = [
            real[index] for index in np.unique(np.linspace(0, len(real) - 1, COLUMNS).astype(int))
        ]
        pairs = []
        for volume, place in real:
            best = min(simulated, key=lambda lesion, volume=volume: abs(np.log(lesion[0] / volume)))
            simulated.remove(best)
            pairs.append((place, best[1]))
        black, white = np.percentile(scan.data[to_ras(flair.with_data(brain)).data], [1, 99.8])
        swapped = words.blind and rng.random() < 0.5
        for row, (name, data) in enumerate((("real", scan.data), ("simulated", after.data))):
            line = 2 * number + (row ^ swapped)
            for column, places in enumerate(pairs):
                left, bottom = (
                    (0.45 + column) / (COLUMNS + 0.5),
                    1 - (line + 1) / (2 * len(words.subjects)),
                )
                axes = figure.add_axes(
                    (left, bottom, 0.97 / (COLUMNS + 0.5), 0.97 / (2 * len(words.subjects)))
                )
                picture = tile(data, places[row], scan.spacing_mm)
                axes.imshow(
                    picture,
                    cmap="gray",
                    vmin=black,
                    vmax=white,
                    origin="lower",
                    interpolation="bilinear",
                )
                axes.set_axis_off()
            text = name if not words.blind else f"{line + 1}"
            figure.text(
                0.2 / (COLUMNS + 0.5),
                bottom + 0.5 / (2 * len(words.subjects)),
                text,
                color="white",
                rotation=90,
                ha="center",
                va="center",
                size=9,
            )
            if words.blind:
                print(f"row {line + 1}: {name}")
    figure.set_dpi(110)
    save_figure(figure, words.out)


if __name__ == "__main__":
    main()
