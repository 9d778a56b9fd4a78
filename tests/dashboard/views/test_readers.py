"""The Readers page: no trial, a trial on its way, what a blinded reader sees, a damaged file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.cli import main
from fsh_core.errors import InputError
from fsh_core.file_names import READERS_FILE
from fsh_core.review import Queue, QueueItem, change_queue
from fsh_dashboard.data.cohort_tables import fingerprint, read_results
from fsh_dashboard.data.folder import open_folder
from fsh_dashboard.data.reviews import read_reviews
from fsh_dashboard.data.trial import case_rows, differences, event_rows, reader_rows, trial_in

NAME = "derivatives/fsh"
Decide = Callable[..., None]
OpenPage = Callable[..., AppTest]
Words = Callable[[AppTest], str]


def fsh(study: Path, command: str, *words: str) -> None:
    assert main(["readers", command, str(study / NAME), *words]) == 0


@pytest.fixture
def dealt(study: Path) -> Path:
    """Four cases (of 3, 2, 0 and 1 lesions) dealt out to Anna and Ben; Cleo adjudicates."""
    names = ("--reader", "Anna", "--reader", "Ben", "--per-case", "2", "--adjudicator", "Cleo")
    fsh(study, "assign", *names)
    return study


@pytest.fixture
def compared(dealt: Path, decide: Decide) -> Path:
    """P1 read by both, who differ on lesion 2; P3, without a lesion, too; P4 begun by Anna."""
    decide(dealt, "P1", "Anna", dict.fromkeys((1, 2, 3), "accepted"), "completed")
    decide(dealt, "P1", "Ben", {1: "accepted", 2: "rejected", 3: "accepted"}, "completed")
    for reader in ("Anna", "Ben"):
        decide(dealt, "P3", reader, {}, "completed")
        fsh(dealt, "sign", "--reader", reader)
    decide(dealt, "P4", "Anna", {1: "rejected"})
    fsh(dealt, "adjudicate")
    fsh(dealt, "lock")
    return dealt


def read(study: Path, reader: str = "") -> Iterator[object]:
    opened = open_folder([str(study), *(["--reader", reader] if reader else [])])
    results = read_results(opened, NAME)
    return opened, results, read_reviews(opened, results)


class TestTables:
    def test_who_has_what_and_how_far_it_is(self, compared: Path) -> None:
        opened, _, reviews = read(compared)
        trial = trial_in(opened, compared / NAME)
        rows = reader_rows(trial, reviews.progress).set_index("reader")
        counts = ["cases", "started", "completed", "signed"]
        assert rows["role"].to_dict() == {"Anna": "reader", "Ben": "reader", "Cleo": "adjudicator"}
        assert rows.loc["Anna", counts].tolist() == [
            4,
            3,
            2,
            2,
        ]
        assert rows.loc["Ben", counts].tolist() == [4, 2, 2, 2]
        assert rows.loc["Cleo", counts].tolist() == [
            1,
            1,
            0,
            0,
        ]
        cases = case_rows(trial).set_index("case")
        assert cases["stage"].to_dict() == {
            "sub-P1": "to adjudicate",
            "sub-P2": "reading",
            "sub-P3": "final",
            "sub-P4": "reading",
        }
        assert cases.loc["sub-P3", "final_reader"] in ("Anna", "Ben")
        assert cases["locked"].astype(bool).tolist() == [False, False, True, False]
        assert differences(trial, reviews.decisions).values.tolist() == [
            ["sub-P1", 2, "decided differently", "unreviewed"]
        ]
        acts = event_rows(trial)["act"].tolist()
        assert acts == ["assign", "sign", "sign", "sign", "sign", "compare", "compare", "lock"]

    def test_a_blinded_reader_gets_the_own_part_alone(self, compared: Path) -> None:
        _, everything, _ = read(compared)
        assert {"age", "site"} <= set(everything.cases)
        _, results, reviews = read(compared, "Ben")
        assert not {"age", "site", "participant_id"} & set(results.cases)
        assert results.participant_columns == ()
        assert set(reviews.progress["reader"]) == set(reviews.events["reader"]) == {"Ben"}
        _, results, reviews = read(compared, "Cleo")
        assert results.cases["case"].tolist() == ["sub-P1"]
        assert set(reviews.decisions["reader"]) == {"Cleo"}
        _, results, _ = read(compared, "Zoe")
        assert results.cases.empty
        assert "Zoe has no case in this trial" in results.problems[0]

    def test_new_events_are_noticed(self, dealt: Path) -> None:
        opened = open_folder([str(dealt)])
        before = fingerprint(opened, NAME)
        with (dealt / NAME / READERS_FILE).open("a") as file:
            file.write("\n")
        assert fingerprint(opened, NAME) != before

    def test_a_locked_case_cannot_be_queued(self, compared: Path) -> None:
        def queue(case: str) -> Queue:
            record = f"{case}/anat/{case}_seg-lesions_dseg.json"
            return Queue("look", "2026-01-01", "by hand", (QueueItem(case, record),))

        with pytest.raises(InputError, match="sub-P3: was locked by"):
            change_queue(compared / NAME, lambda _: queue("sub-P3"))
        assert change_queue(compared / NAME, lambda _: queue("sub-P1"))[1].is_file()


class TestPage:
    def test_without_a_trial_it_says_how_to_begin(
        self, study: Path, open_page: OpenPage, words_of: Words
    ) -> None:
        app = open_page("readers", study)
        assert not app.exception
        assert "No case of these results is assigned to a reader" in words_of(app)
        assert "fsh readers assign" in app.code[0].value

    def test_the_whole_trial(self, compared: Path, open_page: OpenPage, words_of: Words) -> None:
        app = open_page("readers", compared)
        assert not app.exception
        metrics = {metric.label: metric.value for metric in app.metric}
        assert metrics == {
            "Reading": "2",
            "To compare": "0",
            "To adjudicate": "1",
            "Final": "1",
            "Locked": "1",
        }
        said = words_of(app)
        assert "1 lesion that readers differ on, 1 case left to adjudicate" in said
        tables = {tuple(frame.value.columns): frame.value for frame in app.dataframe}
        agreement = next(frame for names, frame in tables.items() if "Cohen's kappa" in names)
        assert agreement[["Reader", "Other reader", "Lesions", "Alike"]].values.tolist() == [
            ["Anna", "Ben", 3, 2]
        ]

    def test_before_any_comparison_it_says_when_one_comes(
        self, dealt: Path, open_page: OpenPage, words_of: Words
    ) -> None:
        said = words_of(open_page("readers", dealt))
        assert "Nothing has been compared yet: a case is, once all its readers have signed." in said

    def test_a_reader_sees_nothing_of_the_others(
        self, compared: Path, open_page: OpenPage, words_of: Words
    ) -> None:
        for page in ("readers", "cohort", "lesions"):
            app = open_page(page, compared, "--reader", "Ben")
            assert not app.exception
            shown = words_of(app) + "".join(frame.value.to_csv() for frame in app.dataframe)
            assert "Ben reads, blinded" in shown
            for word in ("Anna", "Cleo", "participants.tsv", "site"):
                assert word not in shown

    def test_who_has_no_part_is_told(
        self, dealt: Path, open_page: OpenPage, words_of: Words
    ) -> None:
        app = open_page("readers", dealt, "--reader", "Zoe")
        assert not app.exception
        assert "Zoe has no case in this trial" in "".join(text.value for text in app.text)

    def test_a_damaged_file_is_one_sentence(self, dealt: Path, open_page: OpenPage) -> None:
        (dealt / NAME / READERS_FILE).write_bytes(b"{}\n")
        app = open_page("readers", dealt)
        assert not app.exception
        assert "expected who reads what" in app.error[0].value
