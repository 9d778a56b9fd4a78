"""The folder that is open, and the only door to its files."""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsh_core.errors import InputError
from fsh_core.file_names import CASES_TABLE, LESIONS_TABLE, RECORD_ENDING, entries_in_anat
from fsh_core.review.readers import exact_name
from fsh_core.sample import sample_case

EXAMPLE = Path(__file__).parent.with_name("example")
DEEPEST = 4
MOST_FOLDERS = 5000
"""Limits of the search for runs and results, so that opening a whole disk ends."""


@dataclass(frozen=True)
class Opened:
    """What the dashboard may read.

    Attributes
    ----------
    root : Path
        The opened folder, resolved.
    images : tuple of Path
        More folders to look for scans and reference masks in, resolved.
    is_example : bool
        Whether it is the bundled example.
    reader : str
        Who reads the pages, blinded: the own cases and decisions alone, and nothing that
        participants.tsv says. Empty = everything is shown.
    """

    root: Path
    images: tuple[Path, ...] = ()
    is_example: bool = False
    reader: str = ""

    def inside(self, path: str | Path) -> Path:
        """Return where a path of the opened folder leads, if that is still inside.

        Parameters
        ----------
        path : path
            Relative to the opened folder, or absolute.

        Returns
        -------
        Path
            Absolute, without symbolic links.

        Raises
        ------
        InputError
            If it leads out of the opened folder and of the folders of images, by ``..``
            or by a symbolic link, or cannot be followed at all.
        """
        try:
            found = (self.root / path).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # loops of links, null bytes
            raise InputError(
                f"{path!s:.200}: cannot be followed ({error}); check the name"
            ) from None
        if self.holds(found):
            return found
        raise InputError(
            f"{path!s:.200}: leads out of the opened folder {self.root}; "
            "open the folder that holds it"
        )

    def all_inside(self) -> "Callable[[Path], Path]":
        """Return `inside` for many files: each folder is followed once, not for each file in it.

        For one reading: what is a link, and where a folder leads, is remembered.
        """
        folders: dict[str, str] = {}

        def inside(path: Path) -> Path:
            asked = self.root / path
            where, name = str(asked.parent), asked.name
            try:
                if asked.is_symlink() or name in ("", "..") or "\0" in name:
                    return self.inside(path)
                if where not in folders:
                    folders[where] = str(self.inside(where))
            except (OSError, InputError):  # the sentence must name the file, not its folder
                return self.inside(path)
            return Path(folders[where], name)

        return inside

    def holds(self, path: Path) -> bool:
        """Tell whether a resolved path lies in the opened folder or in a folder of images."""
        return any(path.is_relative_to(allowed) for allowed in (self.root, *self.images))

    def named(self, path: Path) -> str:
        """Write a path below the opened folder as people know it: relative, ``.`` for itself."""
        return path.relative_to(self.root).as_posix()


def open_folder(arguments: Sequence[str]) -> Opened:
    """Open what the words after ``--`` name.

    Parameters
    ----------
    arguments : sequence of str
        ``[FOLDER] [--images FOLDER]... [--reader NAME]``; without a folder the bundled example.

    Returns
    -------
    Opened
        With real paths.

    Raises
    ------
    InputError
        If a folder is not there, or a word is unknown.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--images", action="append", default=[])
    parser.add_argument("--reader", default="")
    try:
        chosen, unknown = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; start with: fsh dashboard FOLDER") from None
    if unknown:
        raise InputError(
            f"expected one folder, found also {' '.join(unknown)}; start with: fsh dashboard FOLDER"
        )
    images = [_existing(name) for name in chosen.images]
    if chosen.folder is None:
        return Opened(
            _existing(EXAMPLE), (*images, sample_case().flair.parent.resolve()), is_example=True
        )
    reader = exact_name(chosen.reader) if chosen.reader else ""
    return Opened(_existing(chosen.folder), tuple(images), reader=reader)


def find_runs(opened: Opened) -> list[str]:
    """List the run folders (``config.json`` beside ``log.jsonl``), relative to the opened folder.

    Latest log first.
    """
    found = [folder for folder in walk(opened) if _has(folder, "config.json", "log.jsonl")]
    found.sort(key=lambda folder: (folder / "log.jsonl").stat().st_mtime, reverse=True)
    return [opened.named(folder) for folder in found]


def find_results(opened: Opened) -> list[str]:
    """List the derivatives folders of F.sh, relative to the opened folder."""
    return [opened.named(folder) for folder in walk(opened) if _holds_records(folder)]


def _existing(name: str | Path) -> Path:
    path = Path(name).expanduser()
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise InputError(
            f"{path}: expected a folder, found {found}; start with: fsh dashboard FOLDER"
        )
    return path.resolve()


def walk(opened: Opened) -> Iterator[Path]:
    """Walk the opened folder, shallowest first.

    Subjects, hidden folders and ways out are left alone.
    """
    level, visited = [opened.root], 0
    for _ in range(DEEPEST + 1):
        below: list[Path] = []
        for folder in level:
            visited += 1
            if visited > MOST_FOLDERS:
                return
            yield folder
            below += _subfolders(folder, opened)
        level = below


def _subfolders(folder: Path, opened: Opened) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.is_dir()
                and not entry.name.startswith((".", "sub-", "ses-", "__pycache__"))
            )
    except OSError:  # a folder that may not be listed holds nothing to show
        return []
    return [
        folder / name for name in names if (folder / name).resolve().is_relative_to(opened.root)
    ]


def _has(folder: Path, *names: str) -> bool:
    return all((folder / name).is_file() for name in names)


def _holds_records(folder: Path) -> bool:
    """Tell whether a folder is a derivatives folder.

    Its tables, or the record of one case, are there.
    """
    if _has(folder, CASES_TABLE, LESIONS_TABLE):
        return True
    return next(entries_in_anat(folder, RECORD_ENDING), None) is not None
