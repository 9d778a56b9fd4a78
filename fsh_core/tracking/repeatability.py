"""How much a lesion's volume differs when nothing happened: the tracker's own measurement."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("repeatability.json")


@dataclass(frozen=True)
class Repeatability:
    """Limits of the change of a lesion's volume in pairs of scans without any change.

    Attributes
    ----------
    up_to_mm3 : tuple of float
        Upper end of each class of volume, in mm3; the last is infinite.
    log_ratio : tuple of float
        95th percentile of the size of the log ratio of the two volumes, by class.
    """

    up_to_mm3: tuple[float, ...]
    log_ratio: tuple[float, ...]

    def limit(self, volume_mm3: float) -> float:
        """Return the log ratio that a lesion of a volume exceeds once in twenty by chance."""
        for end, limit in zip(self.up_to_mm3, self.log_ratio, strict=True):
            if volume_mm3 < end:
                return limit
        return self.log_ratio[-1]


@cache
def bundled_repeatability() -> Repeatability:
    """Return what was measured for the bundled weights, see ``docs/tracking.md``."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    ends = tuple(math.inf if end is None else float(end) for end in content["up_to_mm3"])
    return Repeatability(ends, tuple(float(value) for value in content["log_ratio"]))
