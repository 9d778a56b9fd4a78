"""Strict JSON that people may have edited: read or refused with a reason."""

import json
import math
from typing import Any, NoReturn

from pydantic import ValidationError

_LONGEST_VALUE = 60  # characters of a wrong value that an error repeats
_LONGEST_REASON = 200


def parse_json(payload: bytes, *, allow_nan: bool = False) -> Any:
    """Parse UTF-8 JSON as the standard defines it.

    Parameters
    ----------
    payload : bytes
        The content of a file, or a line of it.
    allow_nan : bool
        Accept NaN and infinity, which the standard does not have.

    Raises
    ------
    ValueError
        If it is not UTF-8, is no JSON, holds NaN or infinity or half a surrogate pair, or is
         nested too deeply.
    """
    try:
        content = json.loads(
            payload.decode("utf-8"), parse_constant=None if allow_nan else _refuse_constant
        )
        if b"\\ud" in payload.lower():  # half a character, which no file could be written with
            json.dumps(content, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return content


def rounded(value: float) -> float | None:
    """Return 4 decimals, or None for what JSON cannot hold."""
    return round(value, 4) if math.isfinite(value) else None


def first_problem(error: ValidationError) -> str:
    """Say where a JSON is not what was expected: ``grid.shape.0: … a valid integer, got '1'``."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{place} is missing"
    said = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    reason = said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"
    where = f"{place}: " if place else ""
    return f"{where}{reason}, got {repr(first['input'])[:_LONGEST_VALUE]}"


def missing_keys(error: ValidationError) -> list[str]:
    """List what a JSON lacks, in the order in which it is expected."""
    return [
        ".".join(str(part) for part in problem["loc"])
        for problem in error.errors(include_url=False)
        if problem["type"] == "missing"
    ]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no JSON")
