"""F.sh in the browser: cohorts, lesions, reviews, runs and weights as a dashboard.

The page reads what ``fsh train``, ``fsh segment`` and reviewers left in one folder, on this
machine, and asks the network for nothing. It writes one file, the review queue::

    data        the opened folder, files -> tables and images; knows no page
    figures     tables -> charts; knows no page
    viewer      the volume viewer in the page
    sections    parts of a page
    views       the story of each page; app.py only navigates
    server      the pages behind their gate, which says who may open them
    loading, page, table_display     what the pages share

The folder is not called ``pages``: Streamlit serves files of that name by itself, past
``app.py``, to whoever opens the address of a page first.
"""
