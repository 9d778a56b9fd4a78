"""A training pack: prepared cases in one file, to train where the scans and their tools are not.

A machine with a graphics card that is lent for minutes should not spend them on finding brains. A
pack holds what patches are cut from, at one byte a voxel: a training from it is one of the same
kind as that from the scans, not the same to the byte.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.strict_json import first_problem
from fsh_core.training.augment import RIM_MM
from fsh_core.training.training_case import SizeMm, TrainingCase

_FORMAT = "fsh-training-pack-1"
_GREYS = 255
_ABOUT = "about"


class _CaseFacts(BaseModel):
    """What a pack says of a case beside its voxels."""

    model_config = ConfigDict(extra="forbid")

    name: str
    subject: str
    is_lesion_free: bool
    spacing_mm: SizeMm
    acquired_mm: SizeMm


class _About(BaseModel):
    """What a pack says of itself."""

    model_config = ConfigDict(extra="forbid")

    format: str
    model: ModelConfig
    cases: list[_CaseFacts]


@dataclass(frozen=True)
class PackedCase:
    """A case of a pack; stands for `fsh_core.cases.Case` in a training.

    Attributes
    ----------
    subject : str
        Subject label without ``sub-``.
    is_lesion_free : bool
        Whether its lesions were filled in.
    learned : TrainingCase
        What patches are cut from.
    pack : Path or None
        The file it came from.
    """

    subject: str
    is_lesion_free: bool
    learned: TrainingCase
    pack: Path | None = None

    @property
    def name(self) -> str:
        """``sub-X[_ses-Y]``."""
        return self.learned.name

    @property
    def named_files(self) -> dict[str, Path]:
        """The pack, for the record of a run."""
        return {} if self.pack is None else {"training pack": self.pack}


def write_pack(path: Path, cases: Sequence[PackedCase], config: ModelConfig) -> None:
    """Write a pack: the same cases give the same bytes.

    Parameters
    ----------
    path : Path
        A ``.npz``.
    cases : sequence of PackedCase
        What it holds; stacks of (C + 2, I, J, K).
    config : ModelConfig
        What the cases were prepared for: channels, spacing, scaling.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    facts = [
        _CaseFacts(
            name=case.name,
            subject=case.subject,
            is_lesion_free=case.is_lesion_free,
            spacing_mm=case.learned.spacing_mm,
            acquired_mm=case.learned.acquired_mm,
        )
        for case in cases
    ]
    about = _About(format=_FORMAT, model=config, cases=facts).model_dump_json().encode()
    arrays: dict[str, Any] = {_ABOUT: np.frombuffer(about, np.uint8)}
    for number, case in enumerate(cases):
        stack = case.learned.stack.numpy()
        greys = np.concatenate([stack[:-2], stack[-1:] / (2 * RIM_MM)])
        arrays[f"{number}.greys"] = np.rint(greys * _GREYS).astype(np.uint8)
        arrays[f"{number}.lesions"] = np.packbits(case.learned.reference)
    file = BytesIO()
    np.savez_compressed(file, **arrays)
    write_atomically(path, file.getvalue())


def read_pack(path: Path) -> tuple[ModelConfig, list[PackedCase]]:
    """Read what `write_pack` wrote.

    Returns
    -------
    ModelConfig
        What the cases were prepared for.
    list of PackedCase
        In the order in which they were written.

    Raises
    ------
    InputError
        If the file cannot be read or is no pack.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = _About.model_validate_json(file[_ABOUT].tobytes())
            if about.format != _FORMAT:
                raise ValueError(f"its format is {about.format}")
            cases = [
                _unpacked(facts, file[f"{number}.greys"], file[f"{number}.lesions"], path)
                for number, facts in enumerate(about.cases)
            ]
    except ValidationError as error:
        raise _no_pack(path, first_problem(error)) from None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _no_pack(path, str(error)) from None
    return about.model, cases


def _no_pack(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: expected a training pack, cannot be read ({reason}); make it with "
        "scripts/make_training_pack.py"
    )


def _unpacked(
    facts: _CaseFacts, greys: NDArray[np.uint8], lesions: NDArray[np.uint8], path: Path
) -> PackedCase:
    """Make a case of its voxels."""
    shape = greys.shape[1:]
    marked = np.unpackbits(lesions, count=int(np.prod(shape))).reshape(shape)
    shades = greys.astype(np.float32) / _GREYS
    depth = shades[-1:] * (2 * RIM_MM)
    stack = torch.from_numpy(np.concatenate([shades[:-1], marked[None].astype(np.float32), depth]))
    learned = TrainingCase.of(facts.name, stack, facts.spacing_mm, facts.acquired_mm)
    return PackedCase(facts.subject, facts.is_lesion_free, learned, path)


def check_prepared_for(path: Path, packed: ModelConfig, config: ModelConfig) -> None:
    """Check that a pack was prepared for a network.

    Raises
    ------
    InputError
        If the network wants other channels, another spacing, scaling or target.
    """
    for field in ("channels", "spacing_mm", "intensity", "target"):
        has, wants = getattr(packed, field), getattr(config, field)
        if has != wants:
            raise InputError(
                f"{path}: this training wants {field.replace('_', ' ')} {json.dumps(wants)}, the "
                f"pack was made for {json.dumps(has)}; make another pack"
            )
