"""Pictures for people: lesions in slices, and training curves. No screen is needed."""

from fsh_core.figures.overview import all_slices, close_ups
from fsh_core.figures.png import save_figure, to_png
from fsh_core.figures.scans import glance, triptych
from fsh_core.figures.training import curves

__all__ = ["all_slices", "close_ups", "curves", "glance", "save_figure", "to_png", "triptych"]
