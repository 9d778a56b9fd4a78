"""A bank of lesion shapes and places, taken from masks that experts drew.

``lesion_shapes.npz`` beside this file holds the lesions of 29 patients of the Ljubljana cohort
(Lesjak et al., Neuroinformatics 2018, doi:10.1007/s12021-017-9348-7, CC BY). It is made by::

    python -m fsh_core.simulation.shape_bank MASKS_FOLDER fsh_core/simulation/lesion_shapes.npz
"""

import io
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.errors import InputError, reason_of
from fsh_core.files import write_atomically
from fsh_core.simulation.brain_frame import LJUBLJANA_FRAME, BrainFrame
from fsh_core.volume.boxes import label_boxes
from fsh_core.volume.components import label_components
from fsh_core.volume.volume import Volume, load_mask, to_ras

_ARGUMENTS = 2  # of the command: the folder, and the file to write
_SMALLEST_MM3 = 3.0  # what is smaller is as likely an expert's slip as a lesion


@dataclass(frozen=True)
class Shape:
    """One lesion of the bank.

    Attributes
    ----------
    voxels : (A, B, C) bool
        The lesion in its bounding box, axes towards R, A and S.
    spacing_mm : tuple of 3 float
        Voxel size.
    place : (3,) float
        Middle of the box, in the brain's own units (`BrainFrame`).
    """

    voxels: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    place: NDArray[np.floating[Any]]

    @property
    def volume_mm3(self) -> float:
        """Volume of the lesion."""
        return float(np.count_nonzero(self.voxels) * np.prod(self.spacing_mm))


@dataclass(frozen=True)
class LesionShapeBank:
    """Lesion shapes and where in the brain they were.

    Attributes
    ----------
    sizes : (N, 3) int16
        Bounding box of each lesion, in voxels.
    spacings_mm : (N, 3) float32
        Voxel size of each lesion.
    places : (N, 3) float32
        Middle of each box in the brain's own units.
    patients : (N,) int16
        Number of the patient that each lesion is from, an index into ``names``.
    bits : (M,) uint8
        The voxels of all lesions, one lesion after the other in C order, 8 a byte.
    names : (P,) str
        The patients: subjects of that name must not be validated on what is learned from the bank.
    """

    sizes: NDArray[np.int16]
    spacings_mm: NDArray[np.float32]
    places: NDArray[np.float32]
    patients: NDArray[np.int16]
    bits: NDArray[np.uint8]
    names: NDArray[np.str_]

    def __len__(self) -> int:
        """Return the number of lesions."""
        return len(self.sizes)

    def __iter__(self) -> Iterator[Shape]:
        """Go through the lesions."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Shape:
        """Return one lesion."""
        voxels = self.sizes.astype(np.int64).prod(axis=1)
        start = int(voxels[:index].sum())
        first, last = start // 8, -(-(start + int(voxels[index])) // 8)
        unpacked = np.unpackbits(self.bits[first:last])[start - first * 8 :][: voxels[index]]
        a, b, c = self.spacings_mm[index].tolist()
        return Shape(
            unpacked.reshape(self.sizes[index]).astype(bool), (a, b, c), self.places[index]
        )

    def without(self, subjects: Collection[str]) -> NDArray[np.int64]:
        """Return the numbers of the lesions that are not from these subjects."""
        return np.flatnonzero(~np.isin(self.names[self.patients], sorted(subjects)))

    @classmethod
    def of_masks(
        cls,
        masks: Sequence[Volume],
        frames: Sequence[BrainFrame],
        names: Sequence[str] | None = None,
    ) -> "LesionShapeBank":
        """Collect the lesions of several patients.

        Parameters
        ----------
        masks : sequence of Volume
            Lesion masks, bool, one a patient, in any orientation.
        frames : sequence of BrainFrame
            The brain of each: in mm along the axes of ``to_ras(mask)``, from the centre
            of its first voxel, as `BrainFrame.of_mask` makes it.
        names : sequence of str, optional
            The subject that each mask is from.

        Raises
        ------
        InputError
            If no mask holds a lesion of 3 mm3.
        """
        shapes: list[tuple[Shape, int]] = []
        for patient, (mask, frame) in enumerate(zip(masks, frames, strict=True)):
            ras = to_ras(mask)
            labels, _ = label_components(ras.data)
            for number, box in label_boxes(labels).items():
                middle = [(side.start + side.stop - 1) / 2 for side in box]
                place = frame.place_of(np.asarray(middle) * ras.spacing_mm)
                shape = Shape(labels[box] == number, ras.spacing_mm, place)
                if shape.volume_mm3 >= _SMALLEST_MM3 * (1 - 1e-6):
                    shapes.append((shape, patient))
        if not shapes:
            raise InputError(
                "a lesion bank needs at least one lesion of 3 mm3, the masks hold none; "
                "give other masks"
            )
        return cls(
            np.array([shape.voxels.shape for shape, _ in shapes], np.int16),
            np.array([shape.spacing_mm for shape, _ in shapes], np.float32),
            np.array([shape.place for shape, _ in shapes], np.float32),
            np.array([patient for _, patient in shapes], np.int16),
            np.packbits(np.concatenate([shape.voxels.ravel() for shape, _ in shapes])),
            np.array(names if names is not None else [str(number) for number in range(len(masks))]),
        )

    @classmethod
    def load(cls, path: str | Path | None = None) -> "LesionShapeBank":
        """Read a bank; without a path the bundled one.

        Raises
        ------
        InputError
            If the file is not a bank.
        """
        source = (
            Path(str(files("fsh_core.simulation") / "lesion_shapes.npz"))
            if path is None
            else Path(path)
        )
        try:
            with np.load(io.BytesIO(source.read_bytes()), allow_pickle=False) as stored:
                bank = cls(**{name: stored[name] for name in cls.__dataclass_fields__})
            bank._check()
        except Exception as error:  # what a damaged .npz raises is written nowhere
            raise InputError(
                f"{source}: expected a lesion bank (.npz), cannot read it ({reason_of(error)}); "
                "make it anew"
            ) from None
        return bank

    def _check(self) -> None:
        """Check that the arrays belong together.

        Raises
        ------
        ValueError
            If they do not.
        """
        count = len(self.sizes)
        shapes = {"sizes": (count, 3), "spacings_mm": (count, 3), "places": (count, 3)}
        for name, shape in {**shapes, "patients": (count,)}.items():
            array = getattr(self, name)
            kinds = "iu" if name in ("sizes", "patients") else "f"
            if (
                array.shape != shape
                or array.dtype.kind not in kinds
                or not np.isfinite(array).all()
            ):
                raise ValueError(f"{name} is not what it must be for {count} lesions")
        voxels = int(self.sizes.astype(np.int64).prod(axis=1).sum())
        if not count or self.sizes.min() < 1 or self.spacings_mm.min() <= 0:
            raise ValueError("a lesion has no size")
        if self.bits.dtype != np.uint8 or self.bits.shape != (-(-voxels // 8),):
            raise ValueError("bits do not hold the lesions' voxels")
        if self.names.ndim != 1 or self.names.dtype.kind != "U":
            raise ValueError("names are no names")
        if self.patients.min() < 0 or self.patients.max() >= len(self.names):
            raise ValueError("a lesion is of no patient")

    def save(self, path: str | Path) -> None:
        """Write as .npz, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer, **{name: getattr(self, name) for name in self.__dataclass_fields__}
        )
        write_atomically(path, buffer.getvalue())


def main(arguments: Sequence[str]) -> int:
    """Make a bank of a folder of Ljubljana masks: MASKS_FOLDER OUT."""
    if len(arguments) != _ARGUMENTS:
        print(
            "usage: python -m fsh_core.simulation.shape_bank MASKS_FOLDER OUT.npz", file=sys.stderr
        )
        return 2
    paths = sorted(Path(arguments[0]).glob("*.nii.gz"))
    masks = [to_ras(load_mask(path)) for path in paths]
    # The masks of the cohort share the MNI frame; a bank counts mm from a mask's first voxel.
    frames = [
        BrainFrame(LJUBLJANA_FRAME.middle_mm - mask.affine[:3, 3], LJUBLJANA_FRAME.size_mm)
        for mask in masks
    ]
    names = [path.name.removesuffix(".nii.gz").replace("patient", "ljubljana") for path in paths]
    bank = LesionShapeBank.of_masks(masks, frames, names)
    bank.save(arguments[1])
    size_kb = Path(arguments[1]).stat().st_size / 1000
    print(f"{len(bank)} lesions of {len(masks)} patients, {size_kb:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
