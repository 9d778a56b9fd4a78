"""A visit of a pair for the viewer: codes of the changes on the grid of its own scan."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsh_core.errors import InputError
from fsh_core.volume.volume import Volume, save_like
from fsh_dashboard.data.pair_images import CODES, VisitFiles, codes_of, pack_visit

SHAPE = (20, 18, 16)
AFFINE = np.diag([-1.0, 1.0, 2.0, 1.0])


def unpacked(payload: bytes) -> np.ndarray:
    return np.asarray(nib.Nifti1Image.from_bytes(gzip.decompress(payload)).dataobj)


@pytest.fixture
def files(tmp_path: Path) -> VisitFiles:
    """Lesions 1 and 2; the change map has change 1 on the first, and 7 elsewhere."""
    scan = np.random.default_rng(0).normal(100, 5, SHAPE).astype(np.float32)
    labels, changes = np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.int16)
    labels[2:4, 2:4, 2:4], labels[10:12, 10:12, 10:12] = 1, 2
    changes[2:4, 2:4, 2:4], changes[15, 15, 15] = 1, 7
    maps = {"scan": scan, "labels": labels, "changes": changes, "difference": scan - 100}
    volume = Volume(scan, AFFINE)
    paths = {name: tmp_path / f"{name}.nii.gz" for name in maps}
    for name, data in maps.items():
        save_like(data, volume, paths[name])
    return VisitFiles(paths["scan"], None, paths["labels"], paths["changes"], paths["difference"])


def test_each_change_has_the_code_of_its_kind_and_the_rest_is_stable(files: VisitFiles) -> None:
    shown = pack_visit(files, {1: CODES["new"]})
    outlines = unpacked(shown.layers["outlines"])
    assert shown.problems == ()
    assert (outlines[16:18, 2:4, 2:4] == CODES["new"]).all()  # in RAS: the first axis is turned
    assert (outlines[8:10, 10:12, 10:12] == CODES["stable"]).all()
    assert outlines[4, 15, 15] == CODES["uncertain"]  # a change that the table does not have
    assert np.count_nonzero(outlines) == 17


def test_a_visit_in_which_nothing_changed_is_shown(files: VisitFiles) -> None:
    blank = Volume(np.zeros(SHAPE, np.float32), AFFINE)
    save_like(np.zeros(SHAPE, np.int16), blank, files.changes)
    shown = pack_visit(files, {})
    assert shown.problems == ()
    assert set(np.unique(unpacked(shown.layers["outlines"]))) == {0, CODES["stable"]}


def test_a_map_on_another_grid_is_named_and_left_out(files: VisitFiles) -> None:
    small = Volume(np.zeros((20, 18, 17), np.float32), AFFINE)
    save_like(small.data, small, files.difference)
    shown = pack_visit(files, {1: CODES["new"]})
    assert "difference" not in shown.layers
    assert len(shown.problems) == 1
    assert "must have the shape of the FLAIR" in shown.problems[0]


def test_a_scan_that_cannot_be_read_is_one_sentence(files: VisitFiles) -> None:
    files.flair.write_bytes(b"broken")
    with pytest.raises(InputError, match=r"scan\.nii\.gz"):
        pack_visit(files, {})


def test_merged_and_split_lesions_have_the_code_of_their_size() -> None:
    assert codes_of(
        {1: ("new", ""), 2: ("merged", "enlarging"), 3: ("split", "uncertain"), 4: ("odd", "")}
    ) == {1: 1, 2: 2, 3: 5, 4: 5}
