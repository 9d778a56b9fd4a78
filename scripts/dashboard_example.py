"""Fill the dashboard's bundled example from finished runs and the segmented sample.

python scripts/dashboard_example.py DERIVATIVES RUN...

DERIVATIVES is the result of ``fsh segment --sample``, the RUNs are folders of ``fsh train``: those
of the default weights, and one that was validated. Paths of this machine are taken out.
"""

import argparse
import gzip
import shutil
from pathlib import Path

import numpy as np

from fsh_core.derivatives import find_records, read_segmentation, write_cohort
from fsh_core.derivatives.layout import to_json
from fsh_core.errors import InputError
from fsh_core.sample import sample_case
from fsh_core.volume.volume import load_volume, save_like

EXAMPLE = Path(__file__).resolve().parent.parent / "fsh_dashboard" / "example"
LARGEST_BYTES = 2_000_000
LEFT_OUT = (
    "report",
    "entropy",
    "variance",
)  # the first names folders of this machine, the others are large


def main(derivatives: str, *runs: str) -> None:
    """Replace the example.

    Raises
    ------
    InputError
        If the sample is not among the results, or the example would be too large to ship.
    """
    name = sample_case().name
    records = [path for path in find_records(derivatives) if path.name.startswith(f"{name}_")]
    if not records:
        raise InputError(
            f"{derivatives}: expected the segmented sample {name}, found none; "
            "run fsh segment --sample"
        )
    for old in ("training", "derivatives"):
        shutil.rmtree(EXAMPLE / old, ignore_errors=True)
    for run in map(Path, runs):
        target = EXAMPLE / "training" / run.name  # runs/ is what git leaves out
        target.mkdir(parents=True)
        for file in ("config.json", "split.json", "log.jsonl"):
            shutil.copyfile(run / file, target / file)
    _copy_case(records[0], EXAMPLE / "derivatives" / "fsh")
    size = sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file())
    print(f"{EXAMPLE}: {size / 1e6:.2f} MB")
    if size > LARGEST_BYTES:
        raise InputError(
            f"{EXAMPLE}: must stay below {LARGEST_BYTES} bytes, has {size}; leave a file out"
        )


def _copy_case(record_path: Path, target: Path) -> None:
    """Copy the files that the dashboard shows, and the record without paths of this machine."""
    stored = read_segmentation(record_path)
    files = {key: name for key, name in stored.record.files.items() if key not in LEFT_OUT}
    record = stored.record.changed(
        files=files,
        input={
            name: {"path": Path(source.path).name, "sha256": source.sha256}
            for name, source in stored.record.input.items()
        },
        run={
            name: value for name, value in stored.record.run.to_json().items() if name != "platform"
        },
    )
    for key, name in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if key == "probability":
            _copy_small(stored.paths[key], target / name)
        else:
            shutil.copyfile(stored.paths[key], target / name)
    (target / files["record"]).write_text(to_json(record.to_json()))
    write_cohort(target)


def _copy_small(source: Path, target: Path) -> None:
    """Copy a probability in steps of 0.02, packed as tightly as gzip can: a quarter of the size."""
    volume = load_volume(source)
    plain = target.with_suffix("")
    save_like(np.round(volume.data * 50) / np.float32(50), volume, plain)
    target.write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))
    plain.unlink()


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("derivatives")
    parser.add_argument("runs", nargs="+")
    words = parser.parse_args()
    main(words.derivatives, *words.runs)


if __name__ == "__main__":
    run()
