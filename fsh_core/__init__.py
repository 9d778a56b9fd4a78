"""F.sh finds multiple-sclerosis lesions on FLAIR MRI.

One case flows one way::

    case on disk -> volume -> patches -> network -> probability -> lesions -> measures -> record

The folders stand in that order; each imports only from those before it:

===============  ============================================================================
``cases``        subjects, sessions and their files on disk (``sample``: a bundled case)
``volume``       images with their affine; NIfTI, resampling, connected components
``preprocess``   loading a case, brain mask, intensity scaling
``anatomy``      registration to the template and between visits, atlas
``quality``      checks of a scan: coverage, noise, artefacts, contrast
``simulation``   lesions of known shape, inserted into scans
``network``      the model, its losses, its weights on disk
``inference``    from an image to a probability, patch by patch
``lesions``      labels, measures, regions, flags, confidence
``pipeline``     `segment_case`: all of the above, for one case
``tracking``     what changed between visits: registration, difference, matching
``evaluation``   metrics of one case against its reference
``studies``      cohorts and raters: agreement, repeatability, statistics
``training``     patches, augmentation, training loop, calibration
``derivatives``  BIDS derivatives: file names, records, reading and writing
``review``       a reader's decisions and corrections
``follow_up``    a patient over visits: what changed, written and read back
``figures``      pictures of scans, lesions and training
``report``       HTML pages of a case, an evaluation, a comparison
``api``          `segment`: one call from a file to its lesions
``cli``          the command ``fsh``
===============  ============================================================================

>>> from fsh_core import segment
>>> found = segment("sub-01_FLAIR.nii.gz")  # doctest: +SKIP
>>> found.lesions[["label", "volume_mm3"]]  # doctest: +SKIP

Importing this package loads no torch; the names that need it load it when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fsh_core.config import ModelConfig, SegmentConfig, TrainConfig
from fsh_core.errors import Cancelled, InputError

if TYPE_CHECKING:
    from fsh_core.api import segment
    from fsh_core.cases import Case, discover_cases
    from fsh_core.inference.predict import BrainFinder, load_predictor
    from fsh_core.pipeline import Segmentation, find_lesions, segment_case
    from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like

_LAZY = {
    "segment": "fsh_core.api",
    "Case": "fsh_core.cases",
    "discover_cases": "fsh_core.cases",
    "Volume": "fsh_core.volume.volume",
    "load_mask": "fsh_core.volume.volume",
    "load_volume": "fsh_core.volume.volume",
    "save_like": "fsh_core.volume.volume",
    "BrainFinder": "fsh_core.inference.predict",
    "load_predictor": "fsh_core.inference.predict",
    "Segmentation": "fsh_core.pipeline",
    "find_lesions": "fsh_core.pipeline",
    "segment_case": "fsh_core.pipeline",
}

__all__ = [
    "BrainFinder",
    "Cancelled",
    "Case",
    "InputError",
    "ModelConfig",
    "SegmentConfig",
    "Segmentation",
    "TrainConfig",
    "Volume",
    "discover_cases",
    "find_lesions",
    "load_mask",
    "load_predictor",
    "load_volume",
    "save_like",
    "segment",
    "segment_case",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
