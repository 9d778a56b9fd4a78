"""The bundled atlas: a template to register FLAIR scans to, and its tissue labels.

Sources and licences are in ATTRIBUTION.md beside this file.

``atlas.npz`` is made from the scans and labels named there by::

    python scripts/make_atlas.py DATA fsh_core/anatomy/atlas/atlas.npz
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from fsh_core.anatomy.template_registration import TissueMap
from fsh_core.volume.volume import Volume

ATLAS_FILE = Path(str(files(__name__))) / "atlas.npz"


@dataclass(frozen=True)
class Atlas:
    """The template, in MNI152 space (RAS+ mm).

    Attributes
    ----------
    template : TissueMap
        Mean over patients of what is tissue and what fluid, on 3 mm voxels.
    tissue : Volume
        (I, J, K) uint8, values of `fsh_core.anatomy.template.Tissue`, on 1 mm voxels.
    """

    template: TissueMap
    tissue: Volume


@cache
def load_atlas() -> Atlas:
    """Read the bundled atlas; once a process."""
    with np.load(ATLAS_FILE, allow_pickle=False) as stored:
        image = stored["template"].astype(np.float32) / np.float32(255)
        template = TissueMap(Volume(image, stored["template_affine"]), stored["brain"].astype(bool))
        return Atlas(template, Volume(stored["tissue"], stored["tissue_affine"]))
