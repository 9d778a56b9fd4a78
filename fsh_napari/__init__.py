"""F.sh in napari: segment a FLAIR, look at the lesions in three planes, correct them, keep the record.

The files stand in the order in which a scan passes them: ``layers`` (voxels to what napari
shows, and back), ``files`` (open, save, sample), ``job`` and ``worker`` (the network, in a
process of its own, and what the window knows of it), ``threshold``, ``choosing`` and ``segment``
(the widget that finds, in three parts), ``marks``, ``group``, ``plane`` and ``planes`` (three
linked views), ``case`` (a record under review), ``panel``, ``correcting``, ``looking``,
``deciding`` and ``review`` (the widget that decides, in five parts), ``visits`` (another visit
beside it) and ``cohort`` (the widget that says which case comes next). Importing any of them
loads no network.
"""
