"""Linked views of one scan: axial, coronal, sagittal, and another visit."""
