"""What is opened is what lies in the file, and what is saved lies where the file lay."""

import json
import logging

import nibabel as nib
import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.sample import sample_case
from fsh_core.volume.volume import Volume, load_volume, save_like
from fsh_napari.layers.convert import GRID_KEY
from fsh_napari.layers.files import get_reader, read_layers, sample_layers, write_layer


def opened(path):
    return get_reader(str(path))(str(path))


def test_a_scan(flair_file, phantom):
    [(data, options, kind)] = opened(flair_file)
    assert kind == "image"
    assert options["name"] == "sub-01_FLAIR"
    np.testing.assert_array_equal(
        options["metadata"][GRID_KEY].from_layer(data), phantom.flair.data
    )
    np.testing.assert_array_equal(options["metadata"]["affine"], phantom.flair.affine)


def test_a_mask_opens_as_labels_and_a_probability_as_an_image(phantom, tmp_path):
    save_like(phantom.reference, phantom.flair, tmp_path / "sub-01_label-L_mask.nii.gz")
    save_like(phantom.reference * np.float32(0.5), phantom.flair, tmp_path / "sub-01_probseg.nii")
    assert [layer[2] for layer in opened(tmp_path / "sub-01_label-L_mask.nii.gz")] == ["labels"]
    [(_, options, kind)] = opened(tmp_path / "sub-01_probseg.nii")
    assert (kind, options["visible"]) == ("image", False)


def test_a_mask_by_name_that_holds_grey_is_a_scan(phantom, tmp_path):
    save_like(phantom.flair.data, phantom.flair, tmp_path / "masked_seg.nii.gz")
    assert [layer[2] for layer in opened(tmp_path / "masked_seg.nii.gz")] == ["image"]


def test_several_files(flair_file, record):
    layers = get_reader([str(flair_file), str(record)])([str(flair_file), str(record)])
    assert [layer[2] for layer in layers] == ["image", "image", "image", "labels"]


@pytest.mark.parametrize(
    "where", [lambda path: path, lambda path: path.parent, lambda path: path.parents[2]]
)
def test_a_record_opens_scan_probability_and_lesions(record, where):
    scan, probability, lesions = opened(where(record))
    assert [layer[1]["name"] for layer in (scan, probability, lesions)] == [
        "sub-01 FLAIR",
        "sub-01 probability",
        "sub-01 lesions",
    ]
    assert probability[1]["visible"] is False
    assert lesions[0].max() == 3
    # Row i describes label i, as napari reads it.
    assert lesions[1]["features"]["volume_mm3"].tolist()[1:] == [180, 80, 10]
    assert all(
        layer[1]["metadata"]["fsh_record"] == str(record) for layer in (scan, probability, lesions)
    )


def test_a_record_whose_scan_is_gone_still_opens(record, flair_file, caplog):
    flair_file.unlink()
    with caplog.at_level(logging.WARNING):
        assert [layer[2] for layer in opened(record)] == ["image", "labels"]
    assert "the scan is not where the record says" in caplog.text


def test_a_record_whose_scan_is_another_one(record, flair_file, phantom, caplog):
    save_like(phantom.flair.data + 1, phantom.flair, flair_file)
    with caplog.at_level(logging.WARNING):
        assert [layer[2] for layer in opened(record)] == ["image", "labels"]
    assert "the scan is not where the record says, or has changed" in caplog.text


def test_what_is_not_ours(tmp_path):
    assert get_reader(str(tmp_path / "photo.png")) is None
    assert get_reader(str(tmp_path)) is None
    assert get_reader([]) is None


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"scan.nii.gz: expected a NIfTI file, found an empty one"):
        read_layers(str(tmp_path / "scan.nii.gz"))
    (tmp_path / "x_seg-lesions_dseg.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="expected a record of F"):
        read_layers(str(tmp_path / "x_seg-lesions_dseg.json"))


def test_the_sample():
    [(data, options, kind)] = sample_layers()
    assert (kind, data.shape) == ("image", (182, 218, 182))
    assert options["metadata"]["source"] == str(sample_case().flair)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_labels_are_saved_on_the_grid_they_came_from(record, phantom, tmp_path, suffix):
    data, options, _ = opened(record)[-1]
    assert write_layer(str(tmp_path / f"saved{suffix}"), data, options) == [
        str(tmp_path / f"saved{suffix}")
    ]
    image = nib.load(tmp_path / f"saved{suffix}")
    np.testing.assert_array_equal(image.affine, phantom.flair.affine)
    np.testing.assert_array_equal(np.asarray(image.dataobj) > 0, phantom.reference)


def test_an_oblique_scan_is_saved_with_its_true_affine(phantom, tmp_path):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    oblique = Volume(phantom.flair.data, turn @ phantom.flair.affine)
    save_like(oblique.data, oblique, tmp_path / "oblique.nii.gz")
    [(data, options, _)] = opened(tmp_path / "oblique.nii.gz")
    write_layer(str(tmp_path / "again.nii.gz"), data, options)
    first, again = load_volume(tmp_path / "oblique.nii.gz"), load_volume(tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(again.data, first.data)
    np.testing.assert_allclose(again.affine, first.affine, atol=1e-5)


def test_a_layer_that_cannot_be_placed_is_not_saved(tmp_path):
    with pytest.raises(InputError, match="photo: expected a 3-D layer"):
        write_layer(str(tmp_path / "photo.nii.gz"), np.zeros((4, 4)), {"name": "photo"})
    assert not (tmp_path / "photo.nii.gz").exists()
