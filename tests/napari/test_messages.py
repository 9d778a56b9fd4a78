"""An error begins with the name of its file, not with a path that fills the panel."""

import pytest

pytest.importorskip("qtpy.QtCore", reason="Qt is not installed")

from fsh_napari.messages import without_folder


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("/data/study/sub-01/x.nii.gz: is gone; segment again", "x.nii.gz: is gone; segment again"),
        ("⚠ /data/a b/x.json: is no record", "⚠ x.json: is no record"),
        (r"C:\data\x.json: is no record", "x.json: is no record"),
        ("3 lesions, 0.27 ml", "3 lesions, 0.27 ml"),
        ("Saved: /data/x.json", "Saved: /data/x.json"),
        ("sub-01: /data/x.json: is gone", "sub-01: /data/x.json: is gone"),
    ],
)
def test_the_name_of_the_file_comes_first(sentence: str, shown: str) -> None:
    assert without_folder(sentence) == shown
