"""One call from a file to its lesions."""

from pathlib import Path
from typing import Any

from fsh_core.cases import Case, discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.inference.predict import BrainFinder, load_predictor
from fsh_core.inference.scan import OnPatch
from fsh_core.pipeline import Segmentation, segment_case


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
        A NIfTI file, or a case from `fsh_core.discover_cases`.
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
        If a file or a setting cannot be used.
    """
    case = flair if isinstance(flair, Case) else discover_cases(flair)[0]
    if brain_mask is not None:
        case = Case(case.subject, case.session, case.channels, case.reference, Path(brain_mask))
    config = SegmentConfig.from_options(**settings)
    predictor = load_predictor(Path(weights) if weights is not None else None, config)
    return segment_case(
        case, predictor, config, finder=BrainFinder(config.device), on_patch=on_patch
    )
