"""A brain that is drawn: white matter and ventricles."""

import numpy as np

from fsh_core.volume.volume import Volume

WHITE = 100.0


class SimulatedHead:
    """A brain ellipsoid of 140 x 170 x 130 mm: white matter 100, noise 3, ventricles 20."""

    def __init__(
        self, spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0), flip: bool = False
    ) -> None:
        shape = tuple(
            round(size / spacing) for size, spacing in zip((150, 180, 140), spacing_mm, strict=True)
        )
        mm = [
            (np.arange(size) - (size - 1) / 2) * spacing
            for size, spacing in zip(shape, spacing_mm, strict=True)
        ]
        x, y, z = np.meshgrid(*mm, indexing="ij")
        self.brain = (x / 70) ** 2 + (y / 85) ** 2 + (z / 65) ** 2 < 1
        self.ventricle = (np.abs(x) / 12) ** 2 + (y / 30) ** 2 + (z / 12) ** 2 < 1
        data = np.where(self.brain, WHITE + np.random.default_rng(0).normal(0, 3, shape), 0)
        data[self.ventricle] = 20
        affine = np.diag([*spacing_mm, 1.0])
        if flip:
            affine[0, 0] *= -1
        self.flair = Volume(data.astype(np.float32), affine)
