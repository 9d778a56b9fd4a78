"""Writing one case, whole or not at all."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsh_core.cases import Case
from fsh_core.derivatives.layout import (
    derivative_paths,
    describe_columns,
    to_json,
    to_tsv,
    with_bids_columns,
)
from fsh_core.errors import InputError
from fsh_core.file_names import ANY_JOURNAL, case_of_record, split_journal_name
from fsh_core.files import (
    check_may_write,
    move_together,
    sha256_of,
    staging_folder,
    write_atomically,
)
from fsh_core.locks import one_writer
from fsh_core.pipeline import Segmentation
from fsh_core.record import read_record, record_to_write
from fsh_core.timings import timed
from fsh_core.volume.boxes import bounding_box
from fsh_core.volume.volume import save_like

_LONGEST_NAME_BYTES = 255  # of every file system in use

Illustrate = Callable[[Mapping[str, Path]], None]


def write_segmentation(
    segmentation: Segmentation,
    folder: Path,
    illustrate: Illustrate | None = None,
    *,
    replace_other: bool = False,
) -> dict[str, Path]:
    """Write one case whole or not at all, its record last.

    Everything is written into a hidden folder first, then moved into place together, so that
    a failure while writing leaves an earlier result of the same case as it was.

    Parameters
    ----------
    segmentation : Segmentation
        What was found.
    folder : Path
        The derivatives folder, made when missing.
    illustrate : callable or None
        Given paths, writes a picture to ``paths["figure"]`` and a page to
        ``paths["report"]``, or either (see `fsh_core.report.illustrate`).
    replace_other : bool
        Replace the result of another scan that is called the same, see `check_same_scan`.

    Returns
    -------
    dict of str to Path
        The files that were written, by the keys of `StoredSegmentation.paths`.

    Raises
    ------
    InputError
        If a file cannot be written, the folder holds the case from another scan, or a reader
        has begun to review other lesions of the case; nothing of this call is left behind.
    """
    paths = derivative_paths(segmentation.case, folder)
    for path in paths.values():
        check_may_write(path)
    with one_writer(folder, segmentation.case.name), staging_folder(folder) as staging:
        if not replace_other:
            check_same_scan(segmentation.case, folder)
        staged = derivative_paths(segmentation.case, staging)
        table = with_bids_columns(segmentation.lesions)
        write_atomically(staged["table"], to_tsv(table))
        with ThreadPoolExecutor(1) as beside:  # compressing takes as long as drawing
            images = beside.submit(timed("writing images")(_write_images), segmentation, staged)
            if illustrate is not None:
                with timed("picture and report"):
                    illustrate(staged)
        images.result()
        _keep_reviews(staged["labels"], paths)
        files = {
            key: path.relative_to(folder).as_posix()
            for key, path in paths.items()
            if staged[key].exists()
        }
        files["record"] = paths["record"].relative_to(folder).as_posix()
        write_atomically(
            staged["record"],
            to_json(record_to_write(segmentation.record, files, describe_columns(table.columns))),
        )
        move_together(staging, folder, segmentation.case.name)
        for key, path in paths.items():
            if key not in files:
                path.unlink(missing_ok=True)  # of an earlier result
    return {key: paths[key] for key in files}


def check_same_scan(case: Case, folder: Path) -> None:
    """Refuse to replace the result of another scan that happens to be called the same.

    The same scan is one of the same content, wherever it lies, or the same file, changed.

    Parameters
    ----------
    case : Case
        What is to be written.
    folder : Path
        The derivatives folder.

    Raises
    ------
    InputError
        If the folder holds a case of that name from another scan.
    """
    path = derivative_paths(case, folder)["record"]
    if not path.is_file():
        return
    try:
        record = read_record(path)
        recorded = record.flair
        # Without the folder that a relative path counts from, only the content can tell.
        source = record.path_of(recorded)
        is_same = source.is_absolute() and source.resolve() == case.flair.resolve()
        is_same = is_same or recorded.sha256 == sha256_of(case.flair)
    except (InputError, OSError):  # a damaged record is made anew
        return
    if not is_same:
        raise InputError(
            f"{case.flair}: {folder} already holds {case.name}, made from another scan "
            f"({recorded.path}); choose another output folder or rename the scan, "
            "or replace the result with --force"
        )


def check_names(case: Case, folder: Path) -> None:
    """Check, before anything is computed, that the files of a case can be written.

    Raises
    ------
    InputError
        If a name would be longer than file systems allow, or if an input's path is no text
        (bytes of another encoding), so that no record could name it.
    """
    for file in case.files:
        try:
            str(file).encode("utf-8")
        except UnicodeEncodeError:
            shown = str(file).encode("utf-8", "backslashreplace").decode()
            raise InputError(
                f"{shown}: expected a name in UTF-8, found bytes of another encoding; "
                "rename the file"
            ) from None
    longest = max(derivative_paths(case, folder).values(), key=lambda path: len(path.name))
    if len(longest.name.encode()) > _LONGEST_NAME_BYTES:
        raise InputError(
            f"{case.flair}: its name is too long ({len(case.name)} letters), the results would be "
            f"called {longest.name[:20]}…{longest.name[-30:]}; shorten it"
        )


def _write_images(segmentation: Segmentation, paths: Mapping[str, Path]) -> None:
    like = segmentation.flair
    threshold = segmentation.record.settings.threshold
    save_like(segmentation.prediction, like, paths["mask"])
    save_like(segmentation.raw_prediction, like, paths["raw_mask"])
    save_like(round_probability(segmentation.probability, threshold), like, paths["probability"])
    for key, of_ensemble in (
        ("entropy", segmentation.entropy),
        ("variance", segmentation.variance),
    ):
        if of_ensemble is not None:
            save_like(_rounded(of_ensemble), like, paths[key])
    save_like(segmentation.brain, like, paths["brain"])
    save_like(segmentation.lesion_labels, like, paths["labels"])


def _rounded(map_of_ensemble: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 4 decimals, so that it compresses."""
    result = np.zeros(map_of_ensemble.shape, np.float32)
    box = bounding_box(map_of_ensemble > 0)
    result[box] = np.round(map_of_ensemble[box], 4)
    return result


def round_probability(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Round to 3 decimals, so that it compresses, without crossing the threshold.

    Whoever thresholds the file again gets the same lesions.

    Parameters
    ----------
    probability : (I, J, K) float32 in [0, 1]
        Lesion probability.
    threshold : float
        Probability from which a voxel is lesion.

    Returns
    -------
    (I, J, K) float32 in [0, 1]
        The same, within 0.001.
    """
    limit = np.float32(threshold)
    result = np.zeros(probability.shape, np.float32)
    box = bounding_box(probability > 0)  # most of a scan is air
    inside = probability[box]
    rounded = np.round(inside, 3).astype(np.float32)
    rounded[(inside < limit) & (rounded >= limit)] -= np.float32(0.001)
    rounded[(inside >= limit) & (rounded < limit)] += np.float32(0.001)
    result[box] = np.clip(np.round(rounded, 3), 0, 1)
    return result


def _keep_reviews(new_labels: Path, paths: Mapping[str, Path]) -> None:
    """Refuse to replace lesions that were reviewed: their review would have nothing to be about."""
    case, labels = case_of_record(paths["record"]), paths["labels"]
    journals = sorted(
        path.name
        for path in labels.parent.glob(f"*{ANY_JOURNAL}")
        if split_journal_name(path.name)[0] == case
    )
    if not journals or not labels.exists() or sha256_of(labels) == sha256_of(new_labels):
        return
    raise InputError(
        f"{labels}: expected lesions that nobody has begun to review, found the review "
        f"{', '.join(journals)}; write into another folder, or move the review away first"
    )
