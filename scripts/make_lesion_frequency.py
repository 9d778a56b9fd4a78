"""Make the bundled lesion probability map: fsh_core/lesions/frequency.npz.

python scripts/make_lesion_frequency.py DATA OUT.npz

DATA holds ``lesion-masks-mni`` and ``ms-flair``. The masks lie in the MNI frame but keep the size
of their brains, so they are scaled to MNI152 as the two of these patients whose scans there are.
Those two are not in the map: they judge networks.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.anatomy.template import find_anatomy
from fsh_core.files import write_atomically
from fsh_core.lesions.frequency import STEPS
from fsh_core.volume.volume import Volume, load_volume

WITH_SCANS = ("07", "19")
SMOOTH_MM = 4.0  # what a registration leaves open, and what 27 patients cannot resolve
SPACING_MM = 2.0
SHAPE = (91, 109, 91)
AFFINE = np.array(
    [
        [SPACING_MM, 0.0, 0.0, -90.0],
        [0.0, SPACING_MM, 0.0, -126.0],
        [0.0, 0.0, SPACING_MM, -72.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def to_mni(data: Path) -> NDArray[np.float64]:
    """Return the mean affine transform from the masks' frame to MNI152, (4, 4), RAS+ mm."""
    found = []
    for patient in WITH_SCANS:
        name = f"sub-ljubljana{patient}"
        flair = load_volume(data / "ms-flair" / name / "anat" / f"{name}_FLAIR.nii.gz")
        anatomy = find_anatomy(flair, flair.data > 0)
        if anatomy.to_mni is None:
            raise SystemExit(f"{name}: {anatomy.note}")
        found.append(anatomy.to_mni)
    return np.asarray(np.mean(found, axis=0))


def on_grid(mask: Volume, transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring a mask into MNI152, onto the map's voxels, as a smooth share in [0, 1]."""
    wide = ndimage.gaussian_filter(
        (mask.data > 0.5).astype(np.float64), [SMOOTH_MM / mm for mm in mask.spacing_mm]
    )
    voxel = np.linalg.inv(mask.affine) @ np.linalg.inv(transform) @ AFFINE
    return np.asarray(
        ndimage.affine_transform(wide, voxel[:3, :3], voxel[:3, 3], output_shape=SHAPE, order=1)
    )


def main() -> None:
    """Read the words of the command line and write the map."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    masks = [
        path
        for path in sorted((words.data / "lesion-masks-mni").glob("patient*.nii.gz"))
        if path.name.removeprefix("patient").removesuffix(".nii.gz") not in WITH_SCANS
    ]
    transform = to_mni(words.data)
    share = np.mean([on_grid(load_volume(path), transform) for path in masks], axis=0)
    share = (share + share[::-1]) / 2  # neither side is known to have more
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frequency=np.round(share * STEPS).astype(np.uint8), affine=AFFINE)
    write_atomically(words.out, buffer.getvalue())
    print(
        f"{words.out}: {len(masks)} patients, most {share.max():.2f}, "
        f"{len(buffer.getvalue()) / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
