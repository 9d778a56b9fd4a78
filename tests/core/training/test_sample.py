"""Slices that a training keeps: which, of what, and that nothing else is taken for one."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.training.sample import is_kept, read_sample, sample_of, write_sample


def test_a_few_validations_are_kept() -> None:
    assert [due for due in range(1, 41) if is_kept(due, due == 40)] == [1, 2, 4, 8, 16, 32, 40]


def case_of(reference: np.ndarray) -> SimpleNamespace:
    image = np.linspace(0, 1, reference.size, dtype=np.float32).reshape(1, *reference.shape)
    prepared = SimpleNamespace(image=image, from_input_grid=lambda mask: mask)
    return SimpleNamespace(name="sub-01", prepared=prepared, reference=reference)


def test_it_is_the_slice_with_most_of_the_reference_seen_from_the_feet(tmp_path) -> None:
    reference = np.zeros((6, 5, 4), dtype=bool)
    reference[0, 1, 1] = True
    reference[:2, 1, 2] = True
    probability = np.where(reference, np.float32(0.5), np.float32(0))
    sample = sample_of(case_of(reference), probability)
    assert sample.reference.tolist() == reference[:, :, 2].T[:, ::-1].tolist()
    assert sample.probability.max() == 128
    assert (sample.probability > 0).tolist() == sample.reference.tolist()
    write_sample(tmp_path, 8, sample)
    path = tmp_path / "samples" / "epoch-0008.npz"
    again = read_sample(path)
    for name in ("scan", "reference", "probability"):
        np.testing.assert_array_equal(getattr(again, name), getattr(sample, name))
    before = path.read_bytes()
    write_sample(tmp_path, 8, sample)
    assert path.read_bytes() == before


def test_without_a_lesion_it_is_the_middle(tmp_path) -> None:
    reference = np.zeros((6, 5, 4), dtype=bool)
    case = case_of(reference)
    expected = np.round(case.prepared.image[0][:, :, 2].T[:, ::-1] * 255)
    assert sample_of(case, np.zeros((6, 5, 4), np.float32)).scan.tolist() == expected.tolist()


def packed(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


GREY, MASK = np.zeros((3, 4), np.uint8), np.zeros((3, 4), bool)


@pytest.mark.parametrize(
    "payload",
    [
        b"no zip",
        b"",
        packed(scan=GREY, reference=MASK),
        packed(scan=GREY, reference=MASK, probability=GREY[:2]),
        packed(scan=GREY, reference=GREY, probability=GREY),
        packed(scan=GREY[0], reference=MASK, probability=GREY),
        packed(scan=np.zeros((2000, 2), np.uint8), reference=MASK, probability=GREY),
        packed(scan=np.array([[object()]]), reference=MASK, probability=GREY),
    ],
    ids=["text", "empty", "missing", "sizes", "types", "line", "huge", "pickle"],
)
def test_another_file_is_refused_in_a_sentence(tmp_path, payload: bytes) -> None:
    path = tmp_path / "epoch-0001.npz"
    path.write_bytes(payload)
    with pytest.raises(InputError, match="expected a slice that fsh train kept, cannot be read"):
        read_sample(path)
