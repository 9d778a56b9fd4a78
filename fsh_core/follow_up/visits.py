"""The visits of a patient, as segmenting or a reader left them in a derivatives folder."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsh_core.derivatives import StoredSegmentation, find_records, read_segmentation
from fsh_core.derivatives.scan import find_scan
from fsh_core.errors import InputError
from fsh_core.file_names import case_of_record
from fsh_core.follow_up.dates import date_of_scan, visit_order
from fsh_core.preprocess.air import count_from_air
from fsh_core.review.corrections import corrections_of
from fsh_core.tracking import Visit
from fsh_core.volume.nifti import read_labels, read_nifti
from fsh_core.volume.volume import Volume, load_volume

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredVisit:
    """A visit on disk.

    Attributes
    ----------
    name : str
        Its session, without ``ses-``.
    stored : StoredSegmentation
        What was segmented.
    scan : Path
        The FLAIR.
    labels : Path
        The label map to follow: that of a reader where one saved corrections.
    reader : str or None
        Who corrected it.
    date : datetime or None
        When it was scanned.
    """

    name: str
    stored: StoredSegmentation
    scan: Path
    labels: Path
    reader: str | None
    date: datetime | None

    def load(self) -> Visit:
        """Read the images.

        Raises
        ------
        InputError
            If one cannot be read, or the visit has no brain.
        """
        flair = load_volume(self.scan)
        flair = flair.with_data(count_from_air(flair.data)[0])
        paths, remedy = self.stored.paths, "segment the visit again"
        brain = on_grid_of(flair, read_nifti(paths["brain"])[0], paths["brain"], remedy) > 0
        if not brain.any():
            raise InputError(
                f"{paths['brain']}: expected a brain, the mask is empty; segment the "
                "visit again with --brain-mask"
            )
        labels = on_grid_of(flair, read_labels(self.labels)[0], self.labels, remedy)
        path = paths["probability"]
        probability = on_grid_of(flair, read_nifti(path)[0], path, remedy).astype(np.float32)
        return Visit(self.name, flair, labels, brain, probability, self.reader is not None)


def on_grid_of(flair: Volume, data: NDArray[Any], path: Path, remedy: str) -> NDArray[Any]:
    """Return what was read of a file, checked to have the shape of a scan.

    Raises
    ------
    InputError
        If it has another one; ``remedy`` says what to do.
    """
    if data.shape != flair.shape:
        raise InputError(
            f"{path}: expected the shape of the scan {flair.shape}, found {data.shape}; {remedy}"
        )
    return data


def find_patients(folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """List the records of each patient with several visits in a derivatives folder.

    Returns
    -------
    patients : dict of str to list of Path
        Records by subject.
    alone : list of str
        Subjects with one visit only.
    """
    found: dict[str, list[Path]] = {}
    for record in find_records(folder):
        subject = case_of_record(record).split("_")[0].removeprefix("sub-")
        found.setdefault(subject, []).append(record)
    several = {subject: records for subject, records in found.items() if len(records) > 1}
    return several, [subject for subject in found if subject not in several]


def read_visits(
    records: Sequence[Path], order: Sequence[str] | None = None
) -> tuple[list[StoredVisit], str]:
    """Read the visits of a patient, in the order of their dates, or else of their names.

    Parameters
    ----------
    records : sequence of Path
        Records of one patient.
    order : sequence of str, optional
        Names of the visits in the order in which they were given.

    Returns
    -------
    visits : list of StoredVisit
        In order.
    order : str
        What it rests on: ``dates``, ``names`` or ``as given``.

    Raises
    ------
    InputError
        If a visit cannot be used, or two are the same scan.
    """
    visits = [_read(read_segmentation(record)) for record in records]
    for earlier, later in pairwise(sorted(visits, key=lambda v: v.stored.record.flair.sha256)):
        if earlier.stored.record.flair.sha256 == later.stored.record.flair.sha256:
            raise InputError(
                f"{later.scan}: expected another scan than that of visit {earlier.name}, "
                f"found the same ({earlier.scan}); name the scan of each visit"
            )
    if order is not None:
        return sorted(visits, key=lambda visit: order.index(visit.name)), "as given"
    by_name = sorted(visits, key=_by_name)
    dates = [visit.date for visit in by_name if visit.date is not None]
    if len(dates) < len(by_name):
        if dates:
            undated = ", ".join(visit.name for visit in by_name if visit.date is None)
            _log.warning("no date of visit %s: the visits are in the order of their names", undated)
        return by_name, "names"
    by_date = sorted(by_name, key=lambda visit: visit.date or datetime.min)  # stable
    if by_date != by_name:
        names = ", ".join(visit.name for visit in by_date)
        _log.warning("the visits are in the order of their dates, not of their names: %s", names)
    return by_date, "dates"


def _read(stored: StoredSegmentation) -> StoredVisit:
    record = stored.record
    scan = find_scan(stored)
    if scan is None:
        raise InputError(
            f"{record.flair.path}: the scan that {record.case} was segmented from is gone or "
            "changed; put it back, or segment it again"
        )
    labels, reader = _labels_of(stored)
    name = record.session or "none"
    return StoredVisit(name, stored, scan, labels, reader, date_of_scan(scan.resolve()))


def _by_name(visit: StoredVisit) -> tuple[bool, tuple[tuple[bool, int | str], ...]]:
    """Key that sorts visits by session; one without a session comes first."""
    return visit.stored.record.session is not None, visit_order(visit.name)


def _labels_of(stored: StoredSegmentation) -> tuple[Path, str | None]:
    """Find the label map to follow: of the reader who acted last, or what was segmented."""
    found = corrections_of(stored)
    if not found:
        return stored.paths["labels"], None
    last = found[-1]
    if len(found) > 1:
        _log.warning(
            "%s: %d readers corrected it; %s acted last and is followed",
            *(case_of_record(stored.paths["record"]), len(found), last.reader),
        )
    return last.labels, last.reader
