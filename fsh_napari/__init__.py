"""F.sh in napari: segment a FLAIR, see its lesions in three planes, review and correct them.

::

    layers    voxels to what napari shows, and back; files opened and saved; colours
    segment   the widget that finds lesions; the network runs in a process beside the window
    views     three linked planes, another visit, crosshair and letters
    review    the widget that decides and corrects: keys, controller, view, stage
    cohort    the widget that lists the cases of a folder or a queue

Importing any of them loads no network. What a key does is found in `fsh_napari.review.keys`.
"""
