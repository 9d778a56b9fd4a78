"""Damaged files by the thousand: each is read rightly, or refused in one sentence that names it.

python -m campaigns.damage                   every kind of file, 1,000 damages of each
python -m campaigns.damage --tries 20 nifti  some kinds alone

A try is a good file, damaged by a random number generator whose seed is printed with each failure.
It fails if anything but `InputError` is raised, if the sentence is no sentence, if the program
takes more memory or time than the file warrants, or if a NIfTI is read otherwise than nibabel
reads it.
"""

import argparse
import json
import logging
import random
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from campaigns import damages, makers
from fsh_core.errors import InputError
from fsh_core.volume.volume import MASK_LEVEL

_MOST_SECONDS = 20.0  # ten times what the worst takes on a busy machine
_MOST_BYTES = 500_000_000
_LONGEST_SENTENCE = 700


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    make : callable
        Writes a good one into a folder, with what else its reader needs, and returns its path.
    damage : sequence of callable
        Ways to damage its bytes.
    read : callable
        What F.sh reads it with.
    """

    make: Callable[[Path], Path]
    damage: tuple[Callable[[bytes, random.Random], bytes], ...]
    read: Callable[[Path], object]


KINDS = {
    name: Kind(make, ways, read)
    for name, make, ways, read in (
        ("nifti", makers.nifti, damages.OF_NIFTI, makers.read_nifti),
        ("nifti-gz", makers.nifti_gz, damages.OF_NIFTI_GZ, makers.read_nifti),
        ("mask", makers.mask, damages.OF_NIFTI_GZ, makers.read_mask),
        ("record", makers.record, damages.OF_JSON, makers.read_segmentation),
        ("lesion table", makers.lesion_table, damages.OF_TSV, makers.read_table),
        ("track record", makers.tracks, damages.OF_JSON, makers.read_tracks),
        ("table of changes", makers.table_of_changes, damages.OF_TSV, makers.read_tracks),
        ("weights card", makers.weights_card, damages.OF_JSON, makers.read_weights),
        ("weights", makers.weights, damages.OF_SAFETENSORS, makers.read_weights),
        ("calibration", makers.weights_card, damages.OF_JSON, makers.read_calibration),
        ("queue", makers.queue, damages.OF_JSON, makers.read_queue),
        ("readers", makers.readers, damages.OF_JSON_LINES, makers.read_readers),
        ("journal", makers.journal, damages.OF_JSON_LINES, makers.read_journal),
        ("split", makers.split, damages.OF_JSON, makers.read_split),
        ("run settings", makers.run_config, damages.OF_JSON, makers.read_run),
        ("run state", makers.run_state, damages.OF_SAFETENSORS, makers.read_run_state),
        ("run log", makers.run_log, damages.OF_JSON_LINES, makers.read_run_log),
        ("lesion bank", makers.bank, damages.OF_NPZ, makers.read_bank),
        ("dataset.json", makers.nnunet, damages.OF_JSON, makers.find_cases),
        ("dataset_description.json", makers.bids, damages.OF_JSON, makers.find_raw),
    )
}


@dataclass(frozen=True)
class Failure:
    """A try that went wrong, with what repeats it."""

    kind: str
    seed: int
    way: str
    what: str


def one_try(kind: str, seed: int, good: Path, payload: bytes) -> tuple[str, Failure | None]:
    """Damage a file, read it, and judge.

    Parameters
    ----------
    kind : str
        Of `KINDS`.
    seed : int
        Of the damage.
    good : Path
        Where the good file lies; it is written over.
    payload : bytes
        The good file.

    Returns
    -------
    outcome : str
        ``read``, ``refused`` or ``failed``.
    failure : Failure or None
        What went wrong.
    """
    rng = random.Random(seed)
    way = rng.choice(KINDS[kind].damage)
    good.write_bytes(way(payload, rng))
    started = time.monotonic()
    tracemalloc.start()
    found: object = None
    try:
        with _silent():
            found = KINDS[kind].read(good)
        outcome, problem = "read", None
    except InputError as error:
        outcome, problem = "refused", _no_sentence(str(error), good)
    except Exception as error:
        outcome, problem = "failed", f"{type(error).__name__}: {error}"
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    seconds = time.monotonic() - started
    if isinstance(found, makers.Read):
        with _silent():
            problem = _differs(found)
    if problem is None and seconds > _MOST_SECONDS:
        problem = f"it took {seconds:.0f} s"
    if problem is None and most > _MOST_BYTES:
        problem = f"it took {most / 1e9:.1f} GB"
    if problem is None:
        return outcome, None
    return "failed", Failure(kind, seed, way.__name__, problem)


def _no_sentence(sentence: str, file: Path) -> str | None:
    """Say what is wrong with a refusal."""
    if "\n" in sentence or len(sentence) > _LONGEST_SENTENCE:
        return f"no sentence: {sentence!r:.300}"
    if not any(part in sentence for part in (file.name, file.stem, file.parent.name)):
        return f"does not name the file: {sentence!r:.300}"
    return None


def _differs(found: "makers.Read") -> str | None:
    """Say how an image differs from what nibabel reads; None if it does not."""
    try:
        image = nib.load(found.path)
        voxels = np.squeeze(np.asarray(image.dataobj, dtype=np.float32))  # type: ignore[attr-defined]
        affine = image.affine  # type: ignore[attr-defined]
    except Exception:  # what it refuses, F.sh may read: see docs/reliability.md
        return None
    if voxels.shape != found.volume.shape:
        return f"shape {found.volume.shape}, nibabel reads {voxels.shape}"
    if not np.array_equal(voxels > MASK_LEVEL if found.is_mask else voxels, found.volume.data):
        return "other voxels than nibabel reads"
    if not np.allclose(affine, found.volume.affine, atol=1e-6) and not found.by_qform:
        return "another affine than nibabel reads"
    return None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what libraries print away from the table."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def run(
    kinds: list[str], tries: int, seed: int, say: Callable[[str], object] = print
) -> list[Failure]:
    """Try some kinds of files, and print a table.

    Parameters
    ----------
    kinds : list of str
        Of `KINDS`.
    tries : int
        Of each kind.
    seed : int
        The first; each try has the next.
    say : callable
        Gets each line.

    Returns
    -------
    list of Failure
        Empty if all is well.
    """
    failures: list[Failure] = []
    say(f"{'kind':<26}{'tries':>8}{'refused':>9}{'read':>7}{'failed':>8}")
    for kind in kinds:
        outcomes: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            good = KINDS[kind].make(Path(folder))
            payload = good.read_bytes()
            KINDS[kind].read(good)  # a good file is read
            for number in range(seed, seed + tries):
                outcome, failure = one_try(kind, number, good, payload)
                outcomes[outcome] += 1
                failures += [failure] if failure else []
        say(
            f"{kind:<26}{tries:>8}{outcomes['refused']:>9}{outcomes['read']:>7}"
            f"{outcomes['failed']:>8}"
        )
    return failures


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--tries", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the failures there too")
    given: Any = parser.parse_args(arguments)
    unknown = sorted(set(given.kinds) - set(KINDS))
    if unknown:
        parser.error(f"there is no kind {', '.join(unknown)}; choose of {', '.join(KINDS)}")
    failures = run(given.kinds or list(KINDS), given.tries, given.seed)
    for failure in failures:
        print(f"{failure.kind} seed {failure.seed} ({failure.way}): {failure.what}")
    if given.json:
        given.json.write_text(json.dumps([vars(failure) for failure in failures], indent=1))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
