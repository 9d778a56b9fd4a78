"""The bridge to ITK: a voxel keeps its place and its value, whatever the axes are."""

import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fsh_core.errors import InputError
from fsh_core.volume.itk import (
    grid_of,
    lps_affine,
    matrix_of,
    one_thread,
    read_affine_transform,
    to_itk,
    voxels_of,
)
from fsh_core.volume.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[3]
SHAPE = (4, 5, 6)


def turned(degrees: float) -> np.ndarray:
    """A rotation about A, whose sign tells left from right."""
    angle = np.radians(degrees)
    return np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )


def affine_of(axes: np.ndarray) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, (-70.0, 90.0, 40.0)
    return affine


GRIDS = {
    "RAS": affine_of(np.diag([1.0, 1.5, 4.0])),
    "LAS, left-handed": affine_of(np.diag([-1.0, 1.5, 4.0])),
    "sagittal slices": affine_of(np.array([[0, 0, 3.0], [-0.9, 0, 0], [0, 1.1, 0]])),
    "oblique": affine_of(turned(20.0) @ np.diag([0.8, 1.5, 5.0])),
}


@pytest.mark.parametrize("affine", GRIDS.values(), ids=GRIDS)
def test_every_voxel_is_where_it_was(affine) -> None:
    volume = Volume(np.arange(120, dtype=np.float32).reshape(SHAPE), affine)
    image = to_itk(volume)
    for index in ((0, 0, 0), (3, 1, 5), (1, 4, 2)):
        assert image.GetPixel(index) == volume.data[index]
        left, posterior, superior = image.TransformIndexToPhysicalPoint(index)
        ras = affine @ [*index, 1]
        np.testing.assert_allclose([-left, -posterior, superior], ras[:3], atol=1e-9)
        np.testing.assert_allclose(
            lps_affine(volume) @ [*index, 1], [left, posterior, superior, 1], atol=1e-9
        )
    np.testing.assert_array_equal(voxels_of(image), volume.data)
    grid = grid_of(volume)
    assert grid.GetSize() == SHAPE
    assert (grid.GetOrigin(), grid.GetSpacing()) == (image.GetOrigin(), image.GetSpacing())
    assert grid.GetDirection() == image.GetDirection()


def test_axes_that_are_not_quite_at_right_angles_are_made_so() -> None:
    """Headers hold rounded numbers, and ITK refuses what is not a rotation."""
    axes = np.round(turned(20.0) @ np.diag([0.8, 1.5, 5.0]), 2)
    image = to_itk(Volume(np.zeros(SHAPE, np.float32), affine_of(axes)))
    direction = np.array(image.GetDirection()).reshape(3, 3)
    np.testing.assert_allclose(direction @ direction.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(image.GetSpacing(), np.sqrt((axes**2).sum(axis=0)))


def test_a_mask_can_cross() -> None:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[1, 2, 3] = True
    assert voxels_of(to_itk(Volume(mask, np.eye(4)))).dtype == np.uint8
    assert to_itk(Volume(mask, np.eye(4))).GetPixel((1, 2, 3)) == 1


@pytest.mark.parametrize("kind", [sitk.AffineTransform(3), sitk.Euler3DTransform()])
def test_a_transform_moves_points_as_its_matrix_does(kind) -> None:
    """With a centre of its own: to leave it out turns about the origin instead."""
    kind.SetCenter((10.0, -20.0, 30.0))
    kind.SetTranslation((1.0, 2.0, 3.0))
    kind.SetMatrix(turned(30.0).ravel().tolist())
    left, posterior, superior = kind.TransformPoint((-5.0, -6.0, 7.0))
    moved = matrix_of(kind) @ [5.0, 6.0, 7.0, 1.0]
    np.testing.assert_allclose(moved, [-left, -posterior, superior, 1.0], atol=1e-12)


def test_a_transform_file_is_read_as_itk_writes_it(tmp_path: Path) -> None:
    transform = sitk.AffineTransform(3)
    transform.SetCenter((10.0, -20.0, 30.0))
    transform.SetMatrix((turned(30.0) * 1.1).ravel().tolist())
    path = tmp_path / "moved.txt"
    sitk.WriteTransform(transform, str(path))
    np.testing.assert_allclose(read_affine_transform(path), matrix_of(transform))


def test_the_base_class_that_other_tools_write_is_read_too(tmp_path: Path) -> None:
    """SimpleITK's own reader refuses it."""
    path = tmp_path / "common.txt"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\n"
        "Transform: MatrixOffsetTransformBase_double_3_3\n"
        "Parameters: 0 -1 0 1 0 0 0 0 1 5 0 6\nFixedParameters: 10 0 0\n"
    )
    # A quarter turn about S through the LPS point (10, 0, 0), then 5 mm to the left and 6 mm up.
    moved = read_affine_transform(path) @ [-14.0, -2.0, 0.0, 1.0]
    np.testing.assert_allclose(moved, [-13.0, -4.0, 6.0, 1.0], atol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no transform",
        "Parameters: 1 0 0 1 2 3\nFixedParameters: 0 0 0\n",
        "Parameters: 1 0 0 0 one 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n",
        "Parameters: 1 0 0 0 1 0 0 0 1 0 0 0\n",
    ],
)
def test_what_is_no_transform_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "moved.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"moved\.txt: expected an ITK transform file with one"):
        read_affine_transform(path)


class TestOneThread:
    """The default is the whole process's: it comes back, also after an error and among threads."""

    @pytest.fixture(autouse=True)
    def three_threads(self):
        before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(3)
        yield
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)

    def test_it_comes_back_after_an_error(self) -> None:
        def fails() -> None:
            with one_thread():
                assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 1
                raise RuntimeError("lost")

        with pytest.raises(RuntimeError, match="lost"):
            fails()
        assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 3

    def test_two_at_once_take_turns(self) -> None:
        """Else the first to leave gives the second its threads, and the second leaves one."""
        inside, leave, seen = threading.Event(), threading.Event(), []

        def first() -> None:
            with one_thread():
                inside.set()
                leave.wait(10)

        def second() -> None:
            inside.wait(10)
            with one_thread():
                seen.append(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads())

        workers = [threading.Thread(target=work) for work in (first, second)]
        for worker in workers:
            worker.start()
        inside.wait(10)
        workers[1].join(0.2)
        waited = not seen
        leave.set()
        for worker in workers:
            worker.join(10)
        assert waited
        assert seen == [1]
        assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 3


def test_no_other_file_knows_how_itk_counts() -> None:
    """`studies.consensus` hands ITK lists of votes, which have no place in the world."""
    homes = {"fsh_core/volume/itk.py", "fsh_core/studies/consensus.py"}
    for package in ("fsh_core", "fsh_napari", "fsh_dashboard"):
        for path in (REPOSITORY / package).rglob("*.py"):
            name, text = path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")
            for spelling in ("ImageFromArray", "ArrayFromImage", "SetNumberOfThreads("):
                assert spelling not in text or name in homes, (name, spelling)
            assert "diag([-1.0, -1.0, 1.0, 1.0])" not in text or name in homes, name
