"""Records on disk: those of the version before still open and are written back byte for byte."""

import json
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from fsh_core.config import SegmentConfig
from fsh_core.derivatives import read_cohort, read_segmentation
from fsh_core.derivatives.layout import to_json
from fsh_core.errors import InputError
from fsh_core.record import Record, RecordedSettings, read_record

OLD = Path(__file__).parent / "data" / "written_by_0_1"
ENSEMBLE = OLD / "fsh/sub-01/ses-a/anat/sub-01_ses-a_seg-lesions_dseg.json"
SAMPLE = OLD / "sub-mslessegP39_seg-lesions_dseg.json"


def damaged(tmp_path: Path, **changes: object) -> Path:
    """Write an old record with other values; those that are ... are left out."""
    content = json.loads(SAMPLE.read_text(encoding="utf-8")) | changes
    path = tmp_path / SAMPLE.name
    kept = {key: value for key, value in content.items() if value is not ...}
    path.write_text(json.dumps(kept), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", [ENSEMBLE, SAMPLE], ids=["ensemble", "sample"])
def test_an_old_record_is_written_back_byte_for_byte(path: Path) -> None:
    assert to_json(read_record(path).to_json()) == path.read_text(encoding="utf-8")


def test_an_old_record_says_what_it_said() -> None:
    record = read_record(SAMPLE)
    assert (record.case, record.subject, record.session) == (
        "sub-mslessegP39",
        "mslessegP39",
        None,
    )
    assert record.flair.path == "sub-mslessegP39_FLAIR.nii.gz"
    assert record.flair.sha256.startswith("73e06324")
    assert record.weights.name == "F.sh default 4"
    assert record.weights.config is not None
    assert record.settings.to_config() == SegmentConfig(split=True)
    assert record.settings.to_config(threshold=0.25) == SegmentConfig(split=True, threshold=0.25)
    assert (record.brain.source, record.brain.volume_ml) == ("stripped", 1891.9)
    assert (record.grid.shape, record.grid.orientation) == ((182, 218, 182), "LAS")
    assert record.lesion_count == 28
    assert record.part_count is not None
    assert record.quality is not None
    assert (record.quality.verdict, len(record.quality.checks)) == ("pass", 8)
    assert record.regions is not None
    assert record.regions.dissemination is not None
    counted = record.regions.dissemination.regions
    assert sum(region.count for region in counted.values()) == 28
    assert record.regions.dissemination.readings[0].title == "McDonald 2017"
    assert record.score("dice") == pytest.approx(0.827, abs=0.001)
    assert record.score("no such metric") != record.score("no such metric")


def test_an_old_case_opens_with_its_files_and_its_table() -> None:
    stored = read_segmentation(ENSEMBLE)
    assert stored.paths["record"] == ENSEMBLE
    assert stored.record.ensemble is not None
    assert stored.record.ensemble.members == 2
    assert stored.record.lesion_count == len(stored.lesions) == 2
    cases = read_cohort(OLD / "fsh").cases
    assert cases["lesion_volume_ml"].tolist() == [stored.record.lesion_volume_ml]
    assert cases["quality"].tolist() == ["fail"]


def test_an_old_case_opens_from_inside_its_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ENSEMBLE.parent)
    assert read_segmentation(ENSEMBLE.name).paths["table"].is_file()


@pytest.mark.parametrize("place", ["", "a/" * 100 + "record.json"])
def test_a_record_that_says_it_lies_elsewhere_is_one_sentence(tmp_path: Path, place: str) -> None:
    path = damaged(tmp_path, files={"record": place, "table": "table.tsv"})
    with pytest.raises(InputError, match="its list of files is damaged"):
        read_segmentation(path)


def test_what_this_version_does_not_know_is_kept(tmp_path: Path) -> None:
    path = damaged(tmp_path, later={"deep": [1, None]}, brain={**_part("brain"), "atlas": "new"})
    again = read_record(path).changed(case="sub-02").to_json()
    assert again["later"] == {"deep": [1, None]}
    assert again["brain"]["atlas"] == "new"
    assert again["case"] == "sub-02"


def _part(name: str) -> dict[str, object]:
    part: dict[str, object] = json.loads(SAMPLE.read_text(encoding="utf-8"))[name]
    return part


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"brain": ...}, "expected a record of F.sh, brain is missing; segment the case again"),
        ({"files": ...}, "files is missing"),
        ({"grid": ..., "run": ...}, "grid, run is missing"),
        ({"run": {}}, r"run\.seconds is missing"),
        ({"lesion_count": "3"}, r"its lesion_count is damaged \(lesion_count: .* got '3'\)"),
        ({"lesion_count": 2.5}, "its lesion_count is damaged"),
        ({"case": 7}, "its case is damaged"),
        ({"input": {}}, r"its input is damaged \(input: the FLAIR must be among the files"),
        ({"input": None}, "its input is damaged"),
        ({"settings": []}, "its settings is damaged"),
        ({"quality": {"verdict": "pass", "checks": 3}}, "its quality is damaged"),
        ({"files": {"mask": 3}}, "its list of files is damaged"),
        ({"files": {}}, r"its list of files is damaged \(it must name the record"),
        ({"lesion_volume_ml": float("nan")}, "expected a JSON record, .*NaN"),
        ({"later": float("inf")}, "expected a JSON record, .*Infinity"),
    ],
)
def test_a_damaged_record_is_one_sentence(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = damaged(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        read_record(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),
        (b"\xff\xfe{\x00}\x00", "expected a JSON record"),
        ('{"case": "é"}'.encode("latin-1"), "expected a JSON record"),
        (b"9" * 10_000, "expected a JSON record"),
        (b"[]", "expected a record of F.sh, case, subject"),
    ],
    ids=["deep", "utf-16", "latin-1", "huge number", "list"],
)
def test_what_is_no_json_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / SAMPLE.name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


def test_a_change_is_checked() -> None:
    record = read_record(SAMPLE)
    with pytest.raises(ValidationError, match="lesion_count"):
        record.changed(lesion_count="many")
    with pytest.raises(ValidationError, match="frozen"):
        record.case = "sub-02"  # type: ignore[misc]
    settings = RecordedSettings.from_config(SegmentConfig(threshold=0.25))
    assert record.changed(settings=settings).settings.threshold == 0.25
    assert record.settings.threshold == 0.5


def test_a_record_goes_to_another_process() -> None:
    record = read_record(ENSEMBLE)
    assert pickle.loads(pickle.dumps(record, protocol=5)) == record
    assert isinstance(record, Record)
