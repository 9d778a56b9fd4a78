"""F.sh in the browser: cohorts, lesions, reviews, runs and weights as a dashboard.

The page reads what ``fsh train``, ``fsh segment`` and reviewers left in one folder, on this
machine, and asks the network for nothing. It writes one file, the review queue::

    folder                           which folder is open, and which files of it may be read
    runs, cohort, reviews, cards     files -> tables, pure
    queue_rules                      tables -> what to review next, pure
    scans, volumes, mosaic           files -> pictures, pure
    figures                          tables -> charts, pure
    viewer                           the volume viewer in the page
    views, sections                  the story of each page; app.py only navigates

The folder is not called ``pages``: Streamlit serves files of that name by itself, past
``app.py``, to whoever opens the address of a page first.
"""
