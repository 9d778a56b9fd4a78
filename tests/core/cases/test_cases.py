"""Cases are found in each layout, in a fixed order, and never straddle a split."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsh_core.cases import Case, Split, check_no_leak, discover_cases, split_by_subject
from fsh_core.errors import InputError


def make(root: Path, *names: str) -> Path:
    """Create empty files below ``root``: discovery reads names only."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


class TestBids:
    def test_subjects_and_sessions_come_sorted(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "sub-10/anat/sub-10_FLAIR.nii.gz",
            "sub-02/ses-b/anat/sub-02_ses-b_FLAIR.nii",
            "sub-02/ses-a/anat/sub-02_ses-a_FLAIR.nii.gz",
        )
        cases = discover_cases(tmp_path)
        assert [(case.subject, case.session) for case in cases] == [
            ("02", "a"),
            ("02", "b"),
            ("10", None),
        ]
        assert [case.name for case in cases] == ["sub-02_ses-a", "sub-02_ses-b", "sub-10"]
        assert cases[1].flair == tmp_path / "sub-02/ses-b/anat/sub-02_ses-b_FLAIR.nii"

    def test_baseline_beside_sessions(self, tmp_path: Path) -> None:
        make(tmp_path, "sub-1/anat/sub-1_FLAIR.nii.gz", "sub-1/ses-2/anat/sub-1_ses-2_FLAIR.nii.gz")
        assert [case.session for case in discover_cases(tmp_path)] == [None, "2"]

    def test_t1_and_t2_are_optional_channels(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "sub-1/anat/sub-1_FLAIR.nii.gz",
            "sub-1/anat/sub-1_T1w.nii.gz",
            "sub-1/anat/sub-1_T2w.nii.gz",
            "sub-1/anat/sub-1_PDw.nii.gz",
            "sub-2/anat/sub-2_FLAIR.nii.gz",
        )
        full, single = discover_cases(tmp_path)
        assert list(full.channels) == ["FLAIR", "T1w", "T2w"]
        assert full.channels["T2w"].name == "sub-1_T2w.nii.gz"
        assert list(single.channels) == ["FLAIR"]

    def test_the_plainest_of_several_t1_is_taken(self, tmp_path: Path) -> None:
        anat = "sub-1/anat/sub-1"
        make(tmp_path, f"{anat}_FLAIR.nii.gz", f"{anat}_acq-a_T1w.nii.gz", f"{anat}_T1w.nii.gz")
        assert discover_cases(tmp_path)[0].channels["T1w"].name == "sub-1_T1w.nii.gz"

    def test_masks_of_any_derivative(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii.gz",
            "derivatives/someones-raters/sub-1/ses-a/anat/sub-1_ses-a_label-L_mask.nii.gz",
            "derivatives/stripped/sub-1/ses-a/anat/sub-1_ses-a_label-brain_mask.nii.gz",
            "derivatives/stripped/sub-1/ses-a/anat/sub-1_ses-a_label-ventricle_mask.nii.gz",
        )
        (case,) = discover_cases(tmp_path)
        assert case.reference is not None
        assert case.reference.parts[-5] == "someones-raters"
        assert case.brain is not None
        assert case.brain.name == "sub-1_ses-a_label-brain_mask.nii.gz"

    def test_manual_masks_are_preferred(self, tmp_path: Path) -> None:
        mask = "sub-1/anat/sub-1_label-L_mask.nii.gz"
        make(
            tmp_path,
            "sub-1/anat/sub-1_FLAIR.nii.gz",
            f"derivatives/auto/{mask}",
            f"derivatives/manual/{mask}",
        )
        assert discover_cases(tmp_path)[0].reference == tmp_path / "derivatives/manual" / mask

    def test_own_output_is_no_reference(self, tmp_path: Path) -> None:
        mask = "sub-1/anat/sub-1_label-L_mask.nii.gz"
        brain = "sub-1/anat/sub-1_label-brain_mask.nii.gz"
        make(
            tmp_path,
            "sub-1/anat/sub-1_FLAIR.nii.gz",
            f"derivatives/fsh/{mask}",
            f"derivatives/fsh/{brain}",
        )
        assert discover_cases(tmp_path)[0].reference is None
        assert discover_cases(tmp_path)[0].brain is None

    def test_own_output_is_known_by_its_maker_too(self, tmp_path: Path) -> None:
        mask = "sub-1/anat/sub-1_label-L_mask.nii.gz"
        make(tmp_path, "sub-1/anat/sub-1_FLAIR.nii.gz", f"derivatives/run2/{mask}")
        description = tmp_path / "derivatives/run2/dataset_description.json"
        description.write_text(json.dumps({"GeneratedBy": [{"Name": "F.sh"}]}))
        assert discover_cases(tmp_path)[0].reference is None
        description.write_text(json.dumps({"GeneratedBy": [{"Name": "manual"}]}))
        assert discover_cases(tmp_path)[0].reference is not None

    @pytest.mark.parametrize("content", ["", "[]", '{"GeneratedBy": null}', "\x00"])
    def test_an_odd_description_does_not_matter(self, tmp_path: Path, content: str) -> None:
        mask = "sub-1/anat/sub-1_label-L_mask.nii.gz"
        make(tmp_path, "sub-1/anat/sub-1_FLAIR.nii.gz", f"derivatives/raters/{mask}")
        (tmp_path / "derivatives/raters/dataset_description.json").write_text(content)
        assert discover_cases(tmp_path)[0].reference is not None

    def test_another_label(self, tmp_path: Path) -> None:
        anat = "derivatives/manual/sub-1/anat/sub-1"
        make(
            tmp_path,
            "sub-1/anat/sub-1_FLAIR.nii.gz",
            f"{anat}_label-WMH_mask.nii.gz",
            f"{anat}_label-L_mask.nii.gz",
        )
        reference = discover_cases(tmp_path, label="WMH")[0].reference
        assert reference is not None
        assert reference.name == "sub-1_label-WMH_mask.nii.gz"

    def test_one_subject_of_a_dataset(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii.gz",
            "sub-2/anat/sub-2_FLAIR.nii.gz",
            "derivatives/manual/sub-1/ses-a/anat/sub-1_ses-a_label-L_mask.nii.gz",
        )
        (case,) = discover_cases(tmp_path / "sub-1")
        assert case.name == "sub-1_ses-a"
        assert case.reference is not None

    def test_two_flairs_of_one_case_are_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "sub-1/anat/sub-1_run-1_FLAIR.nii.gz", "sub-1/anat/sub-1_run-2_FLAIR.nii.gz")
        with pytest.raises(InputError, match=r"run-1_FLAIR.*only FLAIR.*run-2_FLAIR"):
            discover_cases(tmp_path)

    def test_a_subject_without_a_flair_is_named(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        make(
            tmp_path,
            "sub-1/anat/sub-1_FLAIR.nii.gz",
            "sub-2/anat/sub-2_T1w.nii.gz",
            "sub-3/ses-a/anat/sub-3_ses-a_FLAIR.nii.gz",
            "sub-3/ses-b/anat/sub-3_ses-b_T1w.nii.gz",
        )
        with caplog.at_level(logging.WARNING):
            assert len(discover_cases(tmp_path)) == 2
        skipped = [record.getMessage() for record in caplog.records]
        assert len(skipped) == 2
        assert skipped[0].endswith("sub-2: has no FLAIR, skipped")
        assert skipped[1].endswith("ses-b: has no FLAIR, skipped")

    def test_a_dataset_without_any_flair_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz")
        with pytest.raises(
            InputError, match=r"expected a scan in sub-\*/anat.*found none in 1 subject"
        ):
            discover_cases(tmp_path)

    def test_labels_keep_only_letters_and_digits(self, tmp_path: Path) -> None:
        make(tmp_path, "sub-P-01/anat/sub-P-01_FLAIR.nii.gz", "sub-P-02/anat/sub-P-02_FLAIR.nii.gz")
        assert [case.subject for case in discover_cases(tmp_path)] == ["P01", "P02"]

    def test_a_folder_with_an_umlaut_is_called_without_and_says_so(self, tmp_path, caplog) -> None:
        make(tmp_path, "sub-Jörg/ses-é1/anat/sub-Jörg_ses-é1_FLAIR.nii.gz")
        (case,) = discover_cases(tmp_path)
        assert case.name == "sub-Jorg_ses-e1"
        assert caplog.messages == [f"{tmp_path / 'sub-Jörg' / 'ses-é1'}: {case.name_note}"]

    def test_the_fixture_dataset(self, phantom_bids: Path) -> None:
        assert [case.name for case in discover_cases(phantom_bids)] == [
            "sub-01",
            "sub-02_ses-a",
            "sub-02_ses-b",
        ]
        assert all(case.reference is not None for case in discover_cases(phantom_bids))

    def test_the_real_dataset(self, real_data: Path) -> None:
        cases = discover_cases(real_data)
        assert len(cases) == 14
        assert all(case.reference is not None for case in cases)
        assert sum(case.brain is not None for case in cases) == 9
        assert {case.subject for case in cases if "T2w" in case.channels} == {
            "ljubljana07",
            "ljubljana19",
        }


class TestNnunet:
    def test_images_and_labels_are_paired(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "imagesTr/MS_002_0000.nii.gz",
            "imagesTr/MS_001_0000.nii.gz",
            "imagesTr/MS_001_0001.nii.gz",
            "labelsTr/MS_001.nii.gz",
            "imagesTs/MS_009_0000.nii.gz",
        )
        first, second = discover_cases(tmp_path)
        assert (first.subject, first.session) == ("MS001", None)
        assert first.channels == {"FLAIR": tmp_path / "imagesTr/MS_001_0000.nii.gz"}
        assert first.reference == tmp_path / "labelsTr/MS_001.nii.gz"
        assert second.reference is None

    def test_the_channel_order_is_the_datasets(self, tmp_path: Path) -> None:
        make(tmp_path, *(f"imagesTr/A_000{number}.nii.gz" for number in range(4)))
        names = {"0": "T1", "1": "T2-FLAIR", "2": "PD", "3": "t2w"}
        (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": names}))
        (case,) = discover_cases(tmp_path)
        assert {channel: path.name for channel, path in case.channels.items()} == {
            "T1w": "A_0000.nii.gz",
            "FLAIR": "A_0001.nii.gz",
            "T2w": "A_0003.nii.gz",
        }

    def test_the_old_word_for_channels(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/A_0000.nii.gz", "imagesTr/A_0001.nii.gz")
        (tmp_path / "dataset.json").write_text(json.dumps({"modality": {"0": "T1", "1": "FLAIR"}}))
        assert discover_cases(tmp_path)[0].flair.name == "A_0001.nii.gz"

    def test_an_only_channel_is_the_flair(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/A_0000.nii.gz")
        (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "MRI"}}))
        assert discover_cases(tmp_path)[0].flair.name == "A_0000.nii.gz"

    def test_bids_names_keep_subject_and_session(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/sub-7_ses-b_0000.nii.gz")
        assert discover_cases(tmp_path)[0].name == "sub-7_ses-b"

    def test_the_images_folder_itself(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTs/A_0000.nii.gz", "imagesTs/A_0001.nii.gz", "labelsTs/A.nii.gz")
        (case,) = discover_cases(tmp_path / "imagesTs")
        assert case.flair.name == "A_0000.nii.gz"
        assert case.reference == tmp_path / "labelsTs/A.nii.gz"

    def test_a_missing_flair_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/A_0001.nii.gz", "imagesTr/B_0000.nii.gz")
        (tmp_path / "dataset.json").write_text(
            json.dumps({"channel_names": {"0": "FLAIR", "1": "T1"}})
        )
        with pytest.raises(InputError, match="the case A has no FLAIR, found only T1w"):
            discover_cases(tmp_path)

    def test_no_channel_called_flair_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/A_0000.nii.gz")
        (tmp_path / "dataset.json").write_text(
            json.dumps({"channel_names": {"0": "T1", "1": "T2"}})
        )
        with pytest.raises(
            InputError, match=r"dataset.json: expected a channel called FLAIR, found T1, T2"
        ):
            discover_cases(tmp_path)

    @pytest.mark.parametrize(
        "content", ["", "[]", '{"channel_names": {"x": "FLAIR"}}', '{"channel_names": 3}']
    )
    def test_an_unreadable_description_is_refused(self, tmp_path: Path, content: str) -> None:
        make(tmp_path, "imagesTr/A_0000.nii.gz")
        (tmp_path / "dataset.json").write_text(content)
        with pytest.raises(InputError, match=r"dataset.json: expected nnU-Net's channel_names"):
            discover_cases(tmp_path)

    def test_the_same_channel_twice_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "imagesTr/A_0000.nii", "imagesTr/A_0000.nii.gz")
        with pytest.raises(
            InputError,
            match=r"A_0000.nii.gz: must be the only FLAIR of its case, found A_0000.nii ",
        ):
            discover_cases(tmp_path)

    def test_an_odd_name_is_skipped_aloud(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        make(tmp_path, "imagesTr/A_0000.nii.gz", "imagesTr/B.nii.gz")
        with caplog.at_level(logging.WARNING):
            assert len(discover_cases(tmp_path)) == 1
        assert "B.nii.gz: is not called CASE_0000.nii.gz, skipped" in caplog.text

    def test_an_empty_images_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "imagesTr").mkdir()
        with pytest.raises(
            InputError, match=r"imagesTr: expected scans called CASE_0000.nii.gz, found none"
        ):
            discover_cases(tmp_path)


class TestPlainFolder:
    def test_every_nifti_is_a_flair_except_masks(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "anna.nii.gz",
            "bert_FLAIR.nii",
            "3D-flair carl.nii.gz",
            "anna_mask.nii.gz",
            "bert_lesions.nii.gz",
            "bert_brain_mask_v2.nii",
            "change_mask.nii.gz",
            "anna_dseg.nii.gz",
            "notes.txt",
            "._anna.nii.gz",
            "deeper/dora.nii.gz",
        )
        assert [case.subject for case in discover_cases(tmp_path)] == [
            "3Dflaircarl",
            "anna",
            "bert",
        ]

    def test_words_inside_words_are_no_masks(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "masked-woman.nii.gz",
            "segovia.nii.gz",
            "lesions_study_7.nii.gz",
            "x_seg_FLAIR.nii.gz",
        )
        assert len(discover_cases(tmp_path)) == 4

    def test_masks_and_channels_go_with_their_flair(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            "anna_FLAIR.nii.gz",
            "anna_T1w.nii.gz",
            "anna_label-L_mask.nii.gz",
            "anna_label-brain_mask.nii.gz",
            "bert.nii.gz",
        )
        anna, bert = discover_cases(tmp_path)
        assert list(anna.channels) == ["FLAIR", "T1w"]
        assert anna.reference == tmp_path / "anna_label-L_mask.nii.gz"
        assert anna.brain == tmp_path / "anna_label-brain_mask.nii.gz"
        assert (list(bert.channels), bert.reference, bert.brain) == (["FLAIR"], None, None)

    def test_years_are_no_channels(self, tmp_path: Path) -> None:
        make(tmp_path, "anna_2019.nii.gz", "anna_2024.nii.gz")
        assert [case.subject for case in discover_cases(tmp_path)] == ["anna2019", "anna2024"]

    def test_bids_names_keep_subject_and_session(self, tmp_path: Path) -> None:
        make(tmp_path, "sub-1_ses-b_acq-3d_FLAIR.nii.gz")
        assert discover_cases(tmp_path)[0].name == "sub-1_ses-b"

    def test_two_files_of_one_name_are_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "p-1.nii.gz", "p1.nii.gz")
        with pytest.raises(
            InputError, match=r"p1.nii.gz: is called sub-p1, and so is .*p-1.nii.gz"
        ):
            discover_cases(tmp_path)

    def test_two_names_that_differ_by_a_mark_are_not_one_patient(self, tmp_path: Path) -> None:
        make(tmp_path, "Müller.nii.gz", "Muller.nii.gz", "other.nii.gz")
        said: list[str] = []
        cases = discover_cases(tmp_path, on_problem=lambda error: said.append(str(error)))
        assert [case.name for case in cases] == ["sub-other"]
        (sentence,) = said
        assert "Müller.nii.gz: is called sub-Muller, and so is " in sentence

    def test_a_folder_of_masks_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "a_mask.nii.gz")
        with pytest.raises(
            InputError, match=r"expected a FLAIR scan .* found 1 of another kind \(a_mask.nii.gz\)"
        ):
            discover_cases(tmp_path)


class TestFilesAndLists:
    @pytest.mark.parametrize(
        ("name", "case_name"),
        [
            ("anna.nii.gz", "sub-anna"),
            ("anna_FLAIR.nii", "sub-anna"),
            ("FLAIR.nii.gz", "sub-FLAIR"),
            ("patient 7 (b).nii.gz", "sub-patient7b"),
            ("MS_004_0000.nii.gz", "sub-MS004"),
            ("sub-3_ses-2_FLAIR.nii.gz", "sub-3_ses-2"),
            ("sub-3_run-2_FLAIR.nii.gz", "sub-3"),
            ("a_mask.nii.gz", "sub-amask"),
            ("Zoë.nii.gz", "sub-Zoe"),
            ("Zoe\u0308.nii.gz", "sub-Zoe"),
            ("Weiß_Łukasz_FLAIR.nii.gz", "sub-WeissLukasz"),
            ("李雷_07.nii.gz", "sub-07"),
        ],
    )
    def test_a_file_is_a_case_whatever_its_name(
        self, tmp_path: Path, name: str, case_name: str
    ) -> None:
        make(tmp_path, name)
        (case,) = discover_cases(tmp_path / name)
        assert case.name == case_name
        assert case.channels == {"FLAIR": tmp_path / name}
        assert (case.name_note is None) == name.isascii()

    @pytest.mark.parametrize(
        "name", ["日本.nii.gz", "sub-_FLAIR.nii.gz", "sub-1_ses-_FLAIR.nii.gz"]
    )
    def test_a_name_without_letters_is_refused(self, tmp_path: Path, name: str) -> None:
        make(tmp_path, name)
        with pytest.raises(InputError, match=r"expected a letter .* rename it"):
            discover_cases(tmp_path / name)

    def test_several_sources_make_one_sorted_list(self, tmp_path: Path) -> None:
        make(tmp_path, "zoe.nii.gz", "bids/sub-b/anat/sub-b_FLAIR.nii.gz", "folder/a.nii.gz")
        cases = discover_cases(
            [tmp_path / "zoe.nii.gz", tmp_path / "bids", str(tmp_path / "folder")]
        )
        assert [case.subject for case in cases] == ["a", "b", "zoe"]

    def test_the_same_case_from_two_sources_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "one/a.nii.gz", "two/a.nii.gz")
        with pytest.raises(
            InputError, match=r"two/a.nii.gz: is called sub-a, and so is .*one/a.nii.gz"
        ):
            discover_cases([tmp_path / "one", tmp_path / "two"])

    def test_no_source_is_refused(self) -> None:
        with pytest.raises(InputError, match="no input was given"):
            discover_cases([])

    def test_a_broken_link_is_not_dropped(self, tmp_path: Path) -> None:
        (tmp_path / "sub-1/anat").mkdir(parents=True)
        (tmp_path / "sub-1/anat/sub-1_FLAIR.nii.gz").symlink_to(tmp_path / "not fetched")
        assert len(discover_cases(tmp_path)) == 1


SUBJECTS = st.lists(st.text("abc123", min_size=1, max_size=4), min_size=1, max_size=20)


def cases_of(subjects: list[str]) -> list[Case]:
    """One case per entry; a subject named twice has two sessions."""
    return [
        Case(subject, str(number), {"FLAIR": Path("x.nii.gz")})
        for number, subject in enumerate(subjects)
    ]


class TestSplit:
    @given(subjects=SUBJECTS, fraction=st.floats(0, 0.99), seed=st.integers(0, 99))
    def test_every_subject_is_on_exactly_one_side(
        self, subjects: list[str], fraction: float, seed: int
    ) -> None:
        cases = cases_of(subjects)
        split = split_by_subject(cases, fraction, seed)
        assert sorted(split.training + split.validation) == sorted(set(subjects))
        assert split.training
        assert bool(split.validation) == (fraction > 0 and len(set(subjects)) > 1)
        check_no_leak(split, cases)

    @given(subjects=SUBJECTS, seed=st.integers(0, 99))
    def test_the_order_of_the_cases_does_not_matter(self, subjects: list[str], seed: int) -> None:
        cases = cases_of(subjects)
        assert split_by_subject(cases, 0.3, seed) == split_by_subject(cases[::-1], 0.3, seed)

    def test_a_subject_with_several_sessions_stays_together(self) -> None:
        cases = cases_of(["a", "b", "a", "c", "b", "a", "d"])
        sides = [split_by_subject(cases, 0.5, seed) for seed in range(20)]
        assert all(len(split.training) == len(split.validation) == 2 for split in sides)

    @pytest.mark.parametrize(
        ("count", "fraction", "expected"), [(10, 0.2, 2), (10, 0.01, 1), (10, 0.99, 9), (7, 0, 0)]
    )
    def test_the_share(self, count: int, fraction: float, expected: int) -> None:
        assert (
            len(split_by_subject(cases_of([f"s{i}" for i in range(count)]), fraction, 0).validation)
            == expected
        )

    def test_the_seed_decides(self) -> None:
        cases = cases_of([f"s{i}" for i in range(20)])
        # Written out: another machine or version must come to the same split.
        assert split_by_subject(cases, 0.2, 0).validation == ("s11", "s13", "s14", "s15")
        assert len({split_by_subject(cases, 0.2, seed).validation for seed in range(10)}) == 10

    def test_json_round_trip(self, tmp_path: Path) -> None:
        split = split_by_subject(cases_of(["a", "b", "c"]), 0.3, 1)
        split.save(tmp_path / "split.json")
        assert Split.load(tmp_path / "split.json") == split
        assert set(json.loads((tmp_path / "split.json").read_text())) == {
            "training",
            "validation",
            "lesion_free",
            "learned_before",
        }

    @pytest.mark.parametrize(
        "content",
        ["", "{}", '{"training": ["a"], "validation": 3}', '{"training": [], "test": []}'],
    )
    def test_what_is_no_split_is_refused(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "split.json").write_text(content)
        with pytest.raises(InputError, match=r"split.json: expected a split"):
            Split.load(tmp_path / "split.json")

    def test_a_missing_split_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"split.json: cannot be read"):
            Split.load(tmp_path / "split.json")

    @pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
    def test_an_odd_fraction_is_refused(self, fraction: float) -> None:
        with pytest.raises(
            InputError, match="--validation-fraction: must be at least 0 and below 1"
        ):
            split_by_subject(cases_of(["a", "b"]), fraction, 0)

    def test_no_case_is_refused(self) -> None:
        with pytest.raises(InputError, match="needs at least one case"):
            split_by_subject([], 0.2, 0)

    def test_a_leak_is_refused(self) -> None:
        with pytest.raises(
            InputError, match="leaks: b must be in training or validation, found in both"
        ):
            check_no_leak(Split(training=("a", "b"), validation=("b", "c")))

    def test_a_forgotten_subject_is_refused(self) -> None:
        with pytest.raises(
            InputError, match="incomplete: c must be in training or validation, found in neither"
        ):
            check_no_leak(Split(training=("a",), validation=("b",)), cases_of(["a", "b", "c", "c"]))


def test_masks_that_belong_to_no_case_are_named(tmp_path: Path, caplog) -> None:
    for name in ("imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "labelsTr").mkdir()
    (tmp_path / "labelsTr" / "a_0000.nii.gz").touch()
    (tmp_path / "labelsTr" / "b.nii.gz").touch()
    first, second = discover_cases(tmp_path)
    assert first.reference is None
    assert second.reference == tmp_path / "labelsTr" / "b.nii.gz"
    assert (
        "1 of 2 masks belong to no case, not used; a mask is called as its case (CASE.nii.gz), "
        "found a_0000.nii.gz" in caplog.text
    )
