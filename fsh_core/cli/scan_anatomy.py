"""The scan that two masks were drawn on, and its anatomy: what an evaluation by region needs."""

import numpy as np
from numpy.typing import NDArray

from fsh_core.anatomy.template import Anatomy, find_anatomy
from fsh_core.cases import discover_cases
from fsh_core.cases.names import stem_of
from fsh_core.derivatives import find_scan, read_segmentation
from fsh_core.errors import InputError
from fsh_core.file_names import RECORD_ENDING, case_of_image
from fsh_core.inference.predict import BrainFinder
from fsh_core.preprocess.load import load_brain, load_image
from fsh_core.studies.mask_files import case_name
from fsh_core.studies.pairs import Pair
from fsh_core.volume.volume import Volume, check_same_grid, load_mask


def anatomy_of(pair: Pair, reference: Volume) -> Anatomy:
    """Find the anatomy of a pair's scan.

    The scan is the FLAIR that F.sh's record beside the prediction names, with the brain
    mask of that record, or else the FLAIR of the case in the BIDS dataset that has the
    references in its ``derivatives``.

    Parameters
    ----------
    pair : Pair
        The files.
    reference : Volume
        (I, J, K); the scan must lie on its grid.

    Returns
    -------
    Anatomy
        Not found, with the reason, where no scan is known or it cannot be registered.
    """
    reasons = []
    for find in (_scan_of_record, _scan_of_dataset):
        try:
            flair, brain = find(pair)
            check_same_grid(flair, reference, "the FLAIR", pair.reference)
            return find_anatomy(flair, brain)
        except InputError as error:
            reasons.append(str(error))
    return Anatomy(None, None, float("nan"), "; ".join(reasons))


def _scan_of_record(pair: Pair) -> tuple[Volume, NDArray[np.bool_]]:
    """Load what F.sh segmented, and the brain that it found."""
    # A copy of a mask under another BIDS name has its record beside it too.
    name = case_of_image(pair.prediction.name) or stem_of(pair.prediction).split("_space-")[0]
    path = pair.prediction.with_name(name + RECORD_ENDING)
    if not path.is_file():
        raise InputError(
            f"{pair.prediction}: no record of F.sh lies beside it, which would name the FLAIR"
        )
    stored = read_segmentation(path)
    source = find_scan(stored)
    if source is None:
        raise InputError(
            f"{stored.record.flair.path}: the FLAIR named in {path.name} is not there, or is "
            "another one now; bring it back"
        )
    flair = load_image(source)
    return flair, load_mask(stored.paths["brain"], flair, source).data


def _scan_of_dataset(pair: Pair) -> tuple[Volume, NDArray[np.bool_]]:
    """Load the FLAIR of the dataset around the reference, and its brain mask or find one."""
    roots = [
        folder.parent
        for folder in pair.reference.absolute().parents
        if folder.name == "derivatives"
    ]
    if not roots:
        raise InputError(f"{pair.reference}: lies in no BIDS dataset, which would hold the FLAIR")
    name = case_name(pair.reference)
    subject = roots[0] / name.split("_ses-")[0]
    case = next((case for case in discover_cases(subject) if case.name == name), None)
    if case is None:
        raise InputError(f"{subject}: has no FLAIR of {name}")
    flair = load_image(case.flair)
    return flair, load_brain(case, flair, BrainFinder()).mask
