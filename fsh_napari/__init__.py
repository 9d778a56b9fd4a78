"""F.sh in napari: segment a FLAIR, look at the lesions in three planes, correct them, keep the record.

The files stand in the order in which a scan passes them: ``layers`` (voxels to what napari
shows, and back), ``files`` (open, save, sample), ``worker`` (the network, in a thread),
``segment`` and ``review`` (the two widgets), ``planes`` (three linked views). Importing any of
them loads no torch.
"""
