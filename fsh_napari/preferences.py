"""What the user set in File > Preferences > F.sh."""

import getpass
import logging
from dataclasses import dataclass
from typing import Any

from fsh_core.config import SegmentConfig
from fsh_core.volume.planes import CONVENTIONS

CROSSHAIRS = {
    "blue": "#5adcff",
    "yellow": "#ffdd57",
    "green": "#5dff7a",
    "pink": "#ff7ad9",
    "white": "#ffffff",
}
"""Names of the crosshair's colours, and what they are on the screen."""
COLOURS = ("distinct", "colour-blind safe", "one colour", "by decision")
PLUGIN, PAGE = "fsh-ms", "reading"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preferences:
    """The preferences page.

    Attributes
    ----------
    reader_name : str
        Who reviews.
    weights : str
        Empty = bundled.
    threshold, minimum_volume_mm3 : float
        What Segment opens with.
    convention : str
        One of `CONVENTIONS`.
    colours : str
        Of the lesions, one of `COLOURS`.
    crosshair : str
        Its colour, one of `CROSSHAIRS`.
    blinded : bool
        Whether other readers' decisions stay hidden until the case is completed.
    planes : bool
        Whether Segment and Review open the three planes by themselves.
    nninteractive_server : str
        Address of a server that may answer clicks in Review; empty = none.
    """

    reader_name: str
    weights: str = ""
    threshold: float = SegmentConfig().threshold
    minimum_volume_mm3: float = SegmentConfig().minimum_volume_mm3
    convention: str = CONVENTIONS[0]
    colours: str = COLOURS[0]
    crosshair: str = next(iter(CROSSHAIRS))
    blinded: bool = True
    planes: bool = True
    nninteractive_server: str = ""


def preferences() -> Preferences:
    """Read the preferences; what was never set, or does not exist, has its default."""
    found = {
        name: value
        for name in Preferences.__dataclass_fields__
        if (value := _setting(name)) not in (None, "")
    }
    return Preferences(**({"reader_name": getpass.getuser()} | found))


def _setting(name: str) -> Any:
    try:
        from napari.settings import get_plugin_settings

        return getattr(getattr(get_plugin_settings(PLUGIN), PAGE), name, None)
    except (ImportError, KeyError, AttributeError, ValueError) as error:
        _log.debug("no preferences (%s)", error)
        return None
