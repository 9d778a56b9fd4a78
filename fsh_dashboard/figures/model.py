"""What weights are worth, in charts: reliability, recall by size, precision of the surest."""

from typing import Any

import altair as alt
import pandas as pd

from fsh_dashboard.figures.style import PLAIN, QUIET, axis, finish

_SHARE = alt.Scale(domain=[0, 1])


def reliability_diagram(bins: pd.DataFrame, said: str, came: str) -> Any:
    """Draw what was said against what came; a calibrated network follows the dashed line.

    Parameters
    ----------
    bins : DataFrame
        ``probability``, ``real`` and ``count``,
        from `fsh_dashboard.data.model_cards.reliability_rows`.
    said, came : str
        Titles of the axes.

    Returns
    -------
    altair chart
        Points, larger where there is more behind them.
    """
    line = alt.Chart(pd.DataFrame({"probability": [0.0, 1.0], "real": [0.0, 1.0]}))
    base = alt.Chart(bins).encode(
        x=alt.X("probability:Q", scale=_SHARE, axis=axis(said, grid=False)),
        y=alt.Y("real:Q", scale=_SHARE, axis=axis(came, gridOpacity=0.5)),
        tooltip=[
            alt.Tooltip("probability:Q", title=said, format=".3f"),
            alt.Tooltip("real:Q", title=came, format=".3f"),
            alt.Tooltip("count:Q", title="Count", format=",d"),
        ],
    )
    ideal = line.mark_line(color=QUIET, strokeDash=[4, 3], strokeWidth=1).encode(
        x=alt.X("probability:Q"), y=alt.Y("real:Q")
    )
    size = alt.Size("count:Q", scale=alt.Scale(type="sqrt", range=[40, 260]), legend=None)
    joined = base.mark_line(color=PLAIN, opacity=0.5)
    return finish(
        alt.layer(ideal, joined, base.mark_circle(color=PLAIN, opacity=1).encode(size=size)), 280
    )


def recall_by_size(sizes: pd.DataFrame) -> Any:
    """Draw the share of reference lesions that were found, by size, with the numbers behind it.

    The sizes name themselves; an upright title would be longer than the chart is high.

    Parameters
    ----------
    sizes : DataFrame
        ``size``, ``lesions``, ``found`` and ``recall``,
        from `fsh_dashboard.data.model_cards.recall_rows`.
    """
    shown = sizes.assign(
        words=[
            f"{found:.0f} of {lesions:.0f}" for found, lesions in sizes[["found", "lesions"]].values
        ]
    )
    base = alt.Chart(shown).encode(
        y=alt.Y("size:N", sort=list(sizes["size"]), axis=axis("")),
        x=alt.X("recall:Q", scale=_SHARE, axis=axis("Found (share)")),
        tooltip=["size:N", "lesions:Q", "found:Q", alt.Tooltip("recall:Q", format=".3f")],
    )
    words = base.mark_text(align="left", dx=6, color=QUIET).encode(text=alt.Text("words:N"))
    return finish(
        alt.layer(base.mark_bar(color=PLAIN, opacity=0.75, height=22), words),
        44 * len(sizes) + 30,
    )


def retention(curve: pd.DataFrame) -> Any:
    """Draw the precision among the surest lesions.

    Parameters
    ----------
    curve : DataFrame
        ``retained`` and ``precision``,
        from `fsh_dashboard.data.model_cards.retention_rows`.
    """
    base = alt.Chart(curve).encode(
        x=alt.X(
            "retained:Q", scale=_SHARE, axis=axis("Lesions kept, surest first (share)", grid=False)
        ),
        y=alt.Y("precision:Q", scale=_SHARE, axis=axis("Real among them (share)", gridOpacity=0.5)),
        tooltip=[alt.Tooltip("retained:Q", format=".1f"), alt.Tooltip("precision:Q", format=".3f")],
    )
    return finish(base.mark_line(color=PLAIN, point=alt.OverlayMarkDef(color=PLAIN)), 280)
