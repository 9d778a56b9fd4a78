"""``fsh-bids``: F.sh as a BIDS App, which schedulers and workflow tools know how to call.

``fsh-bids BIDS_DIR OUTPUT_DIR {participant,group}``, with the options that BIDS Apps share
(Gorgolewski et al. 2017, doi:10.1371/journal.pcbi.1005209). Any number of them may run on one
output folder: a scan that is done with the same weights and settings is not done again.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from fsh_core.cli.guards import reading, reading_participants, writing
from fsh_core.cli.remarks import saying_remarks_once
from fsh_core.cli.terminal import print_failures
from fsh_core.config import SegmentConfig
from fsh_core.errors import InputError

ALL_WORKED, SOME_FAILED, NONE_WORKED = 0, 1, 2
"""Exit codes; what cannot be understood is 2 as well."""
_SCAN_MB = 1400  # resident while the sample is segmented, 1 mm; docs/benchmarks.md
_THREAD_SETTINGS = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    made = argparse.ArgumentParser(
        prog="fsh-bids",
        description="Find multiple-sclerosis lesions on the FLAIRs of a BIDS dataset. "
        "Research software, not a medical device.",
        epilog="Exit code: 0 all worked, 1 some failed, 2 none worked.",
    )
    made.add_argument("bids_dir", type=Path, help="the BIDS dataset; it is never written to")
    made.add_argument("output_dir", type=Path, help="folder for the BIDS derivatives")
    made.add_argument(
        "analysis_level",
        choices=("participant", "group"),
        help="participant: segment scans; group: tables of all scans that are segmented",
    )
    for what, prefix in (("participant", "sub-"), ("session", "ses-")):
        made.add_argument(
            *_spellings(f"{what}-label"),
            nargs="+",
            metavar="LABEL",
            default=[],
            help=f"{what}s, with or without {prefix}",
        )
    made.add_argument(
        *_spellings("bids-filter-file"),
        type=Path,
        metavar="FILE",
        help='JSON: which images are meant, such as {"flair": {"acquisition": "3d"}}',
    )
    made.add_argument(
        *_spellings("n-cpus"), "--nprocs", type=_count, metavar="N", help="threads (default: cores)"
    )
    made.add_argument(
        *_spellings("mem-mb"),
        type=_count,
        metavar="MB",
        help=f"memory there is; less than the {_SCAN_MB} MB that a 1 mm scan takes is warned of",
    )
    made.add_argument(
        "-w",
        *_spellings("work-dir"),
        type=Path,
        metavar="WORK",
        help="accepted; F.sh keeps no working files",
    )
    made.add_argument(
        *_spellings("skip-bids-validation"),
        action="store_true",
        help="accepted; F.sh checks what it reads, and runs no validator",
    )
    made.add_argument("--weights", type=Path, help="weights (.safetensors); default: the bundled")
    made.add_argument("--threshold", type=float, help="probability from which a voxel is lesion")
    made.add_argument(
        "--minimum-volume-mm3", type=float, help="smaller lesions are dropped, in mm3"
    )
    made.add_argument("--force", action="store_true", help="segment again what is done already")
    made.add_argument("-v", "--version", action="store_true", help="show the version, and exit")
    return made


def _spellings(name: str) -> tuple[str, ...]:
    """Write an option with hyphens and with underscores: both are in use."""
    return tuple(dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}")))


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def bids_command(options: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit code.

    Raises
    ------
    InputError
        If nothing can be done at all.
    """
    if not options.bids_dir.is_dir():
        raise InputError(f"{options.bids_dir}: expected a BIDS dataset, found no such folder")
    for name in _THREAD_SETTINGS:  # before anything is imported that reads them
        if options.n_cpus:
            os.environ[name] = str(options.n_cpus)
    for remark in _remarks(options):
        print(f"fsh-bids: {remark}", file=sys.stderr)
    if options.analysis_level == "group":
        return _group(options.bids_dir, options.output_dir)
    return _participants(options)


def _remarks(options: argparse.Namespace) -> list[str]:
    """Say what of the arguments has another effect than one may think."""
    remarks = []
    if options.work_dir:
        remarks.append(f"{options.work_dir}: nothing is kept there, F.sh has no working files")
    if options.mem_mb and options.mem_mb < _SCAN_MB:
        remarks.append(
            f"--mem-mb {options.mem_mb}: a scan of 1 mm takes about {_SCAN_MB} MB, finer ones "
            "more; it may be killed"
        )
    return remarks


def _participants(options: argparse.Namespace) -> int:
    """Segment the wanted scans."""
    from fsh_core.cases import discover_cases
    from fsh_core.cases.selection import Selection, read_filter
    from fsh_core.cli.segment import segment_command

    settings = {
        name: value
        for name in ("threshold", "minimum_volume_mm3")
        if (value := getattr(options, name)) is not None
    }
    config = SegmentConfig.from_options(**settings)
    images = read_filter(options.bids_filter_file) if options.bids_filter_file else {}
    wanted = Selection(options.participant_label, options.session_label, images)
    failures: list[str] = []
    cases = discover_cases(
        options.bids_dir,
        on_problem=lambda error: failures.append(str(error)),
        selection=wanted,
    )
    failures += [
        f"{options.bids_dir}: expected participant {label} with a FLAIR that fits, found none; "
        "check the label"
        for label in wanted.missing([case.subject for case in cases])
    ]
    print_failures(failures)
    files = [file for case in cases for file in case.files]
    with reading_participants(options.bids_dir, options.participant_label, files):
        failed = segment_command(
            cases, options.output_dir, options.weights, config, options.force, tables=False
        )
    if len(failed) == len(cases):
        return NONE_WORKED
    return SOME_FAILED if failures or failed else ALL_WORKED


def _group(dataset: Path, out: Path) -> int:
    """Write the tables of what is segmented; only the records are needed."""
    from fsh_core.derivatives import find_records, write_cohort

    if not find_records(out):
        raise InputError(
            f"{out}: expected segmented scans, found none; run the participant level first "
            f"(fsh-bids {dataset} {out} participant)"
        )
    with reading(dataset), writing(out):
        failures = write_cohort(out)
    print_failures(failures)
    if failures and len(failures) == len(find_records(out)):
        return NONE_WORKED
    return SOME_FAILED if failures else ALL_WORKED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``fsh-bids``; see `parser` for the arguments and the codes it returns."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if {"-v", "--version"} & set(words):
        from fsh_core.cli.version import version_lines

        print("\n".join(version_lines()))
        return ALL_WORKED
    try:
        with saying_remarks_once():
            return bids_command(parser().parse_args(words))
    except InputError as error:
        print(f"fsh-bids: {error}", file=sys.stderr)
        return NONE_WORKED
    except KeyboardInterrupt:
        print("fsh-bids: stopped", file=sys.stderr)
        return 130


def bids_main() -> NoReturn:
    """Run ``fsh-bids`` as a program."""
    sys.exit(main())
