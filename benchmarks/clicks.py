"""How much one click corrects, on the bundled patient: docs/napari.md.

python -m benchmarks.clicks

The scan is segmented. Where its lesions are too small or too large by at least 8 mm3 in one piece,
the middle of the piece is clicked once, beside the lesion that it touches. A changed voxel is right
where the reader's mask agrees with the change.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core import load_predictor, segment_case
from fsh_core.errors import InputError
from fsh_core.review.correct import Surroundings, voxels_to_add, voxels_to_remove
from fsh_core.sample import sample_case
from fsh_core.volume.boxes import first_voxel, label_boxes, widen
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import load_mask

LEAST_MM3 = 8.0


class Piece(NamedTuple):
    """A place where a lesion is wrong: which one, and the voxel that is clicked."""

    label: int
    click: tuple[int, int, int]


def pieces(wrong: NDArray[np.bool_], labels: NDArray[np.integer], least: float) -> Iterator[Piece]:
    """Yield the pieces of at least so many voxels that lie in or at a lesion."""
    parts, _ = label_components(wrong)
    for number, tight in label_boxes(parts).items():
        box = widen(tight, (1, 1, 1), parts.shape)
        part = parts[box] == number
        if np.count_nonzero(part) < least:
            continue
        near = labels[box][ndimage.binary_dilation(part, iterations=1)]
        touched = near[near > 0]
        if touched.size:
            depth = ndimage.distance_transform_edt(part)
            deepest = np.unravel_index(int(depth.argmax()), part.shape)
            i, j, k = np.add(deepest, first_voxel(box)).tolist()
            yield Piece(int(np.bincount(touched).argmax()), (i, j, k))


def main() -> None:
    """Segment the sample, click, and count."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    case = sample_case()
    found = segment_case(case, load_predictor())
    flair, labels = found.flair, found.lesion_labels
    if case.reference is None:
        raise InputError("the bundled patient has no reference; install again")
    reference = load_mask(case.reference, flair, case.flair).data
    around = Surroundings(labels, found.brain, flair.data, found.probability, flair.spacing_mm)
    missing = reference & (labels == 0) & found.brain
    surplus = (labels > 0) & ~reference
    least = LEAST_MM3 / flair.voxel_volume_mm3
    for name, wrong, correct in (
        ("grow", missing, voxels_to_add),
        ("shrink", surplus, voxels_to_remove),
    ):
        clicked = refused = right = changed = 0
        for piece in pieces(wrong, labels, least):
            clicked += 1
            try:
                voxels = correct(piece.label, [piece.click], around)
            except InputError:
                refused += 1
                continue
            changed += voxels.size
            right += int(np.count_nonzero(wrong.ravel()[voxels]))
        print(f"{name}: {clicked} places, {refused} refused; {right} of {changed} voxels right")


if __name__ == "__main__":
    main()
