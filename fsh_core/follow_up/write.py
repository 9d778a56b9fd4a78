"""Writing what was found about the visits of a patient, whole or not at all."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from fsh_core.derivatives.layout import pair_paths, to_json, to_tsv, track_paths
from fsh_core.file_names import reader_of_changes
from fsh_core.files import (
    check_may_write,
    move_together,
    sha256_of,
    staging_folder,
    write_atomically,
)
from fsh_core.follow_up.reader_files import check_keeps_reviews
from fsh_core.follow_up.record import RecordedPair, RecordedVisit, TrackRecord
from fsh_core.follow_up.tables import as_text, count_changes
from fsh_core.follow_up.visits import StoredVisit
from fsh_core.locks import one_writer
from fsh_core.record.parts import RecordedRun
from fsh_core.strict_json import rounded
from fsh_core.tracking import Pair, Track, TrackConfig
from fsh_core.tracking.halfway import resample_from
from fsh_core.volume.itk import transform_of
from fsh_core.volume.volume import save_like

WriteReport = Callable[[TrackRecord, Track, Path], None]


def write_track(
    subject: str,
    visits: Sequence[StoredVisit],
    order: str,
    track: Track,
    folder: Path,
    *,
    config: TrackConfig,
    started: float,
    write_report: WriteReport | None = None,
) -> tuple[TrackRecord, dict[str, Path]]:
    """Write tables, maps, record and report of a patient's visits.

    Everything is written into a hidden folder first and moved into place together; the report
    comes last. Maps of visits that are no longer compared are removed; readers' journals and
    tables stay.

    Parameters
    ----------
    subject : str
        The patient, without ``sub-``.
    visits : sequence of StoredVisit
        In order.
    order : str
        What the order rests on.
    track : Track
        What was found.
    folder : Path
        The derivatives folder.
    config : TrackConfig
        What counted as a change.
    started : float
        When the work began, by `time.perf_counter`.
    write_report : callable, optional
        Given the record, the track and a path, writes a page for people.

    Raises
    ------
    InputError
        If a file cannot be written, or a reader has begun to review other changes.
    """
    paths = track_paths(subject, folder)
    home = paths["record"].parent
    for path in paths.values():
        check_may_write(path)
    with one_writer(home, f"sub-{subject}_tracks"), staging_folder(home) as staging:
        pairs = []
        for position, (earlier, later) in enumerate(itertools.pairwise(visits)):
            written = _write_pair(subject, earlier, later, track, position, staging)
            names = {key: (home / path.name).relative_to(folder) for key, path in written.items()}
            pairs.append(_describe_pair(earlier, later, track, position, names))
        for key in ("tracks", "changes"):
            table = as_text(track.lesions if key == "tracks" else track.changes)
            write_atomically(staging / paths[key].name, to_tsv(table))
        record = TrackRecord(
            subject=subject,
            version=version("fsh-ms"),
            visits=tuple(_describe_visit(visit, track, folder) for visit in visits),
            order=order,
            pairs=tuple(pairs),
            settings=asdict(config),
            files={key: path.relative_to(folder).as_posix() for key, path in paths.items()},
            run=RecordedRun(
                seconds=round(time.perf_counter() - started, 2),
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                folder=str(Path.cwd()),
            ),
        )
        write_atomically(staging / paths["record"].name, to_json(record.to_json()))
        check_keeps_reviews(staging / paths["changes"].name, home, subject)
        kept = {path.name for path in staging.iterdir()}
        move_together(staging, home, f"sub-{subject}_tracks")
        for path in home.glob(f"sub-{subject}_*"):
            if path.name not in kept and not reader_of_changes(path.name):
                path.unlink()
    if write_report is not None:
        write_report(record, track, paths["report"])
    return record, paths


def _write_pair(
    subject: str,
    earlier: StoredVisit,
    later: StoredVisit,
    track: Track,
    position: int,
    staging: Path,
) -> dict[str, Path]:
    """Write the maps of two visits on the grid of each, and the transform between them."""
    names = pair_paths(subject, earlier.name, later.name, staging)
    written = {key: staging / path.name for key, path in names.items()}
    pair = track.pairs[position]
    sides = (("before", 0, pair.halfway.to_first), ("after", 1, pair.halfway.to_second))
    numbers = pair.change_numbers
    kind = np.int16 if numbers.max(initial=0) < np.iinfo(np.int16).max else np.int32
    for side, which, to_visit in sides:
        grid = track.visits[position + which].flair
        changes = resample_from(pair.halfway, numbers.astype(kind), grid, to_visit)
        difference = resample_from(pair.halfway, pair.difference.sd, grid, to_visit)
        save_like(changes, grid, written[f"changes_{side}"])
        save_like(np.round(difference, 1), grid, written[f"difference_{side}"])
    sitk.WriteTransform(transform_of(pair.halfway.first_to_second), str(written["transform"]))
    return written


def _describe_pair(
    earlier: StoredVisit,
    later: StoredVisit,
    track: Track,
    position: int,
    files: Mapping[str, Path],
) -> RecordedPair:
    pair: Pair = track.pairs[position]
    compared = pair.comparability
    days = None
    if earlier.date is not None and later.date is not None:
        days = round((later.date - earlier.date) / timedelta(days=1), 1)
    changes = track.changes
    own = changes[(changes["from_visit"] == earlier.name) & (changes["to_visit"] == later.name)]
    return RecordedPair(
        earlier=earlier.name,
        later=later.name,
        days=days,
        verdict=compared.verdict,
        reasons=compared.reasons,
        brain_overlap=round(compared.brain_overlap, 4),
        disagreement_mm=round(compared.disagreement_mm, 3),
        correlation=rounded(compared.correlation),
        noise=round(pair.difference.noise, 5),
        earlier_to_later=tuple(
            tuple(round(float(value), 7) for value in row) for row in pair.halfway.first_to_second
        ),
        counts=count_changes(own),
        files={key: path.as_posix() for key, path in files.items()},
    )


def _describe_visit(visit: StoredVisit, track: Track, folder: Path) -> RecordedVisit:
    record = visit.stored.record
    rows: pd.DataFrame = track.lesions[track.lesions["visit"] == visit.name]
    interval = record.lesion_volume_interval_ml if visit.reader is None else None
    return RecordedVisit(
        name=visit.name,
        date=visit.date.isoformat() if visit.date else None,
        record=_relative(visit.stored.paths["record"], folder),
        flair=record.flair.path,
        flair_sha256=record.flair.sha256,
        labels=_relative(visit.labels, folder),
        labels_sha256=sha256_of(visit.labels),
        reader=visit.reader,
        quality=record.quality.verdict if record.quality else None,
        lesion_count=len(rows),
        lesion_volume_ml=round(float(rows["volume_mm3"].sum()) / 1000, 4),
        volume_low_ml=interval.low if interval else None,
        volume_high_ml=interval.high if interval else None,
    )


def _relative(path: Path, folder: Path) -> str:
    """Name a file of the folder, or of another one that was followed from."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
