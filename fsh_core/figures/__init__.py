"""Pictures for people: lesions in slices, and training curves. No screen is needed.

Loading matplotlib takes most of a second, and not everything here needs it: a function is
fetched when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsh_core.figures.overview import all_slices, close_ups
    from fsh_core.figures.png import save_figure, to_png
    from fsh_core.figures.scans import glance, triptych
    from fsh_core.figures.training import curves

_HOMES = {
    "all_slices": "overview",
    "close_ups": "overview",
    "curves": "training",
    "glance": "scans",
    "save_figure": "png",
    "to_png": "png",
    "triptych": "scans",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["all_slices", "close_ups", "curves", "glance", "save_figure", "to_png", "triptych"]
