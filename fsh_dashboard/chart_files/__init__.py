"""Any chart of a page as an SVG file, taken from the page itself.

Streamlit's own button above a chart gives PNG.
"""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """
<label>Save a chart as SVG <select aria-label="Chart"></select></label>
<button type="button">Save as SVG</button>
"""
_CSS = """
label, select, button { font: inherit; font-size: 0.875rem; color: var(--st-text-color) }
select, button {
    padding: 0.35rem 0.6rem; max-width: 60%; background: var(--st-secondary-background-color);
    border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
}
option { background: var(--st-background-color) }
button { cursor: pointer }
"""


@cache
def _component() -> Any:
    code = Path(__file__).with_name("save.js").read_text(encoding="utf-8")
    return st.components.v2.component("fsh_save_chart", html=_HTML, css=_CSS, js=code)


def offer_charts() -> None:
    """Let a chart of this page be chosen and saved; for the end of the page."""
    _component()(key="save-chart")
