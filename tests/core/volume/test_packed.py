"""Images are packed slice by slice into the bytes that packing them whole gives."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension

from fsh_core.volume.nifti_bytes import packed


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_bytes_are_those_of_gzip(kind, dtype, order) -> None:
    noise = np.random.default_rng(0).random((65, 64, 33)) * 200
    noise[:, :30] = 0
    image = kind(np.array(noise, dtype, order=order), np.eye(4), dtype=np.dtype(dtype))
    assert packed(image) == gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)


def test_what_the_header_carries_is_kept() -> None:
    image = nib.Nifti1Image(np.ones((16, 17, 18), np.uint8), np.eye(4), dtype=np.uint8)
    image.header.extensions.append(Nifti1Extension("comment", b"said"))
    assert packed(image) == gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)
    again = nib.Nifti1Image.from_bytes(gzip.decompress(packed(image)))
    assert again.header.extensions[0].get_content() == b"said"
