"""Where an evaluation by region takes its scans from, and what it says where there is none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.anatomy.template import Anatomy, Tissue
from fsh_core.cli import main, scan_anatomy
from fsh_core.cli.scan_anatomy import anatomy_of
from fsh_core.derivatives import write_segmentation
from fsh_core.studies.pairs import Pair
from fsh_core.volume.volume import load_mask, save_like


@pytest.fixture
def all_white(monkeypatch) -> None:
    """Take every brain for white matter, since the phantom is too small for the atlas."""

    def found(flair, brain):
        return Anatomy(
            np.where(brain, Tissue.WHITE_MATTER, Tissue.OTHER).astype(np.uint8),
            np.eye(4),
            0.8,
            "drawn",
        )

    monkeypatch.setattr(scan_anatomy, "find_anatomy", found)


@pytest.fixture
def predictions(phantom_bids: Path, tmp_path: Path) -> Path:
    """Every reference of the dataset, as if it had been predicted elsewhere."""
    for mask in (phantom_bids / "derivatives").rglob("*_label-L_mask.nii.gz"):
        (tmp_path / "other").mkdir(exist_ok=True)
        shutil.copy(mask, tmp_path / "other" / mask.name)
    return tmp_path / "other"


@pytest.fixture
def pair(make_segmentation, phantom, tmp_path: Path) -> Pair:
    """What F.sh wrote, and a reference that lies in no dataset."""
    segmentation = make_segmentation()
    paths = write_segmentation(segmentation, tmp_path / "out")
    save_like(phantom.reference, phantom.flair, tmp_path / "reference.nii.gz")
    return Pair("sub-01", paths["mask"], tmp_path / "reference.nii.gz")


def flair_of(pair: Pair) -> Path:
    record = next(pair.prediction.parent.glob("*_dseg.json"))
    return Path(json.loads(record.read_text())["input"]["FLAIR"]["path"])


@pytest.mark.usefixtures("all_white")
def test_the_scan_is_the_one_in_the_record_with_the_brain_found_there(pair: Pair, phantom) -> None:
    found = anatomy_of(pair, load_mask(pair.reference))
    assert np.array_equal(found.tissue == Tissue.WHITE_MATTER, phantom.brain)


@pytest.mark.usefixtures("all_white")
def test_a_scan_that_is_gone_or_another_one_is_not_used(pair: Pair, phantom) -> None:
    save_like(phantom.flair.data + 1, phantom.flair, flair_of(pair))
    found = anatomy_of(pair, load_mask(pair.reference))
    assert not found.found
    said = "the FLAIR named in sub-01_seg-lesions_dseg.json is not there, or is another one now"
    assert said in found.note
    flair_of(pair).unlink()
    note = anatomy_of(pair, load_mask(pair.reference)).note
    assert said in note
    assert "reference.nii.gz: lies in no BIDS dataset" in note


@pytest.mark.usefixtures("all_white")
def test_regions_of_another_methods_masks_come_from_the_dataset_of_the_references(
    phantom_bids: Path, predictions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores"
    assert (
        main(
            [
                "evaluate",
                str(predictions),
                str(phantom_bids / "derivatives" / "manual"),
                "-o",
                str(out),
            ]
        )
        == 0
    )
    table = pd.read_csv(out / "regions.csv", keep_default_na=False).set_index(["case", "region"])
    assert len(table) == 3 * 5
    deep = table.loc[("sub-02_ses-a", "deep_white_matter")]
    assert (deep["reference_lesions"], deep["dice"], deep["note"]) == (3, "1", "")
    assert table.loc[("sub-02_ses-a", "juxtacortical"), "lesion_sensitivity"] == "n/a"
    page = (out / "evaluation.html").read_text()
    assert "Over all lesions of 3 cases together" in page
    assert "<td>deep white matter</td><td>9</td><td>9</td><td>1.000</td>" in page
    assert "regions.csv" in json.loads((out / "columns.json").read_text())


def test_a_scan_that_cannot_be_registered_leaves_the_regions_blank_with_the_reason(
    phantom_bids: Path, predictions: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores"
    assert (
        main(
            [
                "evaluate",
                str(predictions),
                str(phantom_bids / "derivatives" / "manual"),
                "-o",
                str(out),
            ]
        )
        == 0
    )
    table = pd.read_csv(out / "regions.csv", keep_default_na=False)
    assert table["case"].tolist() == ["sub-01", "sub-02_ses-a", "sub-02_ses-b"]
    assert (table["region"] == "").all()
    assert table["note"].str.contains("a brain has 300 to 2300 ml").all()
    page = (out / "evaluation.html").read_text()
    assert (
        "Not known in 3 cases; of sub-01 because: the scan could not be registered to MNI152"
        in page
    )


@pytest.mark.usefixtures("all_white")
def test_a_reference_on_another_grid_than_the_scan_has_no_regions(pair: Pair) -> None:
    reference = load_mask(pair.reference)
    other = type(reference)(reference.data[:-1], reference.affine)
    assert "the FLAIR: must have the shape" in anatomy_of(pair, other).note


def test_a_case_that_the_dataset_does_not_have_is_named(phantom_bids: Path, tmp_path: Path) -> None:
    name = "sub-02_ses-b"
    reference = phantom_bids / f"derivatives/manual/sub-02/ses-b/anat/{name}_label-L_mask.nii.gz"
    shutil.rmtree(phantom_bids / "sub-02" / "ses-b")
    note = anatomy_of(Pair(name, tmp_path / "p.nii.gz", reference), load_mask(reference)).note
    assert "p.nii.gz: no record of F.sh lies beside it" in note
    assert f"sub-02: has no FLAIR of {name}" in note
