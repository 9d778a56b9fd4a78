"""Between F.sh and napari: volumes as layers, colours, files."""
