"""What stands around every command: its inputs stay as they are, and it writes alone."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


def reading(*inputs: Path) -> AbstractContextManager[None]:
    """Guard what a command reads against being written over by it."""
    from fsh_core.cases.raw import raw_files
    from fsh_core.files import never_overwriting

    return never_overwriting(raw_files(inputs))


def reading_participants(
    dataset: Path, participants: Sequence[str], files: Iterable[Path]
) -> AbstractContextManager[None]:
    """Guard some participants of a dataset, or all if none is named, and files elsewhere."""
    from fsh_core.cases.raw import raw_files, raw_files_of
    from fsh_core.files import never_overwriting

    own = raw_files_of(dataset, participants) if participants else raw_files([dataset])
    return never_overwriting([*own, *files])


def is_first_process() -> bool:
    """Tell whether this process is alone, or the first of those that ``torchrun`` started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Let no second command write into a folder; remove what a killed one left in it."""
    from fsh_core.locks import clear_after_killed, one_writer

    with one_writer(folder, wait=False):
        clear_after_killed(folder)
        yield
