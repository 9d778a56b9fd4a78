"""F.sh in napari: segment a FLAIR, look at the lesions in three planes, correct them, keep the record.

The files stand in the order in which a scan passes them: ``layers`` (voxels to what napari
shows, and back), ``files`` (open, save, sample), ``worker`` (the network, in a process of its
own), ``segment`` (the widget that finds), ``marks``, ``plane`` and ``planes`` (three linked
views), ``case`` (a record under review), ``panel``, ``correcting``, ``looking`` and ``review``
(the widget that decides, in four parts), ``visits`` (another visit beside it) and ``cohort``
(the widget that says which case comes next). Importing any of them loads no torch.
"""
