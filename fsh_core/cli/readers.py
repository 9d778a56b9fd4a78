"""``fsh readers``: who reads which case, signed, compared, adjudicated and locked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsh_core.errors import InputError

if TYPE_CHECKING:
    from fsh_core.derivatives import StoredSegmentation

readers_app = typer.Typer(
    help="A reading trial: deal cases out, sign, compare, adjudicate, lock.",
    no_args_is_help=True,
)

Results = Annotated[Path, typer.Argument(metavar="RESULTS", help="folder of fsh segment")]
Cases = Annotated[
    list[str] | None, typer.Argument(metavar="[CASE...]", help="names such as sub-01_ses-a")
]


@readers_app.command()
def assign(
    results: Results,
    reader: Annotated[list[str], typer.Option(help="who reads; repeat")],
    per_case: Annotated[int, typer.Option(help="readers for each case")] = 1,
    seed: Annotated[int, typer.Option(help="another seed, other cases for each")] = 0,
    adjudicator: Annotated[str, typer.Option(help="who decides where readers differ")] = "",
) -> None:
    """Deal out the cases that nobody has yet, evenly; visits of a patient stay together."""
    from fsh_core.review.trial.assign import assign_cases
    from fsh_core.review.trial.file import change_trial

    subjects = {case: stored.record.subject for case, stored in _stored(results).items()}
    trial = change_trial(
        results,
        lambda now: [assign_cases(now, subjects, reader, per_case, seed, adjudicator)],
    )
    for name in trial.readers:
        print(f"{name}: {len(trial.cases_of(name))} cases")


@readers_app.command()
def status(results: Results) -> None:
    """Say how far every reader and every case is."""
    from rich.console import Console
    from rich.table import Table

    from fsh_core.review.events import COMPLETED
    from fsh_core.review.progress import list_cases
    from fsh_core.review.trial.sign import trial_of
    from fsh_core.review.trial.state import STAGES

    trial = trial_of(results)
    table = Table()
    for title in ("reader", "cases", "completed", "signed", "minutes"):
        table.add_column(title, justify="left" if title == "reader" else "right")
    for name in [*trial.readers, *([trial.adjudicator] if trial.adjudicator else [])]:
        states = list_cases(results, name)
        signed = sum((state.case, name) in trial.signatures for state in states)
        completed = sum(state.status == COMPLETED for state in states)
        minutes = sum(state.reading_time_s for state in states) / 60
        role = f"{name} (adjudicator)" if name == trial.adjudicator else name
        table.add_row(role, *map(str, (len(states), completed, signed)), f"{minutes:.1f}")
    console = Console()
    console.print(table)
    stages = [trial.stage(case) for case in trial.assigned]
    said = [f"{stages.count(stage)} {stage}" for stage in STAGES if stage in stages]
    console.print(f"Cases: {', '.join(said)}; {len(trial.locks)} locked.", highlight=False)


@readers_app.command()
def sign(
    results: Results,
    reader: Annotated[str, typer.Option(help="who signs")],
    cases: Cases = None,
) -> None:
    """Sign completed readings, which closes them; without names all that are completed."""
    from fsh_core.locks import clear_after_killed
    from fsh_core.review.open import read_ledger, why_closed
    from fsh_core.review.trial.sign import sign_readings

    clear_after_killed(results, inside=False)  # there may be nothing to sign
    stored = _stored(results, cases)
    chosen = [
        one
        for one in stored.values()
        if cases or (not why_closed(one, reader) and read_ledger(one, reader).is_final)
    ]
    _tell("signed", sign_readings(chosen, reader))


@readers_app.command()
def adjudicate(results: Results, cases: Cases = None) -> None:
    """Compare what is signed by all its readers, and prepare the adjudicator's copies."""
    from fsh_core.review.trial.adjudicate import adjudicate_cases

    compared = adjudicate_cases(_stored(results, cases).values())
    for case, found in compared.items():
        print(f"{case}: {_in_words(len(found.lesions))}")
    if not compared:
        print("nothing new to compare")


@readers_app.command()
def lock(results: Results, cases: Cases = None) -> None:
    """Close cases for everyone; without names all that have a final reading."""
    from fsh_core.review.trial.sign import lock_cases

    _tell("locked", lock_cases(results, cases or []))


@readers_app.command()
def unlock(
    results: Results,
    case: Annotated[str, typer.Argument(metavar="CASE", help="its name")],
    reason: Annotated[str, typer.Option(help="why; it is kept")],
    reader: Annotated[str, typer.Option(help="whose signed reading to open")] = "",
) -> None:
    """Open a locked case, or a signed reading, again."""
    from fsh_core.review.trial.sign import unlock

    unlock(results, case, reason, reader)
    print(f"{case}: open again{f' for {reader}' if reader else ''}")


@readers_app.command()
def final(results: Results) -> None:
    """Write final.tsv: whose reading of each case is the final one, with its files' hashes."""
    from fsh_core.file_names import FINAL_TABLE
    from fsh_core.review.trial.final import write_final
    from fsh_core.review.trial.state import FINAL

    table = write_final(results, _stored(results).values())
    ready = int((table["stage"] == FINAL).sum())
    print(f"{ready} of {len(table)} cases have a final reading: {results / FINAL_TABLE}")


def _stored(results: Path, cases: list[str] | None = None) -> "dict[str, StoredSegmentation]":
    """Read the segmentations of a folder, all or some, by name.

    Raises
    ------
    InputError
        If there is none, one is broken, or a name is unknown.
    """
    from fsh_core.derivatives import find_records, read_segmentation
    from fsh_core.file_names import case_of_record

    records = {case_of_record(record): record for record in find_records(results)}
    if not records:
        raise InputError(
            f"{results}: expected the results of fsh segment, found no case; "
            "segment into this folder first"
        )
    for case in cases or ():
        if case not in records:
            raise InputError(
                f"{case}: no such case in {results}; name one as its files are, such as "
                f"{next(iter(records))}"
            )
    return {case: read_segmentation(records[case]) for case in cases or records}


def _tell(what: str, cases: list[str]) -> None:
    print(f"{what}: {', '.join(cases) if cases else 'nothing'}")


def _in_words(differences: int) -> str:
    if not differences:
        return "the readers agree"
    return f"{differences} lesion{'s' if differences > 1 else ''} to adjudicate"
