"""Agreement of a case with its reference, in the numbers that people compare."""

import math
from collections.abc import Callable, Mapping

from fsh_core.report.page import Number
from fsh_core.report.table import format_ratio


def reference_agreement(evaluation: Mapping[str, float]) -> list[Number]:
    """Pick the measures that people compare."""
    return [
        Number(
            name, write(evaluation[key]) if math.isfinite(evaluation[key]) else "undefined", unit
        )
        for key, (name, write, unit) in _MEASURES.items()
        if key in evaluation
    ]


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


_MEASURES: dict[str, tuple[str, Callable[[float], str], str]] = {
    "dice": ("Dice", format_ratio, ""),
    "sensitivity": ("Sensitivity", format_ratio, ""),
    "precision": ("Precision", format_ratio, ""),
    "lesion_f1": ("Lesion F1", format_ratio, ""),
    "lesion_sensitivity": ("Lesion sensitivity", format_ratio, ""),
    "lesion_precision": ("Lesion precision", format_ratio, ""),
    "volume_difference_ml": ("Volume difference", _signed, "ml"),
    "hd95_mm": ("HD95", lambda value: f"{value:.1f}", "mm"),
}
