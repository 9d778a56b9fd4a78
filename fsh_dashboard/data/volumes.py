"""A case as the browser's viewer wants it: small NIfTI files on one RAS grid."""

import gzip
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fsh_dashboard.data.scans import CaseImages

BOTH, FOUND_ONLY, REFERENCE_ONLY = 1, 2, 3


def layers(images: CaseImages) -> dict[str, bytes]:
    """Pack what can be shown of a case.

    Parameters
    ----------
    images : CaseImages
        From `fsh_dashboard.data.scans.load_case_images`.

    Returns
    -------
    dict of str to bytes
        Gzipped NIfTI: ``flair`` (16 bits, its own values), ``outlines`` (1 where both
        masks are, 2 prediction only, 3 reference only) and, where there is one,
        ``probability`` (8 bits). ``reference`` is in ``outlines``.
    """
    maps, affine = images.view.maps, images.view.affine
    packed = {
        "flair": pack(images.flair.data.astype(np.float32), affine, np.int16),
        "outlines": pack(
            outlines(maps.get("Prediction"), maps.get("Reference"), images.flair.shape),
            affine,
            np.uint8,
        ),
    }
    if "Probability" in maps:
        packed["probability"] = pack(maps["Probability"].astype(np.float32), affine, np.uint8)
    return packed


def window(images: CaseImages) -> tuple[float, float]:
    """Return the FLAIR values that are black and white.

    Parameters
    ----------
    images : CaseImages
        From `fsh_dashboard.data.scans.load_case_images`.

    Returns
    -------
    (float, float)
        1st and 99.8th percentile inside the brain.
    """
    return window_of(images.flair.data, images.view.brain)


def window_of(flair: NDArray[Any], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the values of a scan that are black and white: `window` of (I, J, K) arrays."""
    black, white = np.percentile(flair[inside] if inside.any() else flair, [1.0, 99.8])
    return float(black), float(max(white, black + 1e-6))


def outlines(
    prediction: NDArray[np.bool_] | None,
    reference: NDArray[np.bool_] | None,
    shape: tuple[int, ...],
) -> NDArray[np.uint8]:
    """Tell apart where two masks agree and where one is alone.

    Parameters
    ----------
    prediction, reference : (I, J, K) bool, or None
        None is an empty mask.
    shape : three int
        Of the grid.

    Returns
    -------
    (I, J, K) uint8
        `BOTH`, `FOUND_ONLY`, `REFERENCE_ONLY`, or 0 where there is neither.
    """
    found = np.zeros(shape, dtype=bool) if prediction is None else prediction
    wanted = np.zeros(shape, dtype=bool) if reference is None else reference
    codes = np.zeros(shape, dtype=np.uint8)
    codes[found & wanted] = BOTH
    codes[found & ~wanted] = FOUND_ONLY
    codes[wanted & ~found] = REFERENCE_ONLY
    return codes


def pack(data: NDArray[Any], affine: NDArray[np.float64], dtype: type) -> bytes:
    """Write NIfTI in memory, packed quickly: it goes no further than to this machine's browser."""
    image = nib.Nifti1Image(data, affine, dtype=dtype)
    image.set_data_dtype(dtype)
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)
