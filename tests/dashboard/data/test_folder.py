"""The opened folder is the only door: nothing outside it is found or read."""

from pathlib import Path

import pytest

from fsh_core.errors import InputError
from fsh_dashboard.data.folder import EXAMPLE, find_results, find_runs, open_folder


def test_without_a_folder_the_example_opens() -> None:
    opened = open_folder([])
    assert opened.is_example
    assert opened.root == EXAMPLE.resolve()


@pytest.mark.parametrize("words", [["nowhere"], ["."] * 2, ["--port", "3"], ["--images"]])
def test_nonsense_after_the_dashes_is_refused_in_one_sentence(words: list[str]) -> None:
    with pytest.raises(InputError, match="fsh dashboard FOLDER"):
        open_folder(words)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").touch()
    with pytest.raises(InputError, match="expected a folder, found a file"):
        open_folder([str(tmp_path / "scan.nii.gz")])


@pytest.mark.parametrize(
    "way", ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "link/secret.txt", "link.txt"]
)
def test_ways_out_are_refused(tmp_path: Path, way: str) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link").symlink_to(tmp_path)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="leads out of the opened folder"):
        open_folder([str(root)]).inside(way)


def test_a_neighbour_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root2").mkdir()
    with pytest.raises(InputError, match="leads out"):
        open_folder([str(tmp_path / "root")]).inside("../root2")


def test_a_null_byte_or_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    opened = open_folder([str(tmp_path)])
    with pytest.raises(InputError, match="cannot be followed"):
        opened.inside("a\0b")


def test_links_that_stay_inside_and_folders_of_images_are_fine(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "scans").mkdir()
    (tmp_path / "root" / "here").symlink_to(tmp_path / "root")
    opened = open_folder([str(tmp_path / "root"), "--images", str(tmp_path / "scans")])
    assert opened.inside("here") == opened.root
    assert opened.inside(tmp_path / "scans" / "a.nii") == (tmp_path / "scans" / "a.nii").resolve()


def test_runs_and_results_are_found_wherever_they_lie(run_folder: Path, study: Path) -> None:
    assert find_runs(open_folder([str(run_folder)])) == [
        "runs/second",
        "runs/first",
    ]  # latest log first
    assert find_runs(open_folder([str(run_folder / "runs" / "first")])) == ["."]
    assert find_results(open_folder([str(study)])) == ["derivatives/fsh"]
    assert find_results(open_folder([str(study / "derivatives" / "fsh")])) == ["."]


def test_runs_behind_a_link_out_of_the_folder_are_not_found(
    run_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "link").symlink_to(run_folder / "runs")
    assert find_runs(open_folder([str(tmp_path / "empty")])) == []


def test_hidden_folders_are_left_alone(tmp_path: Path, run_folder: Path) -> None:
    (run_folder / "runs").rename(run_folder / ".runs")
    assert find_runs(open_folder([str(run_folder)])) == []


@pytest.mark.parametrize("way", ["link/secret", "linked", "../secret", "inside/../../secret"])
def test_the_door_for_many_files_refuses_what_the_one_for_a_single_file_does(
    tmp_path: Path, way: str
) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "opened" / "inside").mkdir(parents=True)
    (tmp_path / "opened" / "link").symlink_to(tmp_path)
    (tmp_path / "opened" / "linked").symlink_to(tmp_path / "secret")
    opened = open_folder([str(tmp_path / "opened")])
    inside = opened.all_inside()
    with pytest.raises(InputError) as single:
        opened.inside(Path(way))
    for _ in range(2):  # also when the folder is known by then
        with pytest.raises(InputError) as many:
            inside(Path(way))
        assert str(many.value) == str(single.value)
    assert inside(Path("inside/file")) == opened.inside("inside/file")


def test_the_door_for_many_files_follows_links_that_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    inside = open_folder([str(tmp_path)]).all_inside()
    assert inside(Path("link/file")) == (tmp_path / "there" / "file").resolve()
