"""``fsh simulate``: scans with lesions of known shape, as a dataset to train on or to test with."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from fsh_core.cases import Case, discover_cases
from fsh_core.cases.raw import is_simulated
from fsh_core.cli.terminal import print_failures
from fsh_core.derivatives.layout import to_json
from fsh_core.errors import InputError, sentence_of
from fsh_core.files import check_may_write, write_atomically
from fsh_core.inference.predict import BrainFinder
from fsh_core.preprocess.load import load_brain
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.simulate import Simulated, simulate_lesions
from fsh_core.volume.volume import Volume, load_mask, load_volume, save_like

DEFAULT_COUNT = 20
TRUTH = "derivatives/truth"
_DESCRIPTION = "dataset_description.json"


@dataclass(frozen=True)
class Source:
    """A scan to simulate in.

    Attributes
    ----------
    case : Case
        Whose it is.
    flair : Volume
        The scan, without the lesions that are to be removed.
    brain : (I, J, K) bool
        Its brain.
    own : (I, J, K) bool or None
        Its own lesions, where they are known.
    """

    case: Case
    flair: Volume
    brain: NDArray[np.bool_]
    own: NDArray[np.bool_] | None


def simulate_command(
    inputs: Sequence[Path],
    out: Path,
    count: int | None,
    burden_ml: float | None,
    seed: int,
    remove: Path | None,
) -> list[str]:
    """Insert lesions into scans and write a BIDS dataset with the truth beside them.

    A case with a reference mask keeps its own lesions, which are then part of the truth,
    unless ``remove`` names the mask of what is painted over first. What is drawn for a
    case depends on the seed and its name, not on the other cases.

    Parameters
    ----------
    inputs : sequence of Path
        FLAIRs, folders, or a BIDS dataset.
    out : Path
        The dataset to write.
    count : int or None
        Lesions for each scan; 20 if neither this nor the burden is given.
    burden_ml : float or None
        Volume of the lesions instead, in ml.
    seed : int
        Another seed, other lesions.
    remove : Path or None
        Mask of lesions to remove, for a single FLAIR.

    Returns
    -------
    list of str
        One sentence for each case that failed.

    Raises
    ------
    InputError
        If the words make no sense together or the folder cannot be written.
    """
    if count is None and burden_ml is None:
        count = DEFAULT_COUNT
    bank = LesionShapeBank.load()
    cases = discover_cases(list(inputs))
    check_output(out, [out / _home(case) / f"{case.name}_FLAIR.nii.gz" for case in cases])

    def insert(source: Source, rng: np.random.Generator) -> str:
        made = simulate_lesions(
            source.flair,
            source.brain,
            bank,
            rng,
            count=count,
            burden_ml=burden_ml,
            reference=source.own,
        )
        _write(out, source, made, remove)
        volume_ml = made.flair.volume_ml(made.added)
        short = (
            f" ({count} wanted: there is no place for more)"
            if count is not None and len(made.lesions) < count
            else ""
        )
        return f"{len(made.lesions)} lesions set, {volume_ml:.2f} ml{short}"

    return simulate_each(cases, out, seed, remove, insert)


def check_output(out: Path, files: Sequence[Path]) -> None:
    """Refuse to write over what is read, and over what ``fsh simulate`` did not make.

    Raises
    ------
    InputError
        If one of the files, or the dataset that they would become part of, is another's.
    """
    for file in files:
        check_may_write(file)
    foreign = [file for file in (out / _DESCRIPTION, *files) if file.exists()]
    if foreign and not is_simulated(out):
        raise InputError(
            f"{foreign[0]}: was not made by fsh simulate, and is never written over; "
            "choose a new folder for the simulated dataset"
        )


def simulate_each(
    cases: Sequence[Case],
    out: Path,
    seed: int,
    remove: Path | None,
    make: Callable[[Source, np.random.Generator], str],
) -> list[str]:
    """Simulate in one scan after the other; one that fails does not stop the others.

    Parameters
    ----------
    cases : sequence of Case
        The scans.
    out : Path
        The dataset to write.
    seed : int
        Another seed, other lesions.
    remove : Path or None
        Mask of lesions to remove first, for a single FLAIR.
    make : callable
        Simulates in one scan, writes the result, and says what it made.

    Returns
    -------
    list of str
        One sentence for each case that failed.

    Raises
    ------
    InputError
        If the words make no sense together or the folder cannot be written.
    """
    if remove is not None and len(cases) != 1:
        raise InputError(f"--remove belongs to a single FLAIR, found {len(cases)}; name one file")
    if seed < 0:
        raise InputError(f"--seed must be at least 0, got {seed}")
    finder, console = BrainFinder(), Console(highlight=False)
    failures: list[str] = []
    for case in cases:
        rng = np.random.default_rng((seed, zlib.crc32(case.name.encode())))
        try:
            source = _load(case, remove, finder, rng)
            _describe(out)  # not before: where no scan can be used, nothing is left behind
            said = make(source, rng)
        except Exception as error:  # whatever it is, the other scans are not affected
            sentence = sentence_of(error, case.flair)
            failures.append(
                sentence if str(case.flair) in sentence else f"{case.flair}: {sentence}"
            )
        else:
            console.print(f"{case.name}: {said}")
    console.print(
        f"{len(cases) - len(failures)} of {len(cases)} scans are in {out}; "
        f"the truth is in {out / TRUTH}"
    )
    print_failures(failures)
    return failures


def _load(case: Case, remove: Path | None, finder: BrainFinder, rng: np.random.Generator) -> Source:
    """Read a scan, its brain and its own lesions, and remove those that are to go."""
    flair = load_volume(case.flair)
    brain = load_brain(case, flair, finder)
    if brain.source == "none":
        raise InputError(f"{case.flair}: {brain.note}; without it lesions could land in the skull")
    own = load_mask(case.reference, flair, case.flair).data if case.reference else None
    if remove is not None:
        removed = load_mask(remove, flair, case.flair).data
        flair = remove_lesions(flair, removed, brain.mask, rng)
        own = None if own is None else own & ~removed
    return Source(case, flair, brain.mask, own)


def _write(out: Path, source: Source, made: Simulated, remove: Path | None) -> None:
    """Write one scan and its truth."""
    case = source.case
    home = _home(case)
    truth = out / TRUTH / home
    save_like(made.flair.data, made.flair, out / home / f"{case.name}_FLAIR.nii.gz")
    save_like(made.mask, made.flair, truth / f"{case.name}_label-L_mask.nii.gz")
    save_like(source.brain, made.flair, truth / f"{case.name}_label-brain_mask.nii.gz")
    record = _record(made, source.own is not None, remove)
    write_atomically(truth / f"{case.name}_label-L_mask.json", to_json(record))


def _home(case: Case) -> Path:
    """Where the files of a case lie in a BIDS dataset."""
    return Path(f"sub-{case.subject}") / (f"ses-{case.session}" if case.session else "") / "anat"


def _record(made: Simulated, keeps_own: bool, remove: Path | None) -> dict[str, Any]:
    """JSON beside the truth: what was done, and the inserted lesions."""
    description = "Truth of simulated lesions: voxels at least half of which are lesion"
    if keeps_own:
        description += ", and the lesions of the scan's own reference mask"
    return {
        "Description": description,
        "Removed": remove.name if remove is not None else None,
        "AddedVolumeMl": made.flair.volume_ml(made.added),
        "Added": [asdict(lesion) for lesion in made.lesions],
    }


def _describe(out: Path) -> None:
    """Write the ``dataset_description.json`` of the dataset and of its derivatives."""
    maker = [{"Name": "fsh simulate", "Version": version("fsh-ms")}]
    common = {"BIDSVersion": "1.10.0", "GeneratedBy": maker}
    raw = {"Name": "FLAIR scans with simulated lesions", "DatasetType": "raw", **common}
    truth = {"Name": "Truth of simulated lesions", "DatasetType": "derivative", **common}
    write_atomically(out / _DESCRIPTION, to_json(raw))
    write_atomically(out / TRUTH / _DESCRIPTION, to_json(truth))
