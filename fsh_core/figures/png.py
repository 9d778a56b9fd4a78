"""From a figure to a file, with the same bytes every time."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fsh_core.files import write_atomically

_COMPRESSION = 3  # of 9; the usual 6 takes three times as long


def to_png(figure: Figure) -> bytes:
    """Render a figure; the bytes hold neither a date nor a software version."""
    buffer = io.BytesIO()
    options = {"compress_level": _COMPRESSION}
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None}, pil_kwargs=options)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_atomically(path, to_png(figure))
