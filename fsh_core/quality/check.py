"""The answer of a quality check: pass, caution or fail, with the reason."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Verdict = Literal["pass", "caution", "fail"]
_ORDER: tuple[Verdict, ...] = ("pass", "caution", "fail")


@dataclass(frozen=True)
class Check:
    """Result of one quality check.

    Attributes
    ----------
    name : str
        What was looked at, as a key.
    verdict : {"pass", "caution", "fail"}
        What came of it.
    value : float or None
        The measured quantity; None where it cannot be measured.
    unit : str
        Its unit.
    reason : str
        One plain sentence, also for what passed.
    """

    name: str
    verdict: Verdict
    value: float | None
    unit: str
    reason: str


class Limits(NamedTuple):
    """Limits of a check: beyond the first it asks for caution, beyond the second it fails."""

    caution: float
    fail: float


def judge_high(value: float, limits: Limits) -> Verdict:
    """Judge a value of which more is worse."""
    if value > limits.fail:
        return "fail"
    return "caution" if value > limits.caution else "pass"


def judge_low(value: float, limits: Limits) -> Verdict:
    """Judge a value of which less is worse."""
    if value < limits.fail:
        return "fail"
    return "caution" if value < limits.caution else "pass"


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst of some verdicts; pass of none."""
    return max(verdicts, key=_ORDER.index, default="pass")
