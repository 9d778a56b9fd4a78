"""Colours and sizes that every picture shares."""

from matplotlib.colors import LinearSegmentedColormap

# Blue and orange stay apart in every common colour blindness (Okabe and Ito, 2008).
REFERENCE_COLOUR = "#45c4f0"
PREDICTION_COLOUR = "#ff9a1f"
INK, QUIET, PALE, RULE = "#1f2328", "#6b7280", "#e6e9ed", "#d9dde2"
HEAT = LinearSegmentedColormap.from_list(
    "probability", ["#4b2a86", "#c2417c", "#ff9a1f", "#fff3c4"]
)
DPI = 220
PAGE_WIDTH_IN = 7.2
