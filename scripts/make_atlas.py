"""Make the bundled atlas: fsh_core/anatomy/atlas/atlas.npz.

python scripts/make_atlas.py DATA OUT.npz

DATA holds ``atlas`` (labels in the FreeSurfer scheme, and a T1 in the same space that is only used
for registration), ``ms-flair`` and ``longitudinal``. Licences are in
fsh_core/anatomy/atlas/ATTRIBUTION.md.
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsh_core.anatomy.template import Tissue
from fsh_core.anatomy.template_registration import TissueMap, align, resample_to, tissue_map
from fsh_core.files import write_atomically
from fsh_core.inference.predict import BrainFinder
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.volume.volume import Volume, load_volume, to_ras

# Six patients, neither the sample nor any of Tabriz, against whose ventricles the result is
# measured.
STRIPPED = ("ljubljana07", "ljubljana19", "mslessegP18")
WHOLE_HEADS = ("patient01", "patient03", "patient12")
MNI_3MM = Volume(
    np.zeros((61, 73, 61), np.float32),
    np.array(
        [
            [3.0, 0.0, 0.0, -90.0],
            [0.0, 3.0, 0.0, -126.0],
            [0.0, 0.0, 3.0, -72.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    ),
)

# FreeSurfer's numbers; what is not named (optic chiasm, vessels, other fluid) is OTHER.
STRUCTURES: dict[Tissue, tuple[int, ...]] = {
    Tissue.VENTRICLE: (4, 43, 5, 44, 31, 63),  # with the inferior horns and the choroid plexus
    Tissue.THIRD_VENTRICLE: (14,),
    Tissue.FOURTH_VENTRICLE: (15,),
    Tissue.INFRATENTORIAL: (16, 7, 8, 46, 47),
    Tissue.WHITE_MATTER: (2, 41, 77, 251, 252, 253, 254, 255),
    Tissue.DEEP_GREY: (10, 11, 12, 13, 17, 18, 26, 28, 49, 50, 51, 52, 53, 54, 58, 60, 80),
    Tissue.CORTEX: tuple(range(1000, 3000)),
}


def classify(labels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Turn FreeSurfer's labels into tissues, (I, J, K) uint8."""
    tissue = np.zeros(labels.shape, dtype=np.uint8)
    for kind, numbers in STRUCTURES.items():
        tissue[np.isin(labels, numbers)] = kind
    return tissue


def scans(data: Path) -> Iterator[TissueMap]:
    """Read the patients that the template is the mean of."""
    finder = BrainFinder()
    paths = [
        data / "ms-flair" / f"sub-{name}" / "anat" / f"sub-{name}_FLAIR.nii.gz" for name in STRIPPED
    ]
    paths += [data / "longitudinal" / name / "study2_FLAIR.nii.gz" for name in WHOLE_HEADS]
    for path in paths:
        flair = load_volume(path)
        yield tissue_map(flair, find_brain(flair, finder=finder).mask)


def mean_patient(data: Path) -> TissueMap:
    """Average the patients, each moved onto the T1, on 3 mm voxels of MNI152 space."""
    t1 = load_volume(data / "atlas" / "MNI152_T1_1mm_brain.nii.gz")
    target = tissue_map(t1, t1.data > 0)
    images, brains = [], []
    for patient in scans(data):
        transform = align(target, patient).full
        images.append(resample_to(patient.image, transform, MNI_3MM))
        mask = patient.image.with_data(patient.brain.astype(np.float32))
        brains.append(resample_to(mask, transform, MNI_3MM))
    image, brain = np.mean(images, axis=0), np.mean(brains, axis=0) > 0.5
    return TissueMap(MNI_3MM.with_data(image.astype(np.float32)), brain)


def main() -> None:
    """Read the words of the command line and write the atlas."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    data, out = words.data, words.out
    labels = to_ras(load_volume(data / "atlas" / "atlas_desikan_killiany.nii.gz"))
    template = mean_patient(data)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        template=np.round(template.image.data * 255).astype(np.uint8),
        brain=template.brain.astype(np.uint8),
        template_affine=template.image.affine,
        tissue=classify(np.round(labels.data)),
        tissue_affine=labels.affine,
    )
    write_atomically(out, buffer.getvalue())
    print(f"{out}: {len(buffer.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
