"""One call from a file to its lesions."""

import logging
from pathlib import Path
from typing import Any

from fsh_core.cases import Case, discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.inference.predict import BrainFinder, load_predictor
from fsh_core.inference.scan import OnPatch
from fsh_core.pipeline import Segmentation, segment_case

_MOST_NAMED = 5  # cases in a message

_log = logging.getLogger(__name__)


def segment(
    flair: str | Path | Case,
    *,
    brain_mask: str | Path | None = None,
    weights: str | Path | None = None,
    on_patch: OnPatch | None = None,
    **settings: Any,
) -> Segmentation:
    """Segment one FLAIR, as ``fsh segment`` does.

    For many scans, load the network once: `fsh_core.load_predictor` and
    `fsh_core.segment_case`.

    Parameters
    ----------
    flair : path or Case
        A NIfTI file, a folder that holds one scan, or a case from `fsh_core.discover_cases`.
    brain_mask : path, optional
        Brain mask on the FLAIR's grid; found by itself if not given.
    weights : path, optional
        A ``.safetensors`` file; the bundled weights if not given.
    on_patch : callable, optional
        Called with (done, total); raising from it cancels.
    **settings
        Fields of `fsh_core.SegmentConfig`, such as ``threshold=0.4``.

    Returns
    -------
    Segmentation
        Masks, probabilities and the lesion table, on the grid of the file.

    Raises
    ------
    InputError
        If a file or a setting cannot be used, or if ``flair`` is no single scan.
    """
    case = flair if isinstance(flair, Case) else _only_case(flair)
    if brain_mask is not None:
        case = Case(case.subject, case.session, case.channels, case.reference, Path(brain_mask))
    config = SegmentConfig.from_options(**settings)
    predictor = load_predictor(Path(weights) if weights is not None else None, config)
    found = segment_case(
        case, predictor, config, finder=BrainFinder(config.device), on_patch=on_patch
    )
    quality = found.record.quality
    if quality is not None and quality.verdict == "fail":
        _log.warning("%s: %s", case.flair, quality.summary)
    return found


def _only_case(path: object) -> Case:
    """Return the one scan that a path names; never the first of several."""
    if not isinstance(path, str | Path) or not str(path).strip():
        shape = getattr(path, "shape", None)
        found = repr(path) if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(
            f"segment: expected the path of a FLAIR (.nii or .nii.gz) or a Case, got {found}; "
            "voxels alone have no affine: save them with fsh_core.save_like first"
        )
    cases = discover_cases(path)
    if len(cases) > 1:
        names = ", ".join(case.name for case in cases[:_MOST_NAMED])
        more = ", …" if len(cases) > _MOST_NAMED else ""
        raise InputError(
            f"{path}: expected one scan, found {len(cases)} ({names}{more}); name one file, "
            "or go over fsh_core.discover_cases with fsh_core.segment_case"
        )
    return cases[0]
