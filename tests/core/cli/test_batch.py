"""Many scans at once: one bad case, mask, name or file never stops or replaces the others."""

import errno
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fsh_core.cases import discover_cases
from fsh_core.cli import main
from fsh_core.cli import segment_job as segment_module
from fsh_core.cli import simulate as simulate_module
from fsh_core.derivatives import find_records, read_record, read_segmentation
from fsh_core.errors import InputError, sentence_of
from fsh_core.locks import one_writer
from fsh_core.volume.volume import Volume, save_like
from tests.core.cli.test_app import FAST, weights  # noqa: F401  (a fixture)


@pytest.fixture
def scans(phantom, tmp_path: Path) -> Path:
    """A folder with three scans."""
    for name in "abc":
        save_like(phantom.flair.data, phantom.flair, tmp_path / "in" / f"{name}_FLAIR.nii.gz")
    return tmp_path / "in"


@pytest.fixture
def segment(weights: Path, tmp_path: Path, capsys):  # noqa: F811
    """Segment into ``out``; gives the code, and all that was said in one line."""

    def run(*words: str | Path) -> tuple[int, str]:
        given = ["segment", *map(str, words), "-o", str(tmp_path / "out"), "--no-regions"]
        code = main([*given, "--weights", str(weights), *FAST])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def done(tmp_path: Path) -> list[str]:
    return sorted(pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t")["subject"])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "b_FLAIR.nii.gz: not enough memory; close other programs"),
        (RuntimeError("std::bad_alloc"), "b_FLAIR.nii.gz: not enough memory"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (UnicodeEncodeError("utf-8", "é", 0, 1, "no"), "not foreseen (UnicodeEncodeError: "),
        (RecursionError("too deep"), "not foreseen (RecursionError: too deep); please report"),
        (InputError("b is bad"), "b is bad"),
    ],
)
def test_whatever_is_raised_the_others_are_done(
    scans: Path, segment, tmp_path: Path, monkeypatch, error: Exception, sentence: str
) -> None:
    whole = segment_module.segment_case

    def fails_for_b(case, *given, **more):
        if case.subject == "b":
            raise error
        return whole(case, *given, **more)

    monkeypatch.setattr(segment_module, "segment_case", fails_for_b)
    code, said = segment(scans)
    assert code == 2
    assert sentence in said
    assert done(tmp_path) == ["a", "c"]


def test_simulating_goes_on_too(scans: Path, tmp_path: Path, monkeypatch) -> None:
    whole = simulate_module.simulate_lesions
    turns = iter([True, False, True])

    def fails_once(*given, **more):
        if not next(turns):
            raise MemoryError
        return whole(*given, **more)

    monkeypatch.setattr(simulate_module, "simulate_lesions", fails_once)
    assert main(["simulate", str(scans), "-o", str(tmp_path / "out"), "--count", "1"]) == 2
    assert [case.subject for case in discover_cases(tmp_path / "out")] == ["a", "c"]


def test_tables_are_written_while_cases_finish(
    scans: Path, segment, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(segment_module, "_TABLES_EVERY_S", 0.0)
    monkeypatch.setattr(segment_module, "_TABLES_SHARE", 0.0)
    whole, seen = segment_module.write_cohort, []

    def watch(out, known):
        found = whole(out, known)
        seen.append(done(tmp_path))
        return found

    monkeypatch.setattr(segment_module, "write_cohort", watch)
    assert segment(scans)[0] == 0
    assert len(seen) == 3
    assert all(set("abc"[: count + 1]) <= set(names) for count, names in enumerate(seen))


def test_a_subject_with_two_flairs_costs_only_itself(
    phantom_bids: Path, segment, tmp_path: Path
) -> None:
    anat = phantom_bids / "sub-01" / "anat"
    for run in (1, 2):
        shutil.copy(anat / "sub-01_FLAIR.nii.gz", anat / f"sub-01_run-{run}_FLAIR.nii.gz")
    (anat / "sub-01_FLAIR.nii.gz").unlink()
    code, said = segment(phantom_bids)
    assert code == 2
    assert "run-1_FLAIR.nii.gz: must be the only FLAIR of its case" in said
    assert len(pd.read_csv(tmp_path / "out" / "cases.tsv", sep="\t")) == 2


def test_the_api_still_refuses_a_dataset_with_a_problem(phantom_bids: Path) -> None:
    anat = phantom_bids / "sub-01" / "anat"
    shutil.copy(anat / "sub-01_FLAIR.nii.gz", anat / "sub-01_run-2_FLAIR.nii.gz")
    with pytest.raises(InputError, match="must be the only FLAIR"):
        discover_cases(phantom_bids)


class TestReference:
    def test_a_mask_in_another_space_is_none(self, phantom_bids: Path, segment, caplog) -> None:
        masks = phantom_bids / "derivatives" / "manual" / "sub-01" / "anat"
        (masks / "sub-01_label-L_mask.nii.gz").rename(
            masks / "sub-01_space-MNI152NLin2009cAsym_label-L_mask.nii.gz"
        )
        code, _ = segment(phantom_bids / "sub-01")
        assert code == 0
        assert "lies in another space than the scan, not used" in caplog.text

    @pytest.mark.parametrize("kind", ["another grid", "label 3", "empty file"])
    def test_a_bad_one_never_costs_the_segmentation(
        self, phantom, phantom_bids: Path, segment, tmp_path: Path, kind: str
    ) -> None:
        masks = phantom_bids / "derivatives" / "manual" / "sub-01" / "anat"
        path = masks / "sub-01_label-L_mask.nii.gz"
        if kind == "another grid":
            moved = Volume(phantom.flair.data, phantom.flair.affine + np.eye(4, k=3) * 20)
            save_like(phantom.reference, moved, path)
        elif kind == "label 3":
            save_like(phantom.reference.astype(np.uint8) * 3, phantom.flair, path)
        else:
            path.write_bytes(b"")
        code, said = segment(phantom_bids / "sub-01")
        assert code == 0
        assert "sub-01: not compared with its reference: " in said
        (record,) = (tmp_path / "out").glob("sub-01/anat/*_dseg.json")
        assert read_record(record).evaluation is None


class TestNames:
    def test_endings_in_capital_letters_are_read(
        self, scans: Path, segment, tmp_path: Path
    ) -> None:
        (scans / "b_FLAIR.nii.gz").rename(scans / "b_FLAIR.NII.GZ")
        assert segment(scans)[0] == 0
        assert done(tmp_path) == ["a", "b", "c"]

    def test_t1_t2_and_pd_are_no_flairs_of_further_patients(self, scans: Path, caplog) -> None:
        for word in ("T1", "T2", "PD", "mprage"):
            shutil.copy(scans / "a_FLAIR.nii.gz", scans / f"a_{word}.nii.gz")
        (scans / "a_mprage.nii.gz").rename(scans / "c_mprage.nii.gz")
        cases = discover_cases(scans)
        assert [case.subject for case in cases] == ["a", "b", "c"]
        assert [sorted(case.channels) for case in cases] == [
            ["FLAIR", "T1w", "T2w"],
            ["FLAIR"],
            ["FLAIR", "T1w"],
        ]
        assert "a_PD.nii.gz: is called a PD, not a FLAIR; not used" in caplog.text

    def test_a_name_that_is_no_text(self, scans: Path, segment, tmp_path: Path) -> None:
        source = bytes(scans / "b_FLAIR.nii.gz")
        try:
            Path(source.replace(b"b_F", b"b\xfc_F").decode("utf-8", "surrogateescape")).write_bytes(
                (scans / "b_FLAIR.nii.gz").read_bytes()
            )
        except OSError:
            pytest.skip("this file system has no such names")
        (scans / "b_FLAIR.nii.gz").unlink()
        code, said = segment(scans)
        assert code == 2
        assert r"b\udcfc_FLAIR.nii.gz: expected a name in UTF-8" in said
        assert done(tmp_path) == ["a", "c"]

    def test_one_that_is_too_long_is_refused_before_anything_is_computed(
        self, scans: Path, segment, tmp_path: Path, monkeypatch
    ) -> None:
        (scans / "b_FLAIR.nii.gz").rename(scans / f"{'b' * 225}_FLAIR.nii.gz")
        computed = []
        whole = segment_module.segment_case
        monkeypatch.setattr(
            segment_module,
            "segment_case",
            lambda case, *given, **more: computed.append(case) or whole(case, *given, **more),
        )
        code, said = segment(scans)
        assert code == 2
        assert "its name is too long (229 letters)" in said
        assert len(computed) == 2

    def test_images_of_another_format_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "imagesTr").mkdir()
        (tmp_path / "imagesTr" / "c1_0000.nrrd").touch()
        with pytest.raises(InputError, match=r"found c1_0000\.nrrd; F\.sh reads NIfTI alone"):
            discover_cases(tmp_path)


class TestTheSameName:
    @pytest.fixture
    def patients(self, phantom, tmp_path: Path) -> list[Path]:
        """Two patients whose scans are both called FLAIR."""
        paths = [tmp_path / f"p{number}" / "FLAIR.nii.gz" for number in (1, 2)]
        for number, path in enumerate(paths):
            save_like(phantom.flair.data + number, phantom.flair, path)
        return paths

    def test_another_scan_does_not_replace_a_result(
        self, patients: list[Path], segment, tmp_path: Path
    ) -> None:
        first, second = patients
        assert segment(first)[0] == 0
        (record,) = (tmp_path / "out").glob("sub-FLAIR/anat/*_dseg.json")
        before = record.read_bytes()
        code, said = segment(second)
        assert code == 2
        assert "already holds sub-FLAIR, made from another scan" in said
        assert record.read_bytes() == before
        assert segment(second, "--force")[0] == 0
        assert read_record(record).flair.path == str(second)

    def test_the_same_scan_elsewhere_is_done_already(self, patients: list[Path], segment) -> None:
        first, second = patients
        assert segment(first)[0] == 0
        shutil.copy(first, second)
        code, said = segment(second)
        assert code == 0
        assert "done already" in said

    def test_a_scan_that_changed_is_segmented_again(
        self, patients: list[Path], segment, tmp_path: Path
    ) -> None:
        first, second = patients
        assert segment(first)[0] == 0
        shutil.copy(second, first)
        assert segment(first)[0] == 0


def test_an_error_without_a_file_names_what_it_was_about() -> None:
    assert sentence_of(OSError("gone"), "scan.nii") == (
        "scan.nii: cannot be used (gone); check the disk and try again"
    )
    assert sentence_of(KeyError("x"), "scan.nii").startswith("scan.nii: failed in a way that was")


class TestTwoProcesses:
    """Two commands on one output folder: nothing is lost, nothing is done twice."""

    def test_two_at_once_share_the_work(self, scans: Path, weights: Path, tmp_path: Path) -> None:  # noqa: F811
        words = ["segment", str(scans), "-o", str(tmp_path / "out"), "--no-regions", *FAST]
        command = [sys.executable, "-m", "fsh_core.cli", *words, "--weights", str(weights)]
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)
        ]
        said = [process.communicate()[0] for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert done(tmp_path) == ["a", "b", "c"]
        times_made = sum(text.count(" lesions, ") for text in said)
        assert times_made == 3, said
        assert not list((tmp_path / "out").rglob(".fsh-*"))
        assert not list((tmp_path / "out").rglob("*.lock"))
        for path in find_records(tmp_path / "out"):
            read_segmentation(path)

    def test_a_case_that_another_process_is_at_comes_last(
        self, scans: Path, segment, tmp_path: Path, monkeypatch
    ) -> None:
        order = []
        whole = segment_module.segment_case

        def noting(case, *given, **more):
            order.append(case.subject)
            if case.subject == "c":
                free.set()
            return whole(case, *given, **more)

        monkeypatch.setattr(segment_module, "segment_case", noting)
        held, free = threading.Event(), threading.Event()

        def other_process():
            with one_writer(tmp_path / "out", "sub-a"):
                held.set()
                free.wait(60)

        thread = threading.Thread(target=other_process)
        thread.start()
        held.wait(60)
        code, said = segment(scans)
        thread.join()
        assert code == 0
        assert (set(order[:2]), order[2:]) == ({"b", "c"}, ["a"])
        assert "sub-a: another process is at it, so it is looked at last" in said
        assert done(tmp_path) == ["a", "b", "c"]


def test_a_changed_reference_is_noticed(phantom, segment, tmp_path: Path) -> None:
    anat = tmp_path / "in" / "sub-01" / "anat"
    mask = tmp_path / "in" / "derivatives" / "manual" / "sub-01" / "anat"
    save_like(phantom.flair.data, phantom.flair, anat / "sub-01_FLAIR.nii.gz")
    mask = mask / "sub-01_label-L_mask.nii.gz"
    save_like(phantom.reference, phantom.flair, mask)
    record = tmp_path / "out" / "sub-01" / "anat" / "sub-01_seg-lesions_dseg.json"
    assert segment(tmp_path / "in")[0] == 0
    dice = read_record(record).score("dice")
    save_like(np.roll(phantom.reference, 3, axis=0), phantom.flair, mask)
    code, said = segment(tmp_path / "in")
    assert code == 0
    assert "sub-01: segmented again, its reference mask changed" in said
    assert read_record(record).score("dice") != dice
    assert "done already" in segment(tmp_path / "in")[1]
    mask.unlink()
    assert "segmented again, there is no reference mask any more" in segment(tmp_path / "in")[1]
    assert read_record(record).evaluation is None


def test_what_is_not_used_is_said_once(phantom, segment, tmp_path: Path) -> None:
    anat = Path("sub-01") / "anat"
    name = "sub-01_space-MNI152NLin2009cAsym_label-L_mask.nii.gz"
    save_like(phantom.flair.data, phantom.flair, tmp_path / "in" / anat / "sub-01_FLAIR.nii.gz")
    mask = tmp_path / "in" / "derivatives" / "manual" / anat / name
    save_like(phantom.reference, phantom.flair, mask)
    for _ in range(2):  # each command says it again
        said = segment(tmp_path / "in")[1]
        assert said.count(f"fsh: {mask}: lies in another space than the scan, not used") == 1


def test_an_image_that_the_weights_do_not_take_is_refused(phantom, segment, tmp_path: Path) -> None:
    scan = tmp_path / "in" / "a_FLAIR.nii.gz"
    save_like(phantom.flair.data, phantom.flair, scan)
    code, said = segment(scan, "--channels", f"T1w={tmp_path / 'nothing.nii.gz'}")
    assert code == 2
    assert "--channels T1w: the weights tiny look at FLAIR alone; leave it away" in said
    assert not (tmp_path / "out").exists()


def test_two_scans_of_one_relative_path_are_two(
    phantom, segment, tmp_path: Path, monkeypatch
) -> None:
    for number, patient in enumerate(("p1", "p2")):
        scan = phantom.flair.data + np.float32(number)
        save_like(scan, phantom.flair, tmp_path / patient / "a_FLAIR.nii.gz")
    monkeypatch.chdir(tmp_path / "p1")
    assert segment("a_FLAIR.nii.gz")[0] == 0
    monkeypatch.chdir(tmp_path / "p2")
    code, said = segment("a_FLAIR.nii.gz")
    assert code == 2
    assert "already holds sub-a, made from another scan" in said
    monkeypatch.chdir(tmp_path / "p1")  # the same file, changed, is made again
    save_like(phantom.flair.data * np.float32(2), phantom.flair, Path("a_FLAIR.nii.gz"))
    code, said = segment("a_FLAIR.nii.gz")
    assert code == 0
    assert "sub-a: segmented again, its FLAIR changed" in said


def test_a_name_with_an_umlaut_is_told_once_and_stands_in_the_record(
    scans: Path, segment, tmp_path: Path
) -> None:
    (scans / "a_FLAIR.nii.gz").rename(scans / "Ä_FLAIR.nii.gz")
    code, said = segment(scans)
    assert code == 0
    note = "Ä is called sub-A, as BIDS names hold only letters a-z, digits and +"
    assert said.count(note) == 1
    notes = {
        record.case: record.flair.note
        for record in (read_segmentation(path).record for path in find_records(tmp_path / "out"))
    }
    assert notes == {"sub-A": note, "sub-b": None, "sub-c": None}
    assert note in (tmp_path / "out" / "sub-A.html").read_text()


def test_two_scans_that_would_have_one_name_are_not_one_patient(
    scans: Path, segment, tmp_path: Path
) -> None:
    (scans / "a_FLAIR.nii.gz").rename(scans / "bü_FLAIR.nii.gz")
    (scans / "b_FLAIR.nii.gz").rename(scans / "bu_FLAIR.nii.gz")
    code, said = segment(scans)
    assert code == 2
    assert "is called sub-bu, and so is" in said
    assert done(tmp_path) == ["c"]


class TestWhereNoScanCouldBeUsed:
    def test_nothing_is_left_behind(self, scans: Path, segment, tmp_path: Path) -> None:
        bad = tmp_path / "bad_FLAIR.nii.gz"
        bad.write_bytes(b"no scan")
        worse = tmp_path / "worse_FLAIR.nii.gz"
        worse.write_bytes(b"no scan")
        for given in ([bad], [bad, worse]):
            code, said = segment(*given)
            assert code == 2
            assert "bad_FLAIR.nii.gz: " in said
            assert "cases.tsv" not in said
            assert not (tmp_path / "out").exists()

    def test_what_was_there_stays(self, scans: Path, segment, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        (tmp_path / "out" / ".bidsignore").write_text("mine\n")
        bad = tmp_path / "bad_FLAIR.nii.gz"
        bad.write_bytes(b"no scan")
        assert segment(bad)[0] == 2
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            ".bidsignore",
            "notes.txt",
        ]
        segment(scans / "a_FLAIR.nii.gz")
        assert segment(bad)[0] == 2
        assert done(tmp_path) == ["a"]

    def test_simulating_leaves_nothing_either(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad_FLAIR.nii.gz"
        bad.write_bytes(b"no scan")
        assert main(["simulate", str(bad), "-o", str(tmp_path / "out")]) == 2
        assert not (tmp_path / "out").exists()


def test_timings_name_every_stage(segment, scans) -> None:
    code, said = segment(scans, "--timings")
    assert code == 0
    counts = {"reading the weights": 1, "the networks": 3, "quality": 3, "writing images": 3}
    for stage, count in counts.items():
        assert re.search(rf"{stage} │ {count} │ \d+\.\d\d │", said), stage
    assert "all, with start and imports" in said
    code, said = segment(scans, "--timings", "--dask", "local:1")
    assert code == 2
    assert "--timings is of this process" in said


def test_without_timings_nothing_is_said_of_them(segment, scans) -> None:
    assert "with start and imports" not in segment(scans)[1]
