"""What is written about the visits of a patient, as JSON."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from fsh_core.errors import InputError
from fsh_core.record.parts import RecordedRun, RecordPart
from fsh_core.strict_json import first_problem, parse_json

_Row = Annotated[tuple[float, ...], Field(strict=False)]
_Matrix = Annotated[tuple[_Row, ...], Field(strict=False)]
_Strings = Annotated[tuple[str, ...], Field(strict=False)]


class RecordedVisit(RecordPart):
    """One visit.

    Attributes
    ----------
    name : str
        Its session, without ``ses-``.
    date : str or None
        When it was scanned (ISO 8601), where a table of the dataset says so.
    record : str
        The record of its segmentation, relative to the derivatives folder.
    flair, flair_sha256 : str
        The scan, as it was given, and the hash of its file.
    labels, labels_sha256 : str
        The label map that was followed, relative to the derivatives folder, and its hash.
    reader : str or None
        Whose corrections it holds; None where the lesions are those that were segmented.
    quality : str or None
        Verdict on the scan.
    lesion_count : int
        Number of lesions.
    lesion_volume_ml, volume_low_ml, volume_high_ml : float
        Their volume, and its interval; None of corrected lesions, and without a calibration.
    """

    name: str
    date: str | None = None
    record: str
    flair: str
    flair_sha256: str
    labels: str
    labels_sha256: str
    reader: str | None = None
    quality: str | None = None
    lesion_count: int
    lesion_volume_ml: float
    volume_low_ml: float | None = None
    volume_high_ml: float | None = None

    @property
    def interval_ml(self) -> tuple[float, float] | None:
        """Where a reader's volume is expected, in ml; None where nobody said."""
        if self.volume_low_ml is None or self.volume_high_ml is None:
            return None
        return self.volume_low_ml, self.volume_high_ml


class RecordedPair(RecordPart):
    """Two visits that follow each other.

    Attributes
    ----------
    earlier, later : str
        Their names.
    days : float or None
        Between them, where both dates are known.
    verdict : str
        ``pass``, ``caution`` or ``fail``: whether the changes can be relied on.
    reasons : tuple of str
        Why it is no ``pass``.
    brain_overlap, disagreement_mm, correlation
        See `fsh_core.tracking.comparability.Comparability`; None where undefined.
    noise : float
        Standard deviation of the difference away from edges; 1 = median of normal tissue.
    earlier_to_later : (4, 4) float
        World coordinates (RAS+ mm) of the earlier visit to those of the later one.
    counts : dict of str to int
        Number of changes of each kind; ``enlarging`` and ``shrinking`` count merged and split
        lesions that did so too.
    files : dict of str to str
        Maps and transform, relative to the derivatives folder.
    """

    earlier: str
    later: str
    days: float | None = None
    verdict: str
    reasons: _Strings = ()
    brain_overlap: float
    disagreement_mm: float
    correlation: float | None = None
    noise: float
    earlier_to_later: _Matrix
    counts: dict[str, int]
    files: dict[str, str] = Field(default_factory=dict)


class TrackRecord(RecordPart):
    """The visits of a patient, what was compared, and what made it.

    Attributes
    ----------
    subject : str
        The patient, without ``sub-``.
    version : str
        Of F.sh.
    visits : tuple of RecordedVisit
        In order.
    order : str
        What the order rests on: ``dates``, ``names`` or ``as given``.
    pairs : tuple of RecordedPair
        One less than the visits.
    settings : dict
        See `fsh_core.tracking.TrackConfig`.
    files : dict of str to str
        The tables and the record, relative to the derivatives folder.
    run : RecordedRun
        What differs between two runs of the same thing.
    """

    subject: str
    version: str
    visits: tuple[RecordedVisit, ...] = Field(strict=False)
    order: str
    pairs: tuple[RecordedPair, ...] = Field(strict=False)
    settings: dict[str, Any]
    files: dict[str, str] = Field(default_factory=dict)
    run: RecordedRun

    def days_since_first(self, position: int) -> float | None:
        """Return how many days after the first visit one was; None where a date is not known."""
        days = [pair.days for pair in self.pairs[:position]]
        return None if None in days else sum(day for day in days if day is not None)


def read_track_record(path: Path) -> TrackRecord:
    """Read the record of a patient's visits.

    Raises
    ------
    InputError
        If it cannot be read, or lacks what a record holds.
    """
    try:
        return TrackRecord.model_validate(parse_json(path.read_bytes()))
    except OSError as error:
        reason = error.strerror or str(error)
    except ValidationError as error:
        reason = first_problem(error)
    except ValueError as error:
        reason = str(error)
    raise InputError(
        f"{path}: expected a record of followed visits, cannot be read ({reason}); "
        "follow the visits again"
    )
