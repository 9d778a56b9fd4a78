"""A study for the pictures: segmented and evaluated scans, a training run, a queue, two readers.

Where there are no scans the bundled example takes their place.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import fsh_dashboard
from fsh_core.derivatives import read_segmentation
from fsh_core.file_names import ANY_JOURNAL, READERS_FILE
from fsh_core.review import Queue, open_review, save_queue
from fsh_dashboard.data.cohort_tables import read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.queue_rules import RULES
from fsh_dashboard.data.reviews import read_reviews

EXAMPLE = Path(fsh_dashboard.__file__).with_name("example")
RESULTS = "derivatives/fsh"
QUEUED = "2026-01-01T00:00:00+00:00"
READERS = ("Anna", "Ben")
REVIEWED_CASES = 3
_SURE = 0.75


def make_study(data: Path, study: Path) -> bool:
    """Segment ``data`` into ``study``, or put the example there; tell whether it is the former.

    What is done already with the same weights is not done again.

    Raises
    ------
    subprocess.CalledProcessError
        If a scan could not be segmented.
    """
    results, is_real = study / RESULTS, data.is_dir()
    shutil.rmtree(study / "training", ignore_errors=True)
    shutil.copytree(EXAMPLE / "training", study / "training")
    if is_real:
        # Cases of other data, or of the example, must not stay among these.
        origin = study / "made-from.txt"
        if not origin.is_file() or origin.read_text() != str(data.resolve()):
            shutil.rmtree(results, ignore_errors=True)
            origin.write_text(str(data.resolve()))
        run("segment", data, "--out", results)
    else:
        (study / "made-from.txt").unlink(missing_ok=True)
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(EXAMPLE / RESULTS, results)
    for journal in results.rglob(f"*{ANY_JOURNAL}"):
        journal.unlink()
    (results / READERS_FILE).unlink(missing_ok=True)
    write_reviews(write_queue(study)[:REVIEWED_CASES])
    if is_real:
        run("evaluate", results, data, "--out", study / "evaluation", "--with-training-patients")
        named = [word for reader in READERS for word in ("--reader", reader)]
        run("readers", "assign", results, *named, "--per-case", 2, "--adjudicator", "Cleo")
    return is_real


def run(*words: object) -> None:
    """Run a command of F.sh.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    subprocess.run([sys.executable, "-m", "fsh_core.cli", *map(str, words)], check=True)


def write_queue(study: Path) -> list[Path]:
    """Queue every case with a reference, the poorest first; return their records."""
    opened = open_folder([str(study)])
    results, rule = read_results(opened, RESULTS), RULES["disagreeing"]
    items = tuple(rule.choose(results, read_reviews(opened, results), 1.0))
    queue = Queue(
        rule.title, QUEUED, f"{rule.title}, {rule.limit.lower()} 1, at most 50 cases", items
    )
    save_queue(study / RESULTS, queue)
    return [study / RESULTS / item.record for item in items]


def write_reviews(records: Sequence[Path]) -> None:
    """Let two made-up readers decide about cases.

    The first accepts what the network is surest of and rejects the rest; the second says
    ``unsure`` to every third lesion and has not completed the last case.
    """
    for reader in READERS:
        for record in records:
            stored = read_segmentation(record)
            review = open_review(stored, reader)
            certainty = stored.lesions.set_index("label")["mean_probability"]
            for turn, label in enumerate(stored.lesions["label"]):
                status = "accepted" if certainty[label] >= _SURE else "rejected"
                review.set_status(
                    int(label), "unsure" if reader == READERS[1] and turn % 3 == 2 else status
                )
            if reader == READERS[0] or record != records[-1]:
                review.set_case_status("completed")
