"""The record of a segmentation: what made it and what was found, as the JSON beside the labels.

This file alone knows the keys of that JSON. Everything else uses the attributes of `Record`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError
from fsh_core.strict_json import first_problem, missing_keys, parse_json

# JSON has lists only; in memory they are tuples, so that a record cannot be changed.
_Strings = Annotated[tuple[str, ...], Field(strict=False)]
_Integers = Annotated[tuple[int, ...], Field(strict=False)]
_Floats = Annotated[tuple[float, ...], Field(strict=False)]
_PART_NAMES = {"files": "list of files"}


class _Part(BaseModel):
    """A part of the record. Keys that this version does not know are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: what was set or read, in the order of the fields."""
        return self.model_dump(mode="json", exclude_unset=True)


class InputFile(_Part):
    """A file that was segmented.

    Attributes
    ----------
    path : str
        As it was given.
    sha256 : str
        Of its content.
    """

    path: str
    sha256: str


class RecordedWeights(_Part):
    """The weights that were used; empty for a predictor that is no network of F.sh.

    Attributes
    ----------
    name, sha256 : str or None
        Their name, and the hash of their file.
    config : dict or None
        The `fsh_core.config.ModelConfig` of their network.
    """

    name: str | None = None
    sha256: str | None = None
    config: dict[str, Any] | None = None

    @property
    def training_patients(self) -> frozenset[str] | None:
        """Patients that the weights learned from, without ``sub-``; None where nobody said."""
        training = (self.model_extra or {}).get("training")
        subjects = training.get("subjects") if isinstance(training, dict) else None
        if not isinstance(subjects, list | tuple):
            return None
        return frozenset(str(subject).removeprefix("sub-") for subject in subjects)


class RecordedSettings(_Part):
    """The settings that were used: every field of `SegmentConfig`, as that version had them.

    Attributes
    ----------
    threshold : float
        Probability from which a voxel is lesion.
    minimum_volume_mm3 : float
        Smaller lesions were dropped, in mm3.
    """

    threshold: float
    minimum_volume_mm3: float

    @classmethod
    def from_config(cls, config: SegmentConfig) -> Self:
        """Record settings."""
        return cls.model_validate(config.model_dump(mode="json"))

    def to_config(self, **changes: Any) -> SegmentConfig:
        """Return them as settings for another run, some of them changed.

        Raises
        ------
        InputError
            If this version does not have one of them, or a change is out of range.
        """
        return SegmentConfig.from_options(**{**self.to_json(), **changes})


class RecordedBrain(_Part):
    """The brain mask that was used.

    Attributes
    ----------
    source : str
        ``given``, ``stripped`` (the scan has no skull), ``found`` or ``none``.
    volume_ml : float
        Its volume, in ml.
    note : str
        How it was found, for people.
    """

    source: str
    volume_ml: float
    note: str


class RecordedGrid(_Part):
    """The voxel grid of the scan.

    Attributes
    ----------
    shape : three int
        Voxels along each axis.
    spacing_mm : three float
        Voxel size, in mm.
    orientation : str
        Axis codes, such as ``LAS``.
    """

    shape: _Integers
    spacing_mm: _Floats
    orientation: str


class QualityCheck(_Part):
    """One check of the scan, see `fsh_core.quality.check.Check`."""

    name: str
    verdict: str
    value: float | None = None
    unit: str = ""
    reason: str


class RecordedQuality(_Part):
    """The quality of the scan, see `fsh_core.quality.assess.Quality`."""

    verdict: str
    summary: str = ""
    checks: tuple[QualityCheck, ...] = Field((), strict=False)


class RegionCount(_Part):
    """Number and volume of the lesions of a region."""

    count: int
    volume_ml: float


class CriteriaReading(_Part):
    """One reading of the criteria for dissemination in space, see `fsh_core.lesions.regions`."""

    title: str
    areas: int
    definition: str
    source: str
    not_assessed: _Strings
    areas_seen: _Strings
    fulfilled_here: bool


class RecordedDissemination(_Part):
    """Lesions by region, see `fsh_core.lesions.regions.dissemination`."""

    regions: dict[str, RegionCount]
    unplaced: int = 0
    readings: tuple[CriteriaReading, ...] = Field((), strict=False)
    not_assessed: _Strings = ()
    label: str = ""


class RecordedRegions(_Part):
    """How the anatomical regions were found.

    Attributes
    ----------
    found : bool
        Whether the scan could be registered to the template.
    quality : float or None
        Of the registration, see `fsh_core.anatomy.template.Anatomy`.
    note : str
        For people.
    dissemination : RecordedDissemination or None
        None where the regions were not found.
    """

    found: bool
    quality: float | None = None
    note: str = ""
    dissemination: RecordedDissemination | None = None


class VolumeInterval(_Part):
    """Where a reader's volume is expected, in ml, and how often such an interval is right."""

    low: float
    high: float
    rate: float


class RecordedEnsemble(_Part):
    """How many members an ensemble has, and what its maps hold."""

    members: int
    entropy: str
    variance: str


class RecordedRun(_Part):
    """What differs between two runs of the same thing.

    Attributes
    ----------
    seconds : float
        From file to lesions, in s.
    date : str or None
        ISO 8601, UTC.
    threads : int or None
        Cores of the machine.
    platform : str or None
        Its operating system.
    """

    seconds: float
    date: str | None = None
    threads: int | None = None
    platform: str | None = None


class Record(_Part):
    """What made a segmentation, and what was found.

    Attributes
    ----------
    case, subject, session
        Whose scan it is.
    input : dict of str to InputFile
        The files by channel; ``brain`` is a brain mask that was given.
    version : str
        Of F.sh.
    weights, settings, brain, grid
        What made it.
    lesion_count : int
        Number of lesions after post-processing.
    lesion_volume_ml, raw_lesion_volume_ml : float
        Volume after and before post-processing, in ml.
    lesion_volume_interval_ml : VolumeInterval or None
        None for weights without a calibration.
    part_count : int or None
        Number of parts that confluent lesions fall into; None where they were not split.
    quality, regions, ensemble
        None where nobody asked, or F.sh was older.
    scan_uncertainty : float or None
        1 minus the mean Dice of the ensemble's members with their mean; None without one.
    run : RecordedRun
        What differs between two runs of the same thing.
    evaluation : dict of str to number, or None
        Agreement with the reference by the names of
        `fsh_core.evaluation.case_metrics.CASE_COLUMNS`; None where there was no reference.
    files : dict of str to str
        Of a record on disk: the files beside it, relative to the derivatives folder.
    """

    # The order of the fields is the order of the keys on disk.
    case: str
    subject: str
    session: str | None
    input: dict[str, InputFile]
    version: str
    weights: RecordedWeights
    settings: RecordedSettings
    brain: RecordedBrain
    grid: RecordedGrid
    lesion_count: int
    lesion_volume_ml: float
    lesion_volume_interval_ml: VolumeInterval | None = None
    raw_lesion_volume_ml: float
    part_count: int | None = None
    quality: RecordedQuality | None = None
    regions: RecordedRegions | None = None
    scan_uncertainty: float | None = None
    ensemble: RecordedEnsemble | None = None
    run: RecordedRun
    evaluation: dict[str, int | float | None] | None = None
    files: dict[str, str] = {}

    @field_validator("input")
    @classmethod
    def _names_the_flair(cls, files: dict[str, InputFile]) -> dict[str, InputFile]:
        if "FLAIR" not in files:
            raise ValueError("the FLAIR must be among the files")
        return files

    @property
    def flair(self) -> InputFile:
        """The FLAIR that was segmented."""
        return self.input["FLAIR"]

    @property
    def reference(self) -> InputFile | None:
        """The reference mask that it was compared with; None where there was none."""
        return self.input.get("reference")

    @property
    def table_file(self) -> str:
        """The lesion table, relative to the derivatives folder."""
        return self.files["table"]

    def folder(self, path: Path) -> Path:
        """Return the derivatives folder of a record that lies at a path.

        Raises
        ------
        InputError
            If the record lies in fewer folders than it says.
        """
        depth = len(Path(self.files["record"]).parts)
        # A path relative to a folder inside the derivatives folder does not name all of them.
        parents = path.parents if depth <= len(path.parents) else path.absolute().parents
        if not 1 <= depth <= len(parents):
            raise _damaged(path, "files", "the record lies elsewhere")
        return parents[depth - 1]

    def was_trained_on(self) -> bool | None:
        """Tell whether the weights learned from this patient; None where nobody said."""
        patients = self.weights.training_patients
        return None if patients is None else self.subject in patients

    def score(self, name: str) -> float:
        """Return a metric of the evaluation; NaN where it is undefined or there is none."""
        value = (self.evaluation or {}).get(name)
        return float("nan") if value is None else float(value)

    def changed(self, **changes: Any) -> Self:
        """Return the record with other values for some fields; they are checked.

        Raises
        ------
        pydantic.ValidationError
            If a value is none that the record may hold.
        """
        plain = {
            name: value.to_json() if isinstance(value, _Part) else value
            for name, value in changes.items()
        }
        return self.model_validate({**self.to_json(), **plain})


def record_of(content: Mapping[str, Any], path: Path) -> Record:
    """Check the JSON of a record that lies on disk.

    Raises
    ------
    InputError
        If something is missing, or is not what a record holds; ``path`` is named.
    """
    missing = [] if "files" in content else ["files"]
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        missing = missing_keys(error) + missing
        if not missing:
            part = str(error.errors()[0]["loc"][0])
            raise _damaged(path, part, first_problem(error)) from None
    if missing:
        raise InputError(
            f"{path}: expected a record of F.sh, {', '.join(missing)} is missing; "
            "segment the case again"
        )
    if not {"record", "table"} <= record.files.keys():
        raise _damaged(path, "files", "it must name the record and the table")
    return record


def _damaged(path: Path, part: str, reason: str) -> InputError:
    return InputError(
        f"{path}: expected a record of F.sh, its {_PART_NAMES.get(part, part)} is damaged "
        f"({reason}); segment the case again"
    )


def read_record(path: str | Path) -> Record:
    """Read a record.

    Raises
    ------
    InputError
        If the file is missing, is not JSON, or lacks what a record holds.
    """
    path = Path(path)
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such record; segment the case first") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path}: expected a JSON record, found something else ({error}); segment it again"
        ) from None
    return record_of(content if isinstance(content, dict) else {}, path)


def record_to_write(
    record: Record, files: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Return the JSON that is written beside the labels.

    Parameters
    ----------
    record : Record
        What made the labels and what was found.
    files : mapping of str to str
        The files beside it, relative to the derivatives folder.
    columns : mapping of str to mapping
        Descriptions of the table's columns; BIDS wants them at the top level.
    """
    return {**record.to_json(), "files": dict(files), **columns}
