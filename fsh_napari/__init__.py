"""F.sh in napari: segment, review and correct lesions."""
