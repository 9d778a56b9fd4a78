"""The command line: parse, call, return a code.

Every import that takes time stands inside the command that needs it, so that ``fsh --help``
answers at once.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from fsh_core.config import ABLATIONS, ModelConfig, SegmentConfig, TrainConfig
from fsh_core.errors import InputError
from fsh_core.options import with_options

app = typer.Typer(
    help="Find multiple-sclerosis lesions on FLAIR MRI. Research software, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Weights = Annotated[Path | None, typer.Option(help="weights (.safetensors); default: the bundled ones")]


@app.command()
@with_options(SegmentConfig)
def segment(
    inputs: Annotated[
        list[Path] | None, typer.Argument(metavar="INPUT...", help="FLAIR files, folders, or a BIDS dataset")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for the BIDS derivatives")] = Path("derivatives/fsh"),
    sample: Annotated[bool, typer.Option("--sample", help="segment the bundled FLAIR")] = False,
    weights: Weights = None,
    brain_mask: Annotated[Path | None, typer.Option(help="brain mask on the FLAIR's grid, for a single FLAIR")] = None,
    t1w: Annotated[Path | None, typer.Option(help="T1w on the FLAIR's grid, for a single FLAIR")] = None,
    t2w: Annotated[Path | None, typer.Option(help="T2w on the FLAIR's grid, for a single FLAIR")] = None,
    force: Annotated[bool, typer.Option("--force", help="segment again what is done already")] = False,
    options: Any = None,
) -> None:
    """Segment lesions: masks, probabilities, tables, pictures and a report for each case."""
    from fsh_core.commands.segment import choose_cases, segment_command

    config = SegmentConfig.from_options(**options)
    cases = choose_cases(inputs or [], sample=sample, brain_mask=brain_mask, t1w=t1w, t2w=t2w)
    if segment_command(cases, out, weights, config, force):
        raise typer.Exit(2)


@app.command()
@with_options(TrainConfig, ModelConfig)
def train(
    data: Annotated[Path, typer.Argument(help="folder with FLAIRs and reference masks (BIDS, nnU-Net raw)")],
    out: Annotated[Path, typer.Option("--out", "-o", help="run folder")],
    preset: Annotated[str, typer.Option(help="default or paper")] = "default",
    ablation: Annotated[str, typer.Option(help=f"network: {', '.join(ABLATIONS)}")] = "fsh",
    exclude: Annotated[list[str] | None, typer.Option(help="subject to leave out; may be repeated")] = None,
    validation: Annotated[
        list[str] | None, typer.Option(help="subject to validate on; instead of a random split")
    ] = None,
    label: Annotated[str, typer.Option(help="BIDS label of the reference masks")] = "L",
    resume: Annotated[bool, typer.Option("--resume", help="go on with an interrupted run")] = False,
    options: Any = None,
) -> None:
    """Train a network: data folder in, run folder out."""
    from fsh_core.commands.train import train_command

    train_command(data, out, preset, ablation, exclude or [], validation or [], label, resume, options)


@app.command()
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="mask, or folder of masks, to judge")],
    references: Annotated[Path, typer.Argument(help="reference mask, or folder of them")],
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for cases.csv and summary.csv")] = Path("evaluation"),
) -> None:
    """Compare predictions with reference masks, case by case and in summary."""
    from fsh_core.commands.evaluate import evaluate_command

    if evaluate_command(predictions, references, out):
        raise typer.Exit(2)


@app.command()
def doctor(weights: Weights = None) -> None:
    """Show versions, processor, memory and weights, and run a short self-test."""
    from fsh_core.commands.doctor import doctor_command

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


if __name__ == "__main__":
    sys.exit(main())
