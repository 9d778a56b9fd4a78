"""A real patient to try F.sh on: see ATTRIBUTION.md beside this file."""

from importlib.resources import files
from pathlib import Path

from fsh_core.cases import Case

_FOLDER = Path(str(files(__name__)))


def sample_case() -> Case:
    """Return the bundled case, with its reference mask.

    A skull-stripped 1 mm FLAIR of the MSLesSeg data set [1]_, 182 x 218 x 182 voxels in
    LAS order, in MNI152 space. No bundled weights were trained or tuned on it.

    References
    ----------
    .. [1] Guarnera et al., "MSLesSeg: baseline and benchmarking of a new Multiple
       Sclerosis Lesion Segmentation dataset", Scientific Data 2025,
       doi:10.1038/s41597-025-05250-y.
    """
    subject = "mslessegP39"
    return Case(
        subject=subject,
        session=None,
        channels={"FLAIR": _FOLDER / f"sub-{subject}_FLAIR.nii.gz"},
        reference=_FOLDER / f"sub-{subject}_label-L_mask.nii.gz",
    )
