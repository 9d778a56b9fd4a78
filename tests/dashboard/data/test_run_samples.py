"""Slices that a run kept: which are shown, how they are drawn, and what is refused."""

from pathlib import Path

import numpy as np

from fsh_core.training.sample import Sample, write_sample
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.run_samples import MOST, picture_of, samples_of

BLUE, ORANGE = (0x45, 0xC4, 0xF0), (0xFF, 0x9A, 0x1F)


def sample() -> Sample:
    """A reference in the lower left, a prediction in the upper right."""
    reference = np.zeros((10, 12), dtype=bool)
    probability = np.zeros((10, 12), dtype=np.uint8)
    reference[1:4, 1:4] = True
    probability[6:9, 8:11] = 128
    return Sample(np.full((10, 12), 51, np.uint8), reference, probability)


def test_both_are_outlined_and_the_first_row_is_the_lowest() -> None:
    picture = picture_of(sample())
    assert picture.shape == (20, 24, 3)
    assert tuple(picture[0, 0]) == (51, 51, 51)
    blue, orange = ((picture == colour).all(axis=2) for colour in (BLUE, ORANGE))
    assert np.argwhere(blue).min(axis=0).tolist() == [12, 2]
    assert np.argwhere(blue).max(axis=0).tolist() == [17, 7]
    assert np.argwhere(orange).min(axis=0).tolist() == [2, 16]
    assert not blue[14, 4]  # only the outline


def test_the_first_and_the_last_of_many_are_shown(run_folder: Path) -> None:
    for epoch in range(1, 41):
        write_sample(run_folder / "runs" / "first", epoch, sample())
    pictures, problems = samples_of(open_folder([str(run_folder)]), "runs/first")
    assert len(pictures) == MOST
    assert (min(pictures), max(pictures)) == (1, 40)
    assert problems == []


def test_what_cannot_be_read_is_named(run_folder: Path, tmp_path: Path) -> None:
    folder = run_folder / "runs" / "first"
    write_sample(folder, 8, sample())
    (folder / "samples" / "epoch-0009.npz").write_bytes(b"no")
    (folder / "samples" / "mine.npz").write_bytes(b"no")
    outside = tmp_path / "outside.npz"
    outside.write_bytes((folder / "samples" / "epoch-0008.npz").read_bytes())
    (folder / "samples" / "epoch-0010.npz").symlink_to(outside)
    pictures, problems = samples_of(open_folder([str(run_folder)]), "runs/first")
    assert [*pictures] == [8]
    assert len(problems) == 2
    assert problems[0].startswith("runs/first/samples/epoch-0009.npz: expected a slice")
    assert "leads out of the opened folder" in problems[1]
    assert samples_of(open_folder([str(run_folder)]), "runs/second") == ({}, [])
