"""What a run learns from, by content: nothing changes under a training that goes on."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from fsh_core.errors import InputError
from fsh_core.files import sha256_of, write_atomically
from fsh_core.strict_json import first_problem

_HASHES = TypeAdapter(dict[str, str])
_SETTINGS = "config.json"


class Learnable(Protocol):
    """What a run learns from or is validated on: a case of a dataset, or of a pack."""

    @property
    def subject(self) -> str:
        """Subject label without ``sub-``."""

    @property
    def name(self) -> str:
        """``sub-X[_ses-Y]``."""

    @property
    def named_files(self) -> dict[str, Path]:
        """The files that it comes from, by what they are."""


@dataclass(frozen=True)
class RunInputs:
    """SHA-256 of a run's settings and split, and of its scans and masks: ``inputs.json``.

    Attributes
    ----------
    folder : Path
        The run folder. Runs of an earlier version have no such file, and nothing is checked.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "inputs.json"

    def write(self, cases: Iterable[Learnable], settings: bytes) -> None:
        """Keep the hashes of a new run.

        Parameters
        ----------
        cases : iterable of Learnable
            What is learned from, and validated on.
        settings : bytes
            Content of ``config.json``.
        """
        self._write(self._hashes(cases, settings))

    def check(self, cases: Iterable[Learnable]) -> None:
        """Check that a run would go on with what it began with.

        Parameters
        ----------
        cases : iterable of Learnable
            What would be learned from, and validated on.

        Raises
        ------
        InputError
            If the settings, the split, or the content of a scan or mask changed.
        """
        if not self.path.exists():
            return
        then = self._read()
        now = self._hashes(cases, (self.folder / _SETTINGS).read_bytes())
        changed = sorted(
            name for name in now.keys() | then.keys() if now.get(name) != then.get(name)
        )
        if changed:
            raise self._changed(changed)

    def allow(self, settings: bytes) -> None:
        """Let the run go on with other settings, which are written next.

        Raises
        ------
        InputError
            If those of now are not the ones that the run was begun with.
        """
        if not self.path.exists():
            return
        hashes, after = self._read(), _sha256(settings)
        before = _sha256((self.folder / _SETTINGS).read_bytes())
        # Where a killed command wrote the hash and not the settings, it is that of the new ones.
        if hashes.get(_SETTINGS) not in (before, after):
            raise self._changed([_SETTINGS])
        self._write(hashes | {_SETTINGS: after})

    def _changed(self, names: Sequence[str]) -> InputError:
        return InputError(
            f"{self.folder}: cannot go on, since {', '.join(names)} changed after the run was "
            "begun; bring them back as they were, or start a new run"
        )

    def _read(self) -> dict[str, str]:
        try:
            return _HASHES.validate_json(self.path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = first_problem(error) if isinstance(error, ValidationError) else error.strerror
            raise InputError(
                f"{self.path}: expected what the run learns from, cannot be read ({reason}); "
                "start a new run"
            ) from None

    def _write(self, hashes: dict[str, str]) -> None:
        write_atomically(self.path, json.dumps(hashes, indent=2) + "\n")

    def _hashes(self, cases: Iterable[Learnable], settings: bytes) -> dict[str, str]:
        files = {"split.json": self.folder / "split.json"}
        for case in cases:
            files |= {f"{case.name} {kind}": path for kind, path in case.named_files.items()}
        of_file = {path: sha256_of(path) for path in sorted(set(files.values()))}
        return {_SETTINGS: _sha256(settings)} | {
            name: of_file[path] for name, path in files.items()
        }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
