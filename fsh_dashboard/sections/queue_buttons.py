"""From a lesion on the page into the queue that the napari plugin opens."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from fsh_core.errors import InputError
from fsh_core.review import Queue, QueueItem, change_queue
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.folder import Opened
from fsh_dashboard.data.queue_rules import picked, with_more
from fsh_dashboard.page import counted
from fsh_dashboard.plain_text import plain


def offer_queue(
    opened: Opened, results: Results, lesion: "pd.Series[Any] | None", shown: pd.DataFrame
) -> None:
    """Offer to queue the chosen lesion, or all that the filters left."""
    if opened.reader:
        return
    if opened.is_example:
        st.caption(
            "The bundled example stays as it is: open a folder of your own to send lesions to the "
            "review queue."
        )
        return
    buttons = st.container(horizontal=True)
    if lesion is not None:
        one = results.lesions.loc[[lesion.name]]
        words = f"Queue lesion {plain(lesion['label'])} of {plain(lesion['case'])}"
        buttons.button(
            words, key="queue-one", on_click=partial(queue_lesions, opened, results, one)
        )
    count = len(shown)
    buttons.button(
        f"Queue all {count:,} shown" if count != 1 else "Queue the one shown",
        key="queue-all",
        disabled=not count,
        help="Adds them to review_queue.json in the results. The napari plugin opens it: "
        "Plugins > F.sh > Review.",
        on_click=partial(queue_lesions, opened, results, shown),
    )
    if said := st.session_state.pop("queued", ""):
        st.success(plain(said))
    if said := st.session_state.pop("not-queued", ""):
        st.error(plain(said))


def queue_lesions(opened: Opened, results: Results, lesions: pd.DataFrame) -> None:
    """Add lesions to the queue of the results; a callback."""
    try:
        queue, path = add_to_queue(opened, results, picked(results, lesions))
    except InputError as error:
        st.session_state["not-queued"] = str(error).replace(f"{opened.root}/", "")
        return
    cases = counted(len(queue.items), "case")
    st.session_state["queued"] = (
        f"{counted(len(lesions), 'lesion')} queued. {path} now has {cases}; see the page Review."
    )


def add_to_queue(opened: Opened, results: Results, items: Sequence[QueueItem]) -> tuple[Queue, str]:
    """Add items to the queue in the results folder, which must still be inside the opened one.

    Returns
    -------
    queue : Queue
        As it is now.
    path : str
        The file, relative to the opened folder.

    Raises
    ------
    InputError
        If the queue that is there is broken, or cannot be written.
    """
    folder = opened.inside(results.name)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    queue, path = change_queue(
        folder, lambda there: with_more(there or Queue("Picked lesions", created, "", ()), items)
    )
    return queue, opened.named(path)
