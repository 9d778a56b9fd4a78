"""The command line: parse, call, return a code.

Every import that takes time stands inside the command that needs it, so that ``fsh --help``
answers at once.
"""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from fsh_core.cli.guards import is_first_process, reading, writing
from fsh_core.cli.options import with_options
from fsh_core.cli.readers import readers_app
from fsh_core.cli.remarks import saying_remarks_once
from fsh_core.config import ABLATIONS, ModelConfig, SegmentConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.simulation.followup_config import FollowUpConfig, RescanConfig

app = typer.Typer(
    help="Find multiple-sclerosis lesions on FLAIR MRI. Research software, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(readers_app, name="readers")

Weights = Annotated[
    Path | None, typer.Option(help="weights (.safetensors); default: the bundled ones")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from fsh_core.cli.version import version_lines

        print("\n".join(version_lines()))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_show_version,
        is_eager=True,  # before a missing argument is complained about
        help="show the version and the bundled weights, and exit",
    ),
]


@app.callback()
def fsh(version: Version = False) -> None:
    """Take the options that belong to no command."""


@app.command()
@with_options(SegmentConfig)
def segment(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="INPUT...", help="FLAIR files, folders, or a BIDS dataset"),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="folder for the BIDS derivatives")
    ] = Path("derivatives/fsh"),
    sample: Annotated[bool, typer.Option("--sample", help="segment the bundled FLAIR")] = False,
    weights: Weights = None,
    brain_mask: Annotated[
        Path | None, typer.Option(help="brain mask on the FLAIR's grid, for a single FLAIR")
    ] = None,
    channels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="T1w=FILE or T2w=FILE on the FLAIR's grid, for a single FLAIR; repeat",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="segment again what is done already")
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local:N",
            help="work on a Dask cluster: its scheduler's address, or N processes here",
        ),
    ] = None,
    timings: Annotated[
        bool, typer.Option("--timings", help="show how long each stage took")
    ] = False,
    options: Any = None,
) -> None:
    """Segment lesions: masks, probabilities, tables, pictures and a report for each case."""
    from fsh_core.cli.inputs import choose_cases
    from fsh_core.cli.segment import segment_command

    config = SegmentConfig.from_options(**options)
    cases, failures = choose_cases(inputs or [], sample, brain_mask, channels or [])
    for sentence in failures:
        print(f"fsh: {sentence}", file=sys.stderr)
    with reading(*(inputs or []), *(file for case in cases for file in case.files)):
        failures += segment_command(
            cases, out, weights, config, force, channels or (), pool=dask, timings=timings
        )
    if failures:
        raise typer.Exit(2)


@app.command()
@with_options(SegmentConfig)
def track(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="VISIT1 VISIT2...",
            help="FLAIRs of one patient in their order, a BIDS dataset with sessions, or results",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="folder for the BIDS derivatives (default derivatives/fsh)"
        ),
    ] = None,
    weights: Weights = None,
    force: Annotated[
        bool, typer.Option("--force", help="follow again what is followed already")
    ] = False,
    options: Any = None,
) -> None:
    """Follow lesions over visits: new, enlarging, shrinking, resolved, with maps and a report."""
    from fsh_core.cli.track import track_command

    with reading(*inputs):
        failures = track_command(inputs, out, weights, SegmentConfig.from_options(**options), force)
    if failures:
        raise typer.Exit(2)


@app.command()
@with_options(TrainConfig, ModelConfig)
def train(
    data: Annotated[
        Path, typer.Argument(help="folder with FLAIRs and reference masks (BIDS, nnU-Net raw)")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="run folder")],
    preset: Annotated[str, typer.Option(help="default or paper")] = "default",
    ablation: Annotated[
        str | None, typer.Option(help=f"network: {', '.join(ABLATIONS)} (default: the preset's)")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="subject to leave out; may be repeated")
    ] = None,
    validation: Annotated[
        list[str] | None, typer.Option(help="subject to validate on; instead of a random split")
    ] = None,
    lesion_free: Annotated[
        list[Path] | None,
        typer.Option(
            help="folder of scans whose lesions, by any mask, are filled in: bodies to learn "
            "silence from; may be repeated"
        ),
    ] = None,
    label: Annotated[str, typer.Option(help="BIDS label of the reference masks")] = "L",
    corrected_by: Annotated[
        str | None,
        typer.Option(
            metavar="READER",
            help="DATA is a folder of results: learn from what this reader corrected and completed",
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="weights (.safetensors, or 'default') to go on from, instead of random ones"
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with an interrupted run")] = False,
    version: Version = False,
    options: Any = None,
) -> None:
    """Train a network: data folder in, run folder out."""
    from fsh_core.cli.train import train_command

    # Of the processes that torchrun starts the first one alone writes.
    alone = writing(out) if is_first_process() else nullcontext()
    bodies = lesion_free or []
    with reading(data, *bodies), alone:
        train_command(
            *(data, out, preset, ablation, exclude or [], validation or [], bodies),
            *(label, corrected_by, start_from, resume, options),
        )


@app.command()
def evaluate(
    masks: Annotated[
        list[Path],
        typer.Argument(metavar="PREDICTIONS REFERENCES", help="two masks, or two folders of masks"),
    ],
    compare: Annotated[
        bool, typer.Option("--compare", help="compare two methods: name A B REFERENCES instead")
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="folder for the tables and the page")
    ] = Path("evaluation"),
    with_training_patients: Annotated[
        bool,
        typer.Option(
            "--with-training-patients",
            help="count patients that the weights learned from in the means too",
        ),
    ] = False,
) -> None:
    """Compare predictions with reference masks, or two methods on the same references."""
    from fsh_core.cli.evaluate import evaluate_command

    with reading(*masks), writing(out):
        failures = evaluate_command(masks, compare, out, with_training_patients)
    if failures:
        raise typer.Exit(2)


@app.command()
def agreement(
    masks: Annotated[
        list[Path],
        typer.Argument(
            metavar="MASKS", help="a mask of one case, or a folder of masks, for each rater"
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="folder for the tables and the page")
    ] = Path("agreement"),
    retest: Annotated[
        bool,
        typer.Option(
            "--retest", help="repeated scans instead of raters; of one folder, its sessions"
        ),
    ] = False,
    consensus: Annotated[
        bool, typer.Option("--consensus", help="write the STAPLE consensus of each case")
    ] = False,
) -> None:
    """Compare raters, or repeated scans: Dice, lesion F1, volumes, consensus, repeatability."""
    from fsh_core.cli.agreement import agreement_command

    with reading(*masks), writing(out):
        failures = agreement_command(masks, out, retest, consensus)
    if failures:
        raise typer.Exit(2)


@app.command()
@with_options(SegmentConfig)
def calibrate(
    data: Annotated[Path, typer.Argument(help="dataset with reference masks")],
    weights: Annotated[
        list[Path],
        typer.Option(
            "--weights", "-w", help="weights, .safetensors; repeat for a cross-validation's folds"
        ),
    ],
    subject: Annotated[
        list[str] | None,
        typer.Option(help="subject to calibrate on; may be repeated (default: those validated on)"),
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="JSON to write into, instead of the one beside the weights")
    ] = None,
    label: Annotated[str, typer.Option(help="BIDS label of the reference masks")] = "L",
    group_by: Annotated[
        str | None,
        typer.Option(
            help="column of participants.tsv, such as site: its values count the same, and are "
            "left out one after the other (default: each patient)"
        ),
    ] = None,
    options: Any = None,
) -> None:
    """Choose threshold and minimum volume on validation patients, and calibrate confidences."""
    from fsh_core.cli.calibrate import calibrate_command

    with reading(data, *weights), writing((card or weights[0]).parent):
        calibrate_command(
            *(data, weights, subject or [], card, label, group_by),
            SegmentConfig.from_options(**options),
        )


@app.command()
def ensemble(
    members: Annotated[
        list[Path], typer.Argument(metavar="WEIGHTS...", help="two or more .safetensors files")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="weights to write, .safetensors")],
    name: Annotated[
        str | None, typer.Option(help="what to call it (default: the file's name)")
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="store kernels in 16 bits: half the file's size")
    ] = False,
) -> None:
    """Join networks into one file of weights: each looks at a scan, and their mean counts."""
    from fsh_core.cli.ensemble import ensemble_command

    with writing(out.parent):
        ensemble_command(members, out, name, half)


@app.command()
@with_options(FollowUpConfig, RescanConfig)
def simulate(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="FLAIR...", help="FLAIR files, folders, or a BIDS dataset"),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="BIDS dataset to write")],
    count: Annotated[int | None, typer.Option(help="lesions for each scan (default 20)")] = None,
    burden_ml: Annotated[
        float | None, typer.Option(help="lesion volume for each scan, instead of --count")
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed, other lesions")] = 0,
    remove: Annotated[
        Path | None, typer.Option(help="mask of lesions to paint over first, for a single FLAIR")
    ] = None,
    follow_up: Annotated[
        bool,
        typer.Option("--follow-up", help="two visits of each scan, with known lesion changes"),
    ] = False,
    stable: Annotated[
        bool, typer.Option("--stable", help="two visits of each scan, in which nothing changes")
    ] = False,
    options: Any = None,
) -> None:
    """Set lesions of known shape into scans, or make two visits: a dataset with exact truth."""
    from fsh_core.cli.follow_up import follow_up_command
    from fsh_core.cli.simulate import simulate_command

    follow_up = follow_up or stable
    _check_simulation(follow_up, count, burden_ml, options)
    with reading(*inputs, *([remove] if remove else [])), writing(out):
        if follow_up:
            failures = follow_up_command(inputs, out, seed, remove, stable, options)
        else:
            failures = simulate_command(inputs, out, count, burden_ml, seed, remove)
    if failures:
        raise typer.Exit(2)


def _check_simulation(
    follow_up: bool, count: int | None, burden_ml: float | None, options: dict[str, Any]
) -> None:
    """Refuse options of single scans with ``--follow-up``, and the other way round."""
    if follow_up and (count is not None or burden_ml is not None):
        raise InputError(
            "--count and --burden-ml belong to single scans; with two visits say how many lesions "
            "of each kind, for example --follow-up --new 5"
        )
    if options and not follow_up:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise InputError(f"{flags} belongs to two visits: add --follow-up or --stable")


@app.command()
def dashboard(
    folder: Annotated[
        Path | None, typer.Argument(help="folder with runs and results; default: an example")
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Option(help="folder of scans outside it; may be repeated")
    ] = None,
    port: Annotated[int, typer.Option(help="port on this machine; 0: any free one")] = 8501,
    host: Annotated[
        list[str] | None,
        typer.Option(help="one more name that the server is reached by, behind a proxy"),
    ] = None,
    token: Annotated[
        bool, typer.Option(help="open the page by an address that nobody else knows")
    ] = True,
    browser: Annotated[bool, typer.Option(help="open it in the browser")] = True,
    reader: Annotated[
        str, typer.Option(help="who reads, blinded: nothing of other readers, arms, covariates")
    ] = "",
) -> None:
    """Show runs, cases and cohorts in the browser, on this machine only."""
    from fsh_core.cli.dashboard import dashboard_command

    raise typer.Exit(
        dashboard_command(folder, images or [], port, host or [], token, browser, reader)
    )


@app.command()
def doctor(weights: Weights = None) -> None:
    """Show versions, processor, memory and weights, and run a short self-test."""
    from fsh_core.cli.doctor import doctor_command

    if not doctor_command(weights):
        raise typer.Exit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``fsh``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; those of the process if None.

    Returns
    -------
    int
        0, or 2 when the input could not be used: one sentence on stderr says why.
    """
    try:
        with saying_remarks_once():
            app(args=None if arguments is None else list(arguments), prog_name="fsh")
    except InputError as error:
        print(f"fsh: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fsh: stopped", file=sys.stderr)
        return 130
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def train_main() -> NoReturn:
    """Run ``fsh-train``, the same as ``fsh train``."""
    sys.exit(main(["train", *sys.argv[1:]]))
