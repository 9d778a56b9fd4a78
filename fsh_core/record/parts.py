"""The parts of a record: files, weights, settings, brain, grid, quality, regions, run."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from fsh_core.config import SegmentConfig

# JSON has lists only; in memory they are tuples, so that a record cannot be changed.
_Strings = Annotated[tuple[str, ...], Field(strict=False)]
_Integers = Annotated[tuple[int, ...], Field(strict=False)]
_Floats = Annotated[tuple[float, ...], Field(strict=False)]


class RecordPart(BaseModel):
    """A part of the record. Keys that this version does not know are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: what was set or read, in the order of the fields."""
        return self.model_dump(mode="json", exclude_unset=True)


class InputFile(RecordPart):
    """A file that was segmented.

    Attributes
    ----------
    path : str
        As it was given.
    sha256 : str
        Of its content.
    note : str or None
        What was assumed or changed, such as the letters of its name.
    """

    path: str
    sha256: str
    note: str | None = None


class RecordedWeights(RecordPart):
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


class RecordedSettings(RecordPart):
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

    def complete(self) -> dict[str, Any]:
        """Return them as JSON with those that came after the record, at their defaults.

        The default of a new setting does what was done before it came.
        """
        return SegmentConfig().model_dump(mode="json") | self.to_json()

    def to_config(self, **changes: Any) -> SegmentConfig:
        """Return them as settings for another run, some of them changed.

        Raises
        ------
        InputError
            If this version does not have one of them, or a change is out of range.
        """
        return SegmentConfig.from_options(**{**self.to_json(), **changes})


class RecordedBrain(RecordPart):
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


class RecordedGrid(RecordPart):
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


class QualityCheck(RecordPart):
    """One check of the scan, see `fsh_core.quality.check.Check`."""

    name: str
    verdict: str
    value: float | None = None
    unit: str = ""
    reason: str


class RecordedQuality(RecordPart):
    """The quality of the scan, see `fsh_core.quality.assess.Quality`."""

    verdict: str
    summary: str = ""
    checks: tuple[QualityCheck, ...] = Field((), strict=False)

    @property
    def in_words(self) -> str:
        """The verdict, and the checks it rests on: ``caution (voxel size)``."""
        culprits = [
            check.name.replace("_", " ")
            for check in self.checks
            if check.verdict == self.verdict != "pass"
        ]
        return self.verdict + (f" ({', '.join(culprits)})" if culprits else "")


class RegionCount(RecordPart):
    """Number and volume of the lesions of a region."""

    count: int
    volume_ml: float


class CriteriaReading(RecordPart):
    """One reading of the criteria for dissemination in space, see `fsh_core.lesions.regions`."""

    title: str
    areas: int
    definition: str
    source: str
    not_assessed: _Strings
    areas_seen: _Strings
    fulfilled_here: bool


class RecordedDissemination(RecordPart):
    """Lesions by region, see `fsh_core.lesions.regions.dissemination`."""

    regions: dict[str, RegionCount]
    unplaced: int = 0
    readings: tuple[CriteriaReading, ...] = Field((), strict=False)
    not_assessed: _Strings = ()
    label: str = ""


class RecordedRegions(RecordPart):
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


class VolumeInterval(RecordPart):
    """Where a reader's volume is expected, in ml, and how often such an interval is right.

    Attributes
    ----------
    low, high : float
        Its ends, in ml.
    rate : float
        Share of patients whose volume it holds, of those like the ones that it was fitted on.
    is_guaranteed : bool
        False where the quality check calls the scan unusual: then it may hold fewer.
    """

    low: float
    high: float
    rate: float
    is_guaranteed: bool = True


class RecordedEnsemble(RecordPart):
    """How many members an ensemble has, and what its maps hold."""

    members: int
    entropy: str
    variance: str


class RecordedRun(RecordPart):
    """What differs between two runs of the same thing.

    Attributes
    ----------
    seconds : float
        From file to lesions, in s.
    date : str or None
        ISO 8601, UTC.
    threads : int or None
        In which the network ran: patches worked on at once. None for a predictor that does not
        say. Earlier records have the cores of the machine here.
    arithmetic : str or None
        In which numbers the network multiplied: ``int8``, ``bf16`` or ``fp32``.
    eight_bits_sha256 : str or None
        Of the file beside the weights that made eight bits possible, where they were used.
    platform : str or None
        Its operating system.
    folder : str or None
        The working folder: a relative path of an input file counts from there.
    """

    seconds: float
    date: str | None = None
    threads: int | None = None
    arithmetic: str | None = None
    eight_bits_sha256: str | None = None
    platform: str | None = None
    folder: str | None = None
