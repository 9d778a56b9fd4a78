"""F.sh in the browser: runs, cases and cohorts as a read-only dashboard.

The page reads what ``fsh train`` and ``fsh segment`` left in one folder, on this machine,
and asks the network for nothing::

    folder           which folder is open, and which files of it may be read
    runs, cohort     files -> tables, pure
    figures          tables -> charts, pure
    views            the story of each page; app.py only navigates

The folder is not called ``pages``: Streamlit serves files of that name by itself, past
``app.py``, to whoever opens the address of a page first.
"""
