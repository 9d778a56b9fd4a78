"""What made a segmentation and what was found, in memory."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator

from fsh_core.errors import InputError
from fsh_core.record.parts import (
    InputFile,
    RecordedBrain,
    RecordedEnsemble,
    RecordedGrid,
    RecordedQuality,
    RecordedRegions,
    RecordedRun,
    RecordedSettings,
    RecordedWeights,
    RecordPart,
    VolumeInterval,
)


class Record(RecordPart):
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
    grown_volume_ml : float or None
        What of the volume before post-processing was grown (`fsh_core.lesions.growth`), in ml; None
        where nobody asked, or the scan could not be registered.
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
    grown_volume_ml: float | None = None
    part_count: int | None = None
    quality: RecordedQuality | None = None
    regions: RecordedRegions | None = None
    scan_uncertainty: float | None = None
    ensemble: RecordedEnsemble | None = None
    run: RecordedRun
    evaluation: dict[str, int | float | None] | None = None
    files: dict[str, str] = Field(default_factory=dict)

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

    def path_of(self, file: InputFile) -> Path:
        """Return where an input file lay: a relative path counts from the run's folder.

        Records of early versions do not name that folder; then it counts from wherever we are.
        """
        return Path(self.run.folder or "", file.path)

    @property
    def reference(self) -> InputFile | None:
        """The reference mask that it was compared with; None where there was none."""
        return self.input.get("reference")

    @property
    def record_file(self) -> str:
        """The record itself, relative to the derivatives folder."""
        return self.files["record"]

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
        depth = len(Path(self.record_file).parts)
        # A path relative to a folder inside the derivatives folder does not name all of them.
        parents = path.parents if depth <= len(path.parents) else path.absolute().parents
        if not 1 <= depth <= len(parents):
            raise damaged(path, "files", "the record lies elsewhere")
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
            name: value.to_json() if isinstance(value, RecordPart) else value
            for name, value in changes.items()
        }
        return self.model_validate({**self.to_json(), **plain})


def damaged(path: Path, part: str, reason: str) -> InputError:
    """Say which part of a record on disk is damaged, and how."""
    return InputError(
        f"{path}: expected a record of F.sh, its {_PART_NAMES.get(part, part)} is damaged "
        f"({reason}); segment the case again"
    )


_PART_NAMES = {"files": "list of files"}
