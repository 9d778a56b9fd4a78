"""The volume viewer in the page: three planes and 3D, in the browser, fed by this server alone.

``frontend`` is what the browser gets: NiiVue as it was published, and what joins it to the
page. The images come as files that Streamlit keeps for as long as they are shown.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from streamlit import runtime
from streamlit.components.v1 import declare_component

HEIGHT = 460
_show = declare_component("volume_viewer", path=Path(__file__).with_name("frontend"))


class Jump(NamedTuple):
    """Where the crosshair is to go; another ``id`` makes it go again."""

    id: str
    mm: tuple[float, float, float]


class Link(NamedTuple):
    """Viewers with one ``name`` go to the same place together.

    ``to_common`` and ``from_common`` are rows of (4, 4) matrices between the viewer's RAS mm and
    those that all viewers of the name share.
    """

    name: str
    to_common: tuple[tuple[float, ...], ...]
    from_common: tuple[tuple[float, ...], ...]

    @classmethod
    def between(cls, name: str, to_common: NDArray[np.floating]) -> "Link":
        """Make a link from the (4, 4) matrix of one direction.

        Raises
        ------
        numpy.linalg.LinAlgError
            If it cannot be undone.
        """
        return cls(name, _rows(to_common), _rows(np.linalg.inv(to_common)))


def _rows(matrix: NDArray[np.floating]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def show(
    case: str,
    layers: Mapping[str, bytes],
    window: tuple[float, float],
    jump: Jump | None,
    key: str,
    *,
    scheme: Literal["reference", "changes"] = "reference",
    link: Link | None = None,
    height: int = HEIGHT,
) -> None:
    """Show a case.

    Parameters
    ----------
    case : str
        Its name.
    layers : mapping of str to bytes
        From `fsh_dashboard.data.volumes.layers` or `fsh_dashboard.data.pair_images.pack_visit`.
    window : (float, float)
        FLAIR values that are black and white at first.
    jump : Jump or None
        A point in RAS mm; None leaves the crosshair where it is.
    key : str
        Of the element: the viewer stays the same while this does.
    scheme : {'reference', 'changes'}
        What the numbers in the outlines mean.
    link : Link or None
        With which other viewers the crosshair moves.
    height : int
        Of the planes, in pixels.
    """
    urls = {name: _serve(payload, f"{key}-{name}") for name, payload in layers.items()}
    goal = jump._asdict() if jump else None
    _show(
        case=case,
        layers=urls,
        window=window,
        jump=goal,
        scheme=scheme,
        link=link._asdict() if link else None,
        height=height,
        key=key,
        default=None,
    )


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
