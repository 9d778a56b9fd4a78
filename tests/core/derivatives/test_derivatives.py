"""Cases on disk: complete or absent, found again, skipped when current, stacked into tables."""

import errno
import gzip
import json
import os
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.config import SegmentConfig
from fsh_core.derivatives import (
    Known,
    cohort_tables,
    derivative_paths,
    find_records,
    read_cohort,
    read_record,
    read_segmentation,
    round_probability,
    why_stale,
    write_cohort,
    write_segmentation,
)
from fsh_core.errors import Cancelled, InputError
from fsh_core.files import sha256_of, staging_folder
from fsh_core.locks import clear_after_killed
from tests.core.dying import lives_through

WEIGHTS_SHA256 = "1c" * 32


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files_in(folder)}


def record_in(content):
    return next(payload for name, payload in content.items() if name.endswith("_dseg.json"))


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def stale(segmentation, folder, weights_sha256=WEIGHTS_SHA256, config=None, **changes):
    return why_stale(
        replace(segmentation.case, **changes), folder, weights_sha256, config or SegmentConfig()
    )


@pytest.fixture
def fail_at(monkeypatch):
    """Make the n-th write to the disk fail as a full disk does."""

    def arrange(call):
        calls = {"made": 0}
        real = os.fsync

        def fsync(handle):
            calls["made"] += 1
            if calls["made"] == call:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(handle)

        monkeypatch.setattr(os, "fsync", fsync)
        return calls

    return arrange


class TestWriting:
    def test_names_follow_bids(self, make_segmentation, tmp_path):
        write_segmentation(make_segmentation("01", "a"), tmp_path / "out")
        anat, name = "sub-01/ses-a/anat", "sub-01_ses-a"
        assert files_in(tmp_path / "out") == [
            f"{anat}/{name}_seg-lesions_dseg.json",
            f"{anat}/{name}_seg-lesions_dseg.nii.gz",
            f"{anat}/{name}_seg-lesions_dseg.tsv",
            f"{anat}/{name}_space-orig_label-L_desc-raw_mask.nii.gz",
            f"{anat}/{name}_space-orig_label-L_mask.nii.gz",
            f"{anat}/{name}_space-orig_label-L_probseg.nii.gz",
            f"{anat}/{name}_space-orig_label-brain_mask.nii.gz",
        ]

    def test_a_case_without_session_has_no_session_folder(self, make_segmentation, tmp_path):
        paths = write_segmentation(make_segmentation("01"), tmp_path)
        assert paths["mask"] == tmp_path / "sub-01/anat/sub-01_space-orig_label-L_mask.nii.gz"

    def test_images_hold_what_was_found_on_the_scans_grid(
        self, make_segmentation, phantom, tmp_path
    ):
        segmentation = make_segmentation(minimum_volume_mm3=20.0)
        paths = write_segmentation(segmentation, tmp_path)
        for key in ("mask", "raw_mask", "probability", "brain", "labels"):
            image = nib.load(paths[key])
            assert image.shape == phantom.flair.shape
            np.testing.assert_array_equal(image.affine, phantom.flair.affine)
        types = {
            key: nib.load(paths[key]).get_data_dtype()
            for key in ("mask", "brain", "labels", "probability")
        }
        assert types == {
            "mask": np.uint8,
            "brain": np.uint8,
            "labels": np.int16,
            "probability": np.float32,
        }
        assert voxels(paths["raw_mask"]).sum() == 72 + 32 + 4
        assert voxels(paths["mask"]).sum() == 72 + 32
        np.testing.assert_array_equal(voxels(paths["labels"]), segmentation.lesion_labels)
        np.testing.assert_array_equal(voxels(paths["brain"]), phantom.brain)

    def test_more_lesions_than_int16_holds(self, make_segmentation, tmp_path):
        segmentation = make_segmentation()
        labels = segmentation.lesion_labels.copy()
        labels[labels == 1] = 40_000
        paths = write_segmentation(replace(segmentation, lesion_labels=labels), tmp_path)
        assert voxels(paths["labels"]).max() == 40_000

    def test_probability_is_rounded_so_that_it_compresses(self, make_segmentation, tmp_path):
        paths = write_segmentation(make_segmentation(), tmp_path)
        assert set(np.unique(voxels(paths["probability"])).round(6)) == {
            0.0,
            np.float32(0.123),
            np.float32(0.875),
        }

    def test_an_ensemble_has_maps_of_entropy_and_variance(
        self, make_segmentation, phantom, tmp_path
    ):
        entropy = np.where(phantom.reference, np.float32(0.72193), np.float32(0))
        sure = make_segmentation()
        paths = write_segmentation(replace(sure, entropy=entropy, variance=entropy / 4), tmp_path)
        assert paths["entropy"].name == "sub-01_space-orig_label-L_desc-entropy_probseg.nii.gz"
        np.testing.assert_allclose(voxels(paths["entropy"]), entropy, atol=1e-4)
        np.testing.assert_allclose(voxels(paths["variance"]), entropy / 4, atol=1e-4)
        np.testing.assert_array_equal(nib.load(paths["variance"]).affine, phantom.flair.affine)
        assert read_segmentation(paths["record"]).paths["entropy"] == paths["entropy"]
        # Segmented again by a single pass, which has none: no older map stays behind.
        assert "entropy" not in write_segmentation(sure, tmp_path)
        assert not paths["entropy"].exists()

    def test_table_has_the_columns_of_bids(self, make_segmentation, tmp_path):
        paths = write_segmentation(make_segmentation(), tmp_path)
        table = pd.read_csv(paths["table"], sep="\t")
        assert list(table.columns[:4]) == ["index", "name", "voxels", "volume_mm3"]
        assert list(table["volume_mm3"]) == [180, 80, 10]
        assert list(table["name"]) == ["lesion 1", "lesion 2", "lesion 3"]

    def test_record_describes_every_column_with_its_unit(self, make_segmentation, tmp_path):
        paths = write_segmentation(make_segmentation(), tmp_path)
        record = json.loads(paths["record"].read_text())
        for column in pd.read_csv(paths["table"], sep="\t").columns:
            assert len(record[column]["Description"]) > 10
        assert record["volume_mm3"]["Units"] == "mm3"
        assert record["extent_r_mm"]["Units"] == "mm"
        assert "Units" not in record["contrast"]

    def test_what_is_drawn_belongs_to_the_case(self, make_segmentation, tmp_path):
        def illustrate(paths):
            paths["figure"].parent.mkdir(parents=True)
            paths["figure"].write_bytes(b"picture")
            paths["report"].write_text("page")

        paths = write_segmentation(make_segmentation("01", "a"), tmp_path, illustrate)
        assert paths["figure"] == tmp_path / "sub-01/ses-a/figures/sub-01_ses-a_triptych.png"
        assert paths["report"] == tmp_path / "sub-01_ses-a.html"
        assert paths["figure"].read_bytes() == b"picture"
        assert read_record(paths["record"]).files["report"] == "sub-01_ses-a.html"

    def test_two_runs_write_the_same_bytes_but_for_the_run_itself(
        self, make_segmentation, tmp_path
    ):
        first = write_segmentation(make_segmentation(seconds=1.0), tmp_path / "a")
        second = write_segmentation(make_segmentation(seconds=2.0), tmp_path / "b")
        for key in first.keys() - {"record"}:
            assert first[key].read_bytes() == second[key].read_bytes(), key
        records = [json.loads(paths["record"].read_text()) for paths in (first, second)]
        assert [record.pop("run")["seconds"] for record in records] == [1.0, 2.0]
        assert json.dumps(records[0]) == json.dumps(records[1])

    @given(
        probability=st.floats(0, 1, width=32),
        threshold=st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.3, 0.5, 0.7, 0.7004])),
    )
    def test_rounding_never_crosses_the_threshold(self, probability, threshold):
        below = np.nextafter(np.float32(threshold), np.float32(0))
        values = np.array([[[0, probability, below, 0]]], dtype=np.float32)
        rounded = round_probability(values, threshold)
        np.testing.assert_array_equal(rounded >= threshold, values >= threshold)
        assert np.abs(rounded - values).max() <= 0.00101


class TestNothingHalfWritten:
    @pytest.mark.parametrize("call", range(1, 8))
    def test_full_disk_leaves_nothing(self, make_segmentation, tmp_path, fail_at, call):
        segmentation = make_segmentation()
        fail_at(call)
        with pytest.raises(
            InputError, match=r"out/sub-01/anat/.*No space left on device.*free some space"
        ):
            write_segmentation(segmentation, tmp_path / "new" / "out")
        assert not (tmp_path / "new").exists()

    def test_every_file_is_among_those_that_may_fail(self, make_segmentation, tmp_path, fail_at):
        segmentation = make_segmentation()
        calls = fail_at(0)
        write_segmentation(segmentation, tmp_path / "out")
        assert calls["made"] == 7

    def test_full_disk_leaves_an_earlier_result_whole(self, make_segmentation, tmp_path, fail_at):
        old = make_segmentation()
        write_segmentation(old, tmp_path / "out")
        before = {
            name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")
        }
        new = make_segmentation(threshold=0.9)
        fail_at(4)
        with pytest.raises(InputError, match="No space left"):
            write_segmentation(new, tmp_path / "out")
        after = {
            name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")
        }
        assert after == before
        assert stale(old, tmp_path / "out") is None

    def test_a_move_that_fails_is_finished_later_and_no_result_until_then(
        self, make_segmentation, tmp_path, monkeypatch
    ):
        write_segmentation(make_segmentation(), tmp_path / "out")
        segmentation = make_segmentation(threshold=0.9)
        real, calls = os.replace, []

        def replace_(source, target):
            if ".fsh-" in str(source) and ".fsh-" not in str(target):
                calls.append(target)
                if len(calls) == 3:
                    raise OSError(errno.EIO, "Input/output error")
            real(source, target)

        monkeypatch.setattr(os, "replace", replace_)
        with pytest.raises(InputError, match="Input/output error"):
            write_segmentation(segmentation, tmp_path / "out")
        assert find_records(tmp_path / "out") == []
        monkeypatch.undo()
        clear_after_killed(tmp_path / "out")
        write_segmentation(segmentation, tmp_path / "expected")
        assert contents(tmp_path / "out") == contents(tmp_path / "expected")

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked here")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_killed_at_any_step_the_old_or_the_new_result_is_whole_afterwards(
        self, make_segmentation, tmp_path
    ):
        old, new = make_segmentation(), make_segmentation(threshold=0.9)
        wanted = []
        for segmentation in (old, new):
            write_segmentation(segmentation, tmp_path / "expected")
            wanted.append(contents(tmp_path / "expected"))
        found = []
        for step in range(20):
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            write_segmentation(old, tmp_path / "out")
            lived = lives_through(lambda: write_segmentation(new, tmp_path / "out"), step)
            records = find_records(tmp_path / "out")
            before = [
                contents(tmp_path / "out")[path.relative_to(tmp_path / "out").as_posix()]
                for path in records
            ]
            clear_after_killed(tmp_path / "out")
            found.append(wanted.index(contents(tmp_path / "out")))
            # A record is there only beside the files that it speaks of.
            assert before in ([], [record_in(wanted[found[-1]])])
            if lived:
                break
        assert lived, "more renames than steps"
        assert found == sorted(found)
        assert set(found) == {0, 1}

    def test_the_record_is_moved_last(self, make_segmentation, tmp_path, monkeypatch):
        segmentation, real, targets = make_segmentation(), os.replace, []

        def replace_(source, target):
            targets.append(target)
            real(source, target)

        monkeypatch.setattr(os, "replace", replace_)
        paths = write_segmentation(segmentation, tmp_path)
        assert targets[-1] == paths["record"]
        assert set(targets[-7:]) == set(paths.values())

    def test_an_earlier_record_goes_before_its_files_do(
        self, make_segmentation, tmp_path, monkeypatch
    ):
        segmentation = make_segmentation()
        record = write_segmentation(segmentation, tmp_path / "out")["record"]
        real, there = os.replace, []

        def replace_(source, target):
            if ".fsh-" not in str(target):
                there.append(record.exists())
            real(source, target)

        monkeypatch.setattr(os, "replace", replace_)
        write_segmentation(segmentation, tmp_path / "out")
        assert there == [False] * 7
        assert record.exists()

    def test_stopping_while_drawing_leaves_nothing(self, make_segmentation, tmp_path):
        def stop(paths):
            raise Cancelled

        with pytest.raises(Cancelled):
            write_segmentation(make_segmentation(), tmp_path / "out", stop)
        assert not (tmp_path / "out").exists()

    def test_the_result_of_another_scan_is_not_replaced_unasked(self, make_segmentation, tmp_path):
        first, other = make_segmentation("01"), make_segmentation("02")
        record = write_segmentation(first, tmp_path / "out")["record"]
        before = record.read_bytes()
        content = gzip.decompress(other.case.flair.read_bytes())
        other.case.flair.write_bytes(gzip.compress(content, 1))  # another scan, by its hash
        namesake = replace(first, case=replace(first.case, channels=other.case.channels))
        with pytest.raises(InputError, match="already holds sub-01, made from another scan"):
            write_segmentation(namesake, tmp_path / "out")
        assert record.read_bytes() == before
        write_segmentation(namesake, tmp_path / "out", replace_other=True)

    def test_what_is_being_written_is_no_result(self, make_segmentation, tmp_path):
        with staging_folder(tmp_path / "out") as staging:
            left = staging / "sub-01" / "anat"
            left.mkdir(parents=True)
            (left / "sub-01_seg-lesions_dseg.json").write_text("{}")
            assert find_records(tmp_path / "out") == []

    def test_pictures_of_an_earlier_result_do_not_stay(self, make_segmentation, tmp_path):
        def illustrate(paths):
            paths["report"].write_text("old")

        write_segmentation(make_segmentation(), tmp_path / "out", illustrate)
        write_segmentation(make_segmentation(), tmp_path / "out")
        assert not (tmp_path / "out" / "sub-01.html").exists()

    def test_a_file_in_the_place_of_the_folder(self, make_segmentation, tmp_path):
        (tmp_path / "out").write_text("a file")
        with pytest.raises(
            InputError, match=r"out: cannot be written .*a file where a folder is expected"
        ):
            write_segmentation(make_segmentation(), tmp_path / "out")
        assert (tmp_path / "out").read_text() == "a file"


class TestReading:
    def test_reopening_gives_back_the_table_and_the_paths(self, make_segmentation, tmp_path):
        segmentation = make_segmentation("01", "a")
        paths = write_segmentation(segmentation, tmp_path)
        stored = read_segmentation(paths["record"])
        assert stored.paths == paths
        assert stored.record.settings == segmentation.record.settings
        pd.testing.assert_frame_equal(stored.lesions, segmentation.lesions, rtol=1e-5)

    def test_a_case_without_lesions_keeps_columns_and_types(self, make_segmentation, tmp_path):
        segmentation = make_segmentation(found=False)
        stored = read_segmentation(write_segmentation(segmentation, tmp_path)["record"])
        pd.testing.assert_frame_equal(stored.lesions, segmentation.lesions, check_index_type=False)
        assert len(stored.lesions) == 0

    def test_a_moved_folder_still_opens(self, make_segmentation, tmp_path):
        write_segmentation(make_segmentation("01", "a"), tmp_path / "here")
        shutil.move(tmp_path / "here", tmp_path / "there")
        stored = read_segmentation(find_records(tmp_path / "there")[0])
        assert stored.paths["mask"].is_file()

    def test_records_are_found_by_name(self, make_segmentation, tmp_path):
        for subject, session in (("02", "b"), ("01", None), ("02", "a")):
            write_segmentation(make_segmentation(subject, session), tmp_path / "out")
        assert [path.name for path in find_records(tmp_path / "out")] == [
            "sub-01_seg-lesions_dseg.json",
            "sub-02_ses-a_seg-lesions_dseg.json",
            "sub-02_ses-b_seg-lesions_dseg.json",
        ]
        assert find_records(tmp_path / "nowhere") == []

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "expected a JSON record"),
            ("[1]", "expected a record of F.sh, case, subject"),
            ('{"case": "sub-01"}', "subject, session, input"),
            (b"\xff\xfe", "expected a JSON record"),
        ],
    )
    def test_a_damaged_record_is_named(self, tmp_path, content, message):
        path = tmp_path / "sub-01_seg-lesions_dseg.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InputError, match=f"sub-01_seg-lesions_dseg.json: .*{message}"):
            read_record(path)

    def test_a_missing_record_is_named(self, tmp_path):
        with pytest.raises(InputError, match="no such record; segment the case first"):
            read_record(tmp_path / "sub-01_seg-lesions_dseg.json")

    def test_an_unreadable_record_is_named(self, tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_record(tmp_path)

    def test_a_lost_file_is_named(self, make_segmentation, tmp_path):
        paths = write_segmentation(make_segmentation(), tmp_path)
        paths["mask"].unlink()
        with pytest.raises(
            InputError, match=r"label-L_mask\.nii\.gz: named by the record .*, but gone"
        ):
            read_segmentation(paths["record"])

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ("index\tname\n1\tlesion 1\n", "must have 3 rows as the record says, has 1"),
            ("", "expected a lesion table"),
            ("nonsense\n1\n", "expected a lesion table"),
            ("index\tname\tvoxels\nn/a\tlesion 1\tn/a\n", "expected a lesion table"),
        ],
    )
    def test_a_damaged_table_is_named(self, make_segmentation, tmp_path, table, message):
        paths = write_segmentation(make_segmentation(), tmp_path)
        paths["table"].write_text(table)
        with pytest.raises(InputError, match=f"dseg.tsv: .*{message}"):
            read_segmentation(paths["record"])

    def test_a_record_with_a_damaged_list_of_files(self, make_segmentation, tmp_path):
        path = write_segmentation(make_segmentation(), tmp_path)["record"]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"files": []}))
        with pytest.raises(InputError, match="its list of files is damaged"):
            read_segmentation(path)


class TestResuming:
    @pytest.fixture
    def done(self, make_segmentation, tmp_path):
        segmentation = make_segmentation()
        return segmentation, tmp_path / "out", write_segmentation(segmentation, tmp_path / "out")

    def test_a_finished_case_is_current(self, done):
        segmentation, folder, _ = done
        assert stale(segmentation, folder) is None

    def test_a_case_never_made_is_not(self, make_segmentation, tmp_path):
        assert stale(make_segmentation(), tmp_path / "out") == "not segmented yet"

    def test_other_weights(self, done):
        segmentation, folder, _ = done
        assert stale(segmentation, folder, weights_sha256="00" * 32) == "the weights are others"

    def test_other_settings(self, done):
        segmentation, folder, _ = done
        reason = stale(segmentation, folder, config=SegmentConfig(threshold=0.4))
        assert reason == "the settings are others (threshold)"

    def test_a_setting_that_came_after_the_record_changes_nothing_at_its_default(self, done):
        segmentation, folder, paths = done
        record = json.loads(paths["record"].read_text())
        del record["settings"]["grow"]
        paths["record"].write_text(json.dumps(record))
        assert stale(segmentation, folder) is None
        reason = stale(segmentation, folder, config=SegmentConfig(grow=True))
        assert reason == "the settings are others (grow)"

    def test_another_scan_under_the_same_name(self, done):
        segmentation, folder, _ = done
        flair = segmentation.case.flair
        flair.write_bytes(gzip.compress(b"other"))
        assert stale(segmentation, folder) == "its FLAIR changed"

    def test_the_same_scan_under_another_name(self, done, tmp_path):
        segmentation, folder, _ = done
        copy = shutil.copy(segmentation.case.flair, tmp_path / "copy.nii.gz")
        assert stale(segmentation, folder, channels={"FLAIR": copy}) is None

    def test_a_channel_that_was_not_used_does_not_matter(self, done, tmp_path):
        segmentation, folder, _ = done
        channels = segmentation.case.channels | {"T1w": tmp_path / "T1w.nii.gz"}
        assert stale(segmentation, folder, channels=channels) is None

    def test_a_brain_mask_that_was_not_there(self, done, tmp_path):
        segmentation, folder, _ = done
        (tmp_path / "brain.nii.gz").write_bytes(b"mask")
        reason = stale(segmentation, folder, brain=tmp_path / "brain.nii.gz")
        assert reason == "there was no brain mask then"

    @pytest.mark.parametrize("key", ["brain", "reference"])
    def test_a_mask_is_compared_by_content(self, make_segmentation, tmp_path, key):
        segmentation = make_segmentation()
        mask = tmp_path / "mask.nii.gz"
        mask.write_bytes(b"mask")
        given = {"path": str(mask), "sha256": sha256_of(mask)}
        record = segmentation.record.changed(input=segmentation.record.input | {key: given})
        write_segmentation(replace(segmentation, record=record), tmp_path / "out")
        assert stale(segmentation, tmp_path / "out", **{key: mask}) is None
        assert stale(segmentation, tmp_path / "out") == f"there is no {key} mask any more"
        mask.write_bytes(b"another mask")
        assert stale(segmentation, tmp_path / "out", **{key: mask}) == f"its {key} mask changed"

    @pytest.mark.parametrize("key", ["mask", "probability", "labels", "table", "record"])
    def test_a_file_that_was_deleted(self, done, key):
        segmentation, folder, paths = done
        paths[key].unlink()
        gone = "not segmented yet" if key == "record" else f"{paths[key].name} is gone"
        assert stale(segmentation, folder) == gone

    @pytest.mark.parametrize(
        "damage", [{"weights": {}}, {"files": []}, {"input": None}, {"settings": []}]
    )
    def test_a_damaged_record(self, done, damage):
        segmentation, folder, paths = done
        paths["record"].write_text(json.dumps(json.loads(paths["record"].read_text()) | damage))
        assert stale(segmentation, folder) is not None


class TestCohort:
    @pytest.fixture
    def folder(self, make_segmentation, tmp_path):
        folder = tmp_path / "out"
        write_segmentation(make_segmentation("01"), folder)
        write_segmentation(make_segmentation("02", "a"), folder)
        write_segmentation(make_segmentation("02", "b", found=False), folder)
        return folder

    def read(self, path):
        return pd.read_csv(
            path, sep="\t", na_values=["n/a"], keep_default_na=False, dtype={"subject": str}
        )

    def test_one_row_a_case(self, folder):
        assert write_cohort(folder) == []
        cases = self.read(folder / "cases.tsv")
        assert list(cases["subject"]) == ["01", "02", "02"]
        assert list(cases["session"].fillna("-")) == ["-", "a", "b"]
        assert list(cases["lesion_count"]) == [3, 3, 0]
        assert list(cases["lesion_volume_ml"]) == [0.27, 0.27, 0.0]
        assert set(cases["brain_source"]) == {"stripped"}
        assert set(cases["seconds"]) == {12.5}
        assert set(cases["weights_sha256"]) == {WEIGHTS_SHA256}
        assert cases["input_path"][1].endswith("02_a_FLAIR.nii.gz")
        assert (folder / cases["record"][1]).is_file()

    def test_regions_are_counted_where_they_were_found(self, folder):
        record = find_records(folder)[0]
        dissemination = {"regions": {"periventricular": {"count": 2, "volume_ml": 0.25}}}
        content = json.loads(record.read_text())
        record.write_text(
            json.dumps(content | {"regions": {"found": True, "dissemination": dissemination}})
        )
        write_cohort(folder)
        cases = self.read(folder / "cases.tsv").set_index("record")
        found = cases.loc[record.relative_to(folder).as_posix()]
        assert (found["periventricular_lesions"], found["periventricular_ml"]) == (2, 0.25)
        assert cases["periventricular_lesions"].isna().sum() == len(cases) - 1

    def test_one_row_a_lesion(self, folder):
        write_cohort(folder)
        lesions = self.read(folder / "lesions.tsv")
        assert list(lesions.columns[:5]) == ["subject", "session", "label", "voxels", "volume_mm3"]
        assert list(lesions["subject"]) == ["01"] * 3 + ["02"] * 3
        assert list(lesions["volume_mm3"]) == [180, 80, 10] * 2

    def test_the_tables_are_those_of_read_cohort(self, folder):
        write_cohort(folder)
        cohort = read_cohort(folder)
        assert len(cohort.cases) == len(self.read(folder / "cases.tsv")) == 3
        assert len(cohort.lesions) == len(self.read(folder / "lesions.tsv")) == 6

    def test_what_is_known_is_not_read_again_and_what_changed_is(
        self, folder, make_segmentation, monkeypatch
    ):
        whole, read = cohort_tables.read_segmentation, []
        monkeypatch.setattr(
            cohort_tables, "read_segmentation", lambda path: (read.append(path), whole(path))[1]
        )
        known: Known = {}
        assert write_cohort(folder, known) == []
        assert len(read) == 3
        read.clear()
        write_segmentation(make_segmentation("02", "b"), folder, replace_other=True)
        write_segmentation(make_segmentation("03"), folder)
        assert write_cohort(folder, known) == []
        assert sorted(path.name.split("_seg")[0] for path in read) == ["sub-02_ses-b", "sub-03"]
        tables = [(folder / name).read_bytes() for name in ("cases.tsv", "lesions.tsv")]
        write_cohort(folder)
        assert tables == [(folder / name).read_bytes() for name in ("cases.tsv", "lesions.tsv")]

    def test_dataset_description(self, folder):
        write_cohort(folder)
        description = json.loads((folder / "dataset_description.json").read_text())
        assert description["BIDSVersion"] == "1.10.0"
        assert description["DatasetType"] == "derivative"
        assert description["GeneratedBy"] == [{"Name": "F.sh", "Version": "0.1.0"}]
        assert "cases.tsv" in (folder / ".bidsignore").read_text()

    def test_an_unusable_record_is_reported_and_the_others_stay(self, folder):
        records = find_records(folder)
        records[1].write_text("{")
        [failure] = write_cohort(folder)
        assert records[1].name in failure
        assert list(self.read(folder / "cases.tsv")["session"].fillna("-")) == ["-", "b"]
        assert list(self.read(folder / "lesions.tsv")["subject"]) == ["01"] * 3

    def test_a_record_without_a_brain_is_reported(self, folder):
        path = find_records(folder)[0]
        record = json.loads(path.read_text())
        del record["brain"]
        path.write_text(json.dumps(record))
        [failure] = write_cohort(folder)
        assert (
            "sub-01_seg-lesions_dseg.json: expected a record of F.sh, brain is missing" in failure
        )

    def test_no_lesion_at_all_leaves_the_header(self, make_segmentation, tmp_path):
        write_segmentation(make_segmentation(found=False), tmp_path / "out")
        assert write_cohort(tmp_path / "out") == []
        lines = (tmp_path / "out" / "lesions.tsv").read_text().splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("subject\tsession\tlabel\tvoxels\tvolume_mm3")

    def test_no_case_at_all(self, tmp_path):
        assert write_cohort(tmp_path / "out") == []
        assert (
            (tmp_path / "out" / "cases.tsv")
            .read_text()
            .startswith("subject\tsession\tlesion_count")
        )
        assert (tmp_path / "out" / "lesions.tsv").read_text() == "subject\tsession\tlabel\n"
        description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
        assert description["GeneratedBy"] == [{"Name": "F.sh"}]

    def test_full_disk_keeps_the_earlier_tables(self, folder, fail_at):
        write_cohort(folder)
        before = (folder / "cases.tsv").read_bytes()
        fail_at(2)
        with pytest.raises(InputError, match=r"cases.tsv: cannot be written \(No space left"):
            write_cohort(folder)
        assert (folder / "cases.tsv").read_bytes() == before
        assert not [name for name in files_in(folder) if name.startswith(".cases")]

    def test_predictor_without_weights(self, make_segmentation, tmp_path):
        segmentation = make_segmentation()
        record = segmentation.record.changed(weights={})
        write_segmentation(replace(segmentation, record=record), tmp_path / "out")
        assert write_cohort(tmp_path / "out") == []
        assert self.read(tmp_path / "out" / "cases.tsv")["weights_sha256"].isna().all()


def test_naming_touches_nothing(make_segmentation, tmp_path):
    derivative_paths(make_segmentation().case, tmp_path / "out")
    assert not (tmp_path / "out").exists()
