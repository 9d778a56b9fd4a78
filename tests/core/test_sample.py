"""The sample is the patient it is said to be, and may be shared."""

from pathlib import Path

import numpy as np
from nibabel.orientations import aff2axcodes

from fsh_core.cases import discover_cases
from fsh_core.sample import sample_case
from fsh_core.volume.volume import load_mask, load_volume


def test_a_case_with_its_reference() -> None:
    case = sample_case()
    flair = load_volume(case.flair)
    assert case.name == "sub-mslessegP39"
    assert flair.shape == (182, 218, 182)
    assert aff2axcodes(flair.affine) == ("L", "A", "S")
    assert flair.spacing_mm == (1, 1, 1)
    # Facts of the original, which the smaller type of number must keep.
    assert (flair.data.min(), flair.data.max(), flair.data.sum(dtype=np.float64)) == (
        0,
        1513,
        1132807762,
    )

    assert case.reference is not None
    assert load_mask(case.reference, flair, case.flair).data.sum() == 72872


def test_the_folder_is_found_like_any_other() -> None:
    assert discover_cases(sample_case().flair.parent) == [sample_case()]


def test_the_authors_and_the_licence_are_named() -> None:
    attribution = (sample_case().flair.parent / "ATTRIBUTION.md").read_text()
    for needed in (
        "Guarnera",
        "10.1038/s41597-025-05250-y",
        "Creative Commons Attribution 4.0",
        "Changes",
    ):
        assert needed in attribution


def test_it_is_small_enough_to_travel() -> None:
    assert (
        sum(file.stat().st_size for file in sample_case().flair.parent.glob("*.nii.gz")) < 4_000_000
    )


def test_it_is_the_original(real_data: Path) -> None:
    original = next(case for case in discover_cases(real_data) if case.subject == "mslessegP39")
    ours, theirs = load_volume(sample_case().flair), load_volume(original.flair)
    assert np.array_equal(ours.data, theirs.data)
    assert np.array_equal(ours.affine, theirs.affine)
    assert original.reference is not None
    assert sample_case().reference.read_bytes() == original.reference.read_bytes()
