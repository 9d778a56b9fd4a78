"""Reading followed patients, once for each state of the files."""

import glob
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from fsh_core.errors import InputError
from fsh_core.file_names import ANY_CORRECTION, case_of_record
from fsh_core.files import sha256_of
from fsh_core.follow_up import RecordedVisit, TrackRecord
from fsh_dashboard.data.cohort_tables import Results, stamps_of
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.followed import Followed, read_patients, track_files
from fsh_dashboard.data.pair_images import VisitFiles, VisitLayers, pack_visit
from fsh_dashboard.data.scans import case_files
from fsh_dashboard.loading import digest, source_of

Side = Literal["before", "after"]


def followed_in(opened: Opened, results: str) -> Followed:
    """Read the followed patients of results; from memory while no file has changed."""
    return _followed(opened, results, digest(stamps_of(track_files(opened.root / results))))


@st.cache_resource(max_entries=8, show_spinner="Reading followed patients …")
def _followed(opened: Opened, results: str, files: str) -> Followed:
    return read_patients(opened, results)


def visit_layers(
    opened: Opened,
    results: str,
    track: TrackRecord,
    interval: int,
    side: Side,
    codes: dict[int, int],
) -> VisitLayers:
    """Pack a visit of a pair for the viewer, once for each state of its files.

    Parameters
    ----------
    opened : Opened
        The opened folder.
    results : str
        The derivatives folder, relative to it.
    track : TrackRecord
        Of the patient.
    interval : int
        Which pair, from 0.
    side : {'before', 'after'}
        Its earlier or its later visit.
    codes : dict of int to int
        Number of a change -> its code, from `fsh_dashboard.data.pair_images.codes_of`.

    Raises
    ------
    InputError
        If the scan is not there, is another one than was compared, or may not be opened.
    """
    folder = opened.root / results
    visit = track.visits[interval + (side == "after")]
    record, paths = case_files(opened, results, str(folder / visit.record))
    if record.flair.sha256 != visit.flair_sha256:
        raise InputError(
            f"sub-{track.subject} {visit.name}: expected the scan that was compared, found another "
            f"one segmented since; follow the visits again: fsh track {folder}"
        )
    maps = track.pairs[interval].files
    missing = [key for key in (f"changes_{side}", f"difference_{side}") if key not in maps]
    if missing:
        raise InputError(
            f"sub-{track.subject}: expected {missing[0]} among the files of the pair, found none; "
            f"follow the visits again: fsh track {folder}"
        )
    files = VisitFiles(
        source_of(opened, results, record).flair,
        paths.get("brain"),
        opened.inside(folder / visit.labels),
        opened.inside(folder / maps[f"changes_{side}"]),
        opened.inside(folder / maps[f"difference_{side}"]),
    )
    there = [path for path in files if path is not None]
    return _visit(files, stamps_of(there), tuple(sorted(codes.items())))


@st.cache_resource(max_entries=6, show_spinner="Reading the scans …")
def _visit(files: VisitFiles, stamps: Any, codes: tuple[tuple[int, int], ...]) -> VisitLayers:
    return pack_visit(files, dict(codes))


def what_changed_since(
    opened: Opened, results: Results, track: TrackRecord, record_path: Path
) -> list[str]:
    """Say what is newer than a patient's comparison, so that it should be made again."""
    said = []
    sessions = results.cases.loc[results.cases["subject"] == track.subject, "session"].dropna()
    known = [visit.name for visit in track.visits]
    if new := sorted(set(map(str, sessions)) - set(known)):
        said.append(f"visit {', '.join(new)} is not followed yet")
    for visit in track.visits:
        try:
            state = _lesions_since(opened, results.name, visit, record_path)
        except (InputError, OSError):
            state = "cannot be read"
        if state:
            said.append(f"the lesions of visit {visit.name} {state}")
    return said


def _lesions_since(
    opened: Opened, results: str, visit: RecordedVisit, record_path: Path
) -> str | None:
    folder = opened.root / results
    labels = opened.inside(folder / visit.labels)
    if _hash_of(str(labels), *_state(labels)) != visit.labels_sha256:
        return "have changed since"
    record = opened.inside(folder / visit.record)
    followed_ns = record_path.stat().st_mtime_ns
    case = glob.escape(case_of_record(record))
    corrected = record.parent.glob(f"{case}{ANY_CORRECTION}")
    if visit.reader is None and any(path.stat().st_mtime_ns > followed_ns for path in corrected):
        return "were corrected by a reader since"
    return None


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


@st.cache_data(max_entries=1024, show_spinner=False)
def _hash_of(path: str, size_bytes: int, modified_ns: int) -> str:
    return sha256_of(Path(path))
