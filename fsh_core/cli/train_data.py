"""What ``fsh train`` is given: folders of scans with masks, or a training pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from fsh_core.cases import Case, discover_cases
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.training.pack import check_prepared_for, read_pack
from fsh_core.training.run_inputs import Learnable


@dataclass(frozen=True)
class ToLearn:
    """What a training can learn from.

    Attributes
    ----------
    cases : sequence of Learnable
        Patients with their lesions.
    lesion_free : sequence of Learnable
        Bodies whose lesions are filled in.
    """

    cases: Sequence[Learnable]
    lesion_free: Sequence[Learnable]

    @property
    def all(self) -> list[Learnable]:
        """Both."""
        return [*self.cases, *self.lesion_free]

    @property
    def lesion_free_subjects(self) -> tuple[str, ...]:
        """The subjects of the second, sorted."""
        return tuple(sorted({case.subject for case in self.lesion_free}))


def find_to_learn(
    data: Path,
    lesion_free: Sequence[Path],
    label: str,
    reader: str | None,
    exclude: Sequence[str],
    config: TrainConfig,
    console: Console,
) -> ToLearn:
    """Find what can be learned from; what cannot is named.

    With a reader, ``data`` holds results, and what that reader corrected to the end is learned.

    Raises
    ------
    InputError
        If a folder or the pack cannot be used, if nothing is left to learn from, if an excluded
        subject is not there, or if a subject is on both sides.
    """
    names = {name.removeprefix("sub-") for name in exclude}
    if data.is_file():
        return _of_pack(data, lesion_free, reader, names, config)
    patients = _corrected(data, reader, console) if reader else discover_cases(data, label)
    bodies = [case for folder in lesion_free for case in discover_cases(folder, label)]
    _check_excluded(names, [*patients, *bodies])
    both = sorted({case.subject for case in patients} & {case.subject for case in bodies})
    if both:
        raise InputError(
            f"--lesion-free: {', '.join(both)} must be in one folder, found in {data} too; leave "
            "one of them out, or rename it if it is another person"
        )
    found = ToLearn(
        _with_masks(patients, names, config, console), _with_masks(bodies, names, config, console)
    )
    if not found.cases:
        target = config.model.target
        raise InputError(
            f"none of {len(patients)} cases has a reference {target} mask; "
            "see docs/training.md for its name"
        )
    return found


def _corrected(results: Path, reader: str, console: Console) -> list[Case]:
    """List the cases that a reader completed; the others are named, with the reason."""
    # Brings openvino, which a training from a pack can do without.
    from fsh_core.review.corrections import corrected_cases

    found = corrected_cases(results, reader)
    for name, why in found.left_out.items():
        console.print(f"{name}: left out, {why}", highlight=False)
    return found.cases


def _of_pack(
    path: Path,
    lesion_free: Sequence[Path],
    reader: str | None,
    names: set[str],
    config: TrainConfig,
) -> ToLearn:
    """Take what a pack holds."""
    if reader:
        raise InputError(
            f"--corrected-by: expected a folder of results, {path} is a training pack; leave the "
            "option away"
        )
    if lesion_free:
        raise InputError(
            f"--lesion-free: {path} is a training pack, which holds its own; leave the option away"
        )
    prepared_for, packed = read_pack(path)
    check_prepared_for(path, prepared_for, config.model)
    _check_excluded(names, packed)
    wanted = [case for case in packed if case.subject not in names]
    return ToLearn(
        [case for case in wanted if not case.is_lesion_free],
        [case for case in wanted if case.is_lesion_free],
    )


def _check_excluded(names: set[str], cases: Sequence[Learnable]) -> None:
    """Check that the subjects to leave out are there."""
    unknown = sorted(names - {case.subject for case in cases})
    if unknown:
        raise InputError(
            f"--exclude: there is no subject {', '.join(unknown)} in the data; check the name"
        )


def _with_masks(
    cases: Sequence[Case], names: set[str], config: TrainConfig, console: Console
) -> list[Case]:
    """Keep the cases with a mask, without the excluded subjects; those without one are named."""
    target = config.model.target
    wanted = [case for case in cases if case.subject not in names]
    kept = [
        case for case in wanted if (case.brain if target == "brain" else case.reference) is not None
    ]
    without = [case.name for case in wanted if case not in kept]
    if without and kept:
        console.print(
            f"{len(kept)} of {len(wanted)} cases are used; without a reference {target} mask: "
            f"{', '.join(without)} (docs/training.md says how masks are named)",
            highlight=False,
            soft_wrap=True,
        )
    return kept
