"""What the browser's viewer gets: values, places and codes come back as they were."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.scans import CaseImages, case_files, load_case_images
from fsh_dashboard.data.sources import find_source
from fsh_dashboard.data.volumes import BOTH, FOUND_ONLY, REFERENCE_ONLY, layers, outlines, window

NAME = "derivatives/fsh"


def images_of(study: Path, subject: str) -> CaseImages:
    opened = open_folder([str(study)])
    name = f"{NAME}/sub-{subject}/anat/sub-{subject}_seg-lesions_dseg.json"
    record, paths = case_files(opened, NAME, name)
    return load_case_images(find_source(opened, NAME, record), paths)


def image(payload: bytes) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(payload))


def test_the_flair_keeps_its_values_and_its_place(study: Path) -> None:
    original = nib.load(study / "sub-P1" / "anat" / "sub-P1_FLAIR.nii.gz")
    packed = image(layers(images_of(study, "P1"))["flair"])
    assert nib.aff2axcodes(packed.affine) == ("R", "A", "S")
    assert packed.header.get_zooms() == (1.0, 1.0, 2.5)
    np.testing.assert_allclose(packed.affine, nib.as_closest_canonical(original).affine)
    wanted = nib.as_closest_canonical(original).get_fdata()
    assert np.abs(packed.get_fdata() - wanted).max() < 0.01  # 16 bits over a range of some 200


def test_outlines_tell_agreement_apart(study: Path) -> None:
    codes = np.asarray(image(layers(images_of(study, "P2"))["outlines"]).dataobj)
    assert codes.dtype == np.uint8
    assert (codes == BOTH).sum() == 72 + 32
    assert (codes == REFERENCE_ONLY).sum() == 4  # the third lesion was not found
    assert (codes == FOUND_ONLY).sum() == 0


def test_the_probability_keeps_two_decimals(study: Path) -> None:
    packed = image(layers(images_of(study, "P1"))["probability"]).get_fdata()
    assert packed.max() == pytest.approx(0.9, abs=0.01)


def test_either_mask_may_be_missing() -> None:
    mask = np.array([[[True, False]]])
    assert outlines(mask, None, mask.shape).ravel().tolist() == [FOUND_ONLY, 0]
    assert outlines(None, mask, mask.shape).ravel().tolist() == [REFERENCE_ONLY, 0]
    assert not outlines(None, None, mask.shape).any()


def test_the_window_spans_the_brain(study: Path) -> None:
    black, white = window(images_of(study, "P1"))
    assert black < 40  # the ventricle has 30
    assert 175 < white < 200  # the lesions have 180


def test_the_same_scan_gives_the_same_bytes(study: Path) -> None:
    assert layers(images_of(study, "P1")) == layers(images_of(study, "P1"))
