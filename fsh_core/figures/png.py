"""From a figure to a file, with the same bytes every time."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fsh_core.files import write_atomically


def to_png(figure: Figure) -> bytes:
    """Render a figure; the bytes hold neither a date nor a software version."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_atomically(path, to_png(figure))
