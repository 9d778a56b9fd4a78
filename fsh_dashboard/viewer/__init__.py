"""The volume viewer in the page: three planes and 3D, in the browser, fed by this server alone.

``frontend`` is what the browser gets: NiiVue as it was published, and what joins it to the
page. The images come as files that Streamlit keeps for as long as they are shown.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streamlit import runtime
from streamlit.components.v1 import declare_component

HEIGHT = 460
_show = declare_component("volume_viewer", path=Path(__file__).with_name("frontend"))


class Jump(NamedTuple):
    """Where the crosshair is to go; another ``id`` makes it go again."""

    id: str
    mm: tuple[float, float, float]


def show(
    case: str, layers: Mapping[str, bytes], window: tuple[float, float], jump: Jump | None, key: str
) -> None:
    """Show a case.

    Parameters
    ----------
    case : str
        Its name.
    layers : mapping of str to bytes
        From `fsh_dashboard.data.volumes.layers`.
    window : (float, float)
        FLAIR values that are black and white at first.
    jump : Jump or None
        A point in RAS mm; None leaves the crosshair where it is.
    key : str
        Of the element: the viewer stays the same while this does.
    """
    urls = {name: _serve(payload, f"{key}-{name}") for name, payload in layers.items()}
    goal = jump._asdict() if jump else None
    _show(case=case, layers=urls, window=window, jump=goal, height=HEIGHT, key=key, default=None)


def _serve(payload: bytes, place: str) -> str:
    """Let Streamlit serve bytes to this session until a run that no longer asks for them.

    Streamlit tells large files apart by their length and samples only; the hash in the
    name keeps two masks of one size apart.
    """
    if not runtime.exists():
        return ""
    name = f"{hashlib.sha256(payload).hexdigest()[:32]}.nii.gz"
    return runtime.get_instance().media_file_mgr.add(
        payload, "application/gzip", place, file_name=name
    )
