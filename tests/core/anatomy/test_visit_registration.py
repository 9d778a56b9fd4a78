"""Two visits are laid over each other as they were moved apart."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fsh_core.anatomy.visit_registration import register_visits
from fsh_core.errors import InputError
from fsh_core.volume.nifti import read_nifti
from fsh_core.volume.volume import Volume, load_volume

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CORNERS_MM = np.array([[r, a, s, 1.0] for r in (-50, 50) for a in (-60, 60) for s in (-40, 40)])


def movement(
    degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """A rigid movement: turns about R, A and S, one after another, then a shift."""
    moved = np.eye(4)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(4)
        a, b = [other for other in range(3) if other != axis]
        one[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        moved = one @ moved
    moved[:3, 3] = shift_mm
    return moved


def head(
    affine: NDArray[np.float64], shape: tuple[int, int, int], moved: NDArray[np.float64]
) -> Volume:
    """A brain without symmetry: what lies at p in the patient lies at ``moved @ p`` in the scan."""
    grid = np.stack([*np.indices(shape).astype(float), np.ones(shape)], axis=-1)
    r, a, s, _ = np.moveaxis(grid @ (np.linalg.inv(moved) @ affine).T, -1, 0)
    data = 100.0 * ((r / 66) ** 2 + (a / 80) ** 2 + (s / 50) ** 2 < 1)
    for (at_r, at_a, at_s), radius, grey in (
        ((-12, 5, 8), 14, 30),
        ((14, 12, 4), 10, 30),
        ((25, -30, 20), 9, 170),
        ((-30, 30, -15), 12, 150),
        ((5, -50, -20), 16, 70),
        ((-45, 0, 15), 8, 40),
        ((45, -5, -12), 9, 160),
    ):
        data[(r - at_r) ** 2 + (a - at_a) ** 2 + (s - at_s) ** 2 < radius**2] = grey
    noise = np.random.default_rng(int(shape[2])).normal(0, 2, shape)
    return Volume((data + noise * (data > 0)).astype(np.float32), affine)


@pytest.fixture(scope="module")
def first() -> Volume:
    """Thick axial slices in LPS order."""
    affine = np.diag([-1.5, -1.5, 4.0, 1.0])
    affine[:3, 3] = 75, 95, -70
    return head(affine, (100, 126, 36), np.eye(4))


def second(moved: NDArray[np.float64]) -> Volume:
    """Another scanner: sagittal slices of 3 mm in AIR order."""
    affine = np.zeros((4, 4))
    affine[1, 0], affine[2, 1], affine[0, 2], affine[3, 3] = 2.0, -2.0, 3.0, 1
    affine[:3, 3] = -90, -110, 100
    return head(affine, (110, 100, 60), moved)


def error_mm(found: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """The largest error at the corners of a box as large as a brain."""
    return float(np.linalg.norm((CORNERS_MM @ (found - true).T)[:, :3], axis=1).max())


@pytest.mark.parametrize(
    ("degrees", "shift_mm"),
    [((0, 0, 0), (0, 0, 0)), ((6, -4, 9), (5, -8, 12)), ((-3, 2, -10), (-30, 25, 35))],
)
def test_a_known_movement_is_found(first, degrees, shift_mm) -> None:
    true = movement(degrees, shift_mm)
    found = register_visits(first, second(true))
    assert error_mm(found, true) < 1.5  # half a voxel of the registration


def test_it_is_rigid_and_the_same_every_time(first) -> None:
    other = second(movement((3, 5, -4), (4, 4, -6)))
    found = register_visits(first, other)
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1)
    np.testing.assert_array_equal(found[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(register_visits(first, other), found)


def test_there_and_back_is_where_it_was(first) -> None:
    other = second(movement((4, -3, 5), (6, 2, -9)))
    assert error_mm(register_visits(other, first) @ register_visits(first, other), np.eye(4)) < 2.0


def test_scans_with_nothing_in_common(first) -> None:
    empty = Volume(np.zeros((20, 20, 20), dtype=np.float32), np.eye(4))
    with pytest.raises(
        InputError, match="the two scans cannot be laid over each other, expected two visits"
    ):
        register_visits(first, empty)


@pytest.mark.parametrize("patient", ["patient01", "patient03", "patient12"])
def test_real_visits_agree_with_what_is_known(real_data: Path, patient: str) -> None:
    """The known transforms stretch a little: rigid ones fit them to 0.1 to 0.4 mm at best."""
    folder = real_data.parent / "longitudinal" / patient
    if not folder.is_dir():
        pytest.skip("the scans of two visits are not beside the project")
    mask, affine, _ = read_nifti(folder / "brain_mask.nii.gz")
    voxels = np.argwhere(mask > 0)[::997]
    common_mm = np.c_[voxels, np.ones(len(voxels))] @ affine.T
    places = [
        common_mm @ itk_matrix(folder / f"study{visit}_FLAIR_to_common_space.txt").T
        for visit in (1, 2)
    ]
    scans = [load_volume(folder / f"study{visit}_FLAIR.nii.gz") for visit in (1, 2)]
    found = register_visits(*scans)
    errors_mm = np.linalg.norm((places[0] @ found.T - places[1])[:, :3], axis=1)
    assert errors_mm.mean() < 2.0  # slices are 3 to 4 mm thick
    assert errors_mm.max() < 3.0


def itk_matrix(path: Path) -> NDArray[np.float64]:
    """Read an ITK affine transform as a matrix of RAS+ mm."""
    lines = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)
    numbers, centre = (
        np.array(lines[key].split(), dtype=float) for key in ("Parameters", "FixedParameters")
    )
    lps = np.eye(4)
    lps[:3, :3] = numbers[:9].reshape(3, 3)
    lps[:3, 3] = centre + numbers[9:] - lps[:3, :3] @ centre
    return RAS_TO_LPS @ lps @ RAS_TO_LPS
