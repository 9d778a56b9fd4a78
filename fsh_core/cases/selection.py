"""Which scans of a BIDS dataset are wanted, by the entities of their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fsh_core.cases.case import CHANNELS
from fsh_core.cases.names import stem_of
from fsh_core.errors import InputError
from fsh_core.strict_json import parse_json

_ENTITIES = {
    "session": "ses",
    "acquisition": "acq",
    "ceagent": "ce",
    "reconstruction": "rec",
    "direction": "dir",
    "run": "run",
    "echo": "echo",
    "part": "part",
    "space": "space",
}
"""Long names of entities, as filter files have them, and what file names have."""
_CHANNEL_OF = {channel.lower(): channel for channel in CHANNELS}

Wanted = str | int | list[str | int] | None
"""A value, one of several, or None: the entity must be absent."""


@dataclass(frozen=True)
class Selection:
    """Which participants, sessions and images are wanted; by default all.

    Attributes
    ----------
    participants, sessions : sequence of str
        Labels with or without ``sub-`` and ``ses-``; empty = all.
    images : dict of str to dict
        For a channel (``FLAIR``, ``T1w``, ``T2w``) the entities that its file must have.
    """

    participants: Sequence[str] = ()
    sessions: Sequence[str] = ()
    images: Mapping[str, Mapping[str, Wanted]] = field(default_factory=dict)

    def takes_participant(self, folder: Path) -> bool:
        """Tell whether a folder ``sub-X`` is wanted."""
        return _is_among(folder.name, self.participants, "sub-")

    def takes_session(self, folder: Path) -> bool:
        """Tell whether a folder ``ses-Y`` is wanted."""
        return _is_among(folder.name, self.sessions, "ses-")

    def takes_image(self, channel: str, file: Path) -> bool:
        """Tell whether a file may be the image of a channel."""
        has = entities_of(file)
        return all(
            _fits(has.get(name), value) for name, value in self.images.get(channel, {}).items()
        )

    def missing(self, found: Sequence[str]) -> list[str]:
        """List the participants that were asked for and are not among those found."""
        there = {name.removeprefix("sub-") for name in found}
        asked = dict.fromkeys(label.removeprefix("sub-") for label in self.participants)
        return [label for label in asked if label not in there]


def entities_of(file: Path) -> dict[str, str]:
    """Return the entities of a BIDS name: ``sub-1_acq-3d_FLAIR.nii`` has ``sub`` and ``acq``."""
    return dict(re.findall(r"(?:^|_)([a-z]+)-([^_]+)", stem_of(file)))


def read_filter(path: Path) -> dict[str, dict[str, Wanted]]:
    """Read a BIDS filter file, such as ``{"flair": {"acquisition": "3d", "run": 1}}``.

    Returns
    -------
    dict
        For `Selection.images`: short names of entities.

    Raises
    ------
    InputError
        If the file cannot be read, or asks for something that is not known here.
    """
    try:
        content = parse_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from None
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found none ({error}); mend the file") from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected {{"flair": {{…}}}}, found a {type(content).__name__}')
    images = {}
    for name, wanted in content.items():
        if name not in _CHANNEL_OF or not isinstance(wanted, dict):
            raise InputError(
                f"{path}: expected entities for {', '.join(_CHANNEL_OF)}, found {name!r}; "
                "leave it away"
            )
        images[_CHANNEL_OF[name]] = _read_entities(path, _CHANNEL_OF[name], wanted)
    return images


def _read_entities(path: Path, channel: str, wanted: Mapping[str, Wanted]) -> dict[str, Wanted]:
    fixed = {"datatype": "anat", "suffix": channel}  # where F.sh looks in any case
    entities: dict[str, Wanted] = {}
    for name, value in wanted.items():
        if name == "extension" or (name in fixed and value == fixed[name]):
            continue
        values = value if isinstance(value, list) else [value]
        if name not in _ENTITIES or not all(isinstance(one, str | int | None) for one in values):
            raise InputError(
                f"{path}: expected a value for one of {', '.join(_ENTITIES)}, found "
                f"{name!r}: {value!r}; leave it away"
            )
        entities[_ENTITIES[name]] = value
    return entities


def _is_among(name: str, labels: Sequence[str], prefix: str) -> bool:
    label = name.removeprefix(prefix)
    return not labels or label in {one.removeprefix(prefix) for one in labels}


def _fits(has: str | None, wanted: Wanted) -> bool:
    if isinstance(wanted, list):
        return any(_fits(has, one) for one in wanted)
    if has is None or wanted is None:
        return has is wanted
    if has.isdecimal() and str(wanted).isdecimal():  # run-01 is run 1
        return int(has) == int(wanted)
    return has == str(wanted)
