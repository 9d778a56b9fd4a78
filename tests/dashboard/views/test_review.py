"""The Review page: empty, normal, reviewed, broken."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fsh_core.review import Queue, QueueItem, load_queue, save_queue
from fsh_core.review.queue import QUEUE_FILE
from fsh_dashboard.sections import queue_choice

NAME = "derivatives/fsh"
OpenPage = Callable[..., AppTest]
Read = Callable[[str], str]
Words = Callable[[AppTest], str]
Decide = Callable[..., None]


def test_without_cases_it_says_what_to_do(
    tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("review", tmp_path)
    assert not app.exception
    assert "fsh segment SCANS" in words_of(app)


def test_before_anybody_began_it_says_how(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("review", study)
    assert not app.exception
    said = words_of(app)
    assert "There is none yet" in said
    assert "Nobody has begun" in said
    assert "Needs two readers" in said


def test_a_queue_is_chosen_and_written(
    study: Path, open_page: OpenPage, words_of: Words, read: Read
) -> None:
    app = open_page("review", study)
    app.selectbox(key="rule").set_value("disagreeing").run()
    app.number_input(key="limit-disagreeing").set_value(0.99).run()
    assert app.dataframe[0].value["Case"].tolist() == ["sub-P3", "sub-P2"]
    app.button(key="write").click().run()
    assert not app.exception
    assert read(app.success[0].value) == f"Written: {NAME}/{QUEUE_FILE} with 2 cases"
    queue = load_queue(study / NAME)
    assert queue is not None
    assert [item.case for item in queue.items] == ["sub-P3", "sub-P2"]
    assert "2 cases, worst first" in words_of(app)
    assert queue.rule == "Disagreeing with the reference, dice below 0.99, at most 50 cases"
    assert "Rule: Disagreeing with the reference" in words_of(app)


def test_lesions_are_sent_to_the_queue_from_their_table(
    study: Path, open_page: OpenPage, read: Read
) -> None:
    app = open_page("lesions", study, lesion="sub-P1:2")
    app.button(key="queue-one").click().run()
    assert not app.exception
    assert (
        read(app.success[0].value)
        == f"1 lesion queued. {NAME}/{QUEUE_FILE} now has 1 case; see the page Review."
    )
    app.number_input(key="sizefrom").set_value(180.0).run()
    assert not app.success  # said once
    app.button(key="queue-all").click().run()
    queue = load_queue(study / NAME)
    assert queue is not None
    assert [(item.case, item.lesions) for item in queue.items] == [
        ("sub-P1", (2, 1)),
        ("sub-P4", (1,)),
        ("sub-P2", (1,)),
    ]


def test_a_queue_that_is_there_is_not_replaced_unasked(
    study: Path, open_page: OpenPage, words_of: Words, read: Read
) -> None:
    by_hand = QueueItem("sub-P1", "sub-P1/anat/sub-P1_seg-lesions_dseg.json", (2,), "by hand")
    before = Queue("mine", "2026-01-01T00:00:00+00:00", "picked by hand", (by_hand,))
    save_queue(study / NAME, before)
    app = open_page("review", study)
    app.selectbox(key="rule").set_value("disagreeing").run()
    assert load_queue(study / NAME) == before
    assert not [button for button in app.button if button.key == "write"]
    assert "The queue of 1 case that is there is lost: picked by hand." in words_of(app)
    app.button(key="add").click().run()
    queue = load_queue(study / NAME)
    assert queue is not None
    assert [item.case for item in queue.items] == ["sub-P1", "sub-P3"]
    assert queue.items[0] == by_hand
    assert (
        queue.rule == "picked by hand; Disagreeing with the reference, dice below 0.6, "
        "at most 50 cases"
    )
    app.button(key="replace").click().run()
    queue = load_queue(study / NAME)
    assert queue is not None
    assert [item.case for item in queue.items] == ["sub-P3"]


def test_a_queue_that_changed_meanwhile_is_not_written_over(
    study: Path, monkeypatch: pytest.MonkeyPatch, open_page: OpenPage, read: Read
) -> None:
    app = open_page("review", study)
    app.selectbox(key="rule").set_value("disagreeing").run()
    item = QueueItem("sub-P1", "sub-P1/anat/sub-P1_seg-lesions_dseg.json", (2,), "by hand")
    mine = Queue("mine", "", "picked by hand", (item,))
    seen = queue_choice.load_queue

    def then_changed(folder: Path) -> Queue | None:
        before = seen(folder)
        save_queue(study / NAME, mine)  # another program, between the look and the click
        return before

    monkeypatch.setattr(queue_choice, "load_queue", then_changed)
    app.button(key="write").click().run()
    assert "the queue has changed meanwhile" in read(app.error[0].value)
    assert load_queue(study / NAME) == mine


def test_lesions_are_not_added_to_a_broken_queue(
    study: Path, open_page: OpenPage, read: Read
) -> None:
    (study / NAME / QUEUE_FILE).write_text("{")
    app = open_page("lesions", study)
    app.button(key="queue-all").click().run()
    assert not app.exception
    assert "expected a review queue" in read(app.error[0].value)
    assert str(study) not in read(app.error[0].value)
    assert (study / NAME / QUEUE_FILE).read_text() == "{"


def test_a_rule_that_nothing_fits_says_so(
    study: Path, open_page: OpenPage, words_of: Words
) -> None:
    app = open_page("review", study)
    app.selectbox(key="rule").set_value("readers").run()
    assert not app.exception
    assert "it needs two readers" in words_of(app)
    assert not app.button


def test_readers_agreement_and_journal_are_told(
    study: Path, open_page: OpenPage, words_of: Words, decide: Decide
) -> None:
    decide(study, "P1", "AB", {1: "accepted", 2: "rejected"}, case="completed")
    decide(study, "P1", "CD", {1: "accepted", 2: "accepted"})
    app = open_page("review", study)
    assert not app.exception
    assert "They differ on 1 lesion**" in words_of(app)
    progress, agreement, differing, events = (frame.value for frame in app.dataframe)
    assert progress["Status"].tolist() == ["completed", "in progress"]
    assert agreement["Alike"].tolist() == [1]
    assert differing["Lesion"].tolist() == [2]
    assert len(events) == 5
    app.multiselect(key="events-reader").set_value(["CD"]).run()
    assert len(app.dataframe[-1].value) == 2


def test_status_reaches_the_other_pages(study: Path, open_page: OpenPage, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"}, case="completed")
    cases = open_page("cohort", study).dataframe[0].value
    assert cases["review"].tolist() == ["completed (AB)", "", "", ""]
    assert cases["reviewed_lesion_volume_ml"].iloc[0] == pytest.approx(0.27)  # nothing was rejected
    app = open_page("lesions", study)
    app.multiselect(key="status").set_value(["accepted"]).run()
    assert not app.exception
    assert app.dataframe[0].value["volume_mm3"].tolist() == [180]


def test_a_broken_queue_is_named_and_the_rest_shown(
    study: Path, open_page: OpenPage, read: Read
) -> None:
    (study / NAME / QUEUE_FILE).write_text("{")
    app = open_page("review", study)
    assert not app.exception
    assert "expected a review queue" in read(app.warning[0].value)
    assert str(study) not in read(app.warning[0].value)


def test_a_broken_journal_is_named(study: Path, open_page: OpenPage, decide: Decide) -> None:
    decide(study, "P1", "AB", {1: "accepted"})
    next(study.glob(f"{NAME}/sub-P1/anat/*_review.jsonl")).write_text("broken\n")
    app = open_page("review", study)
    assert not app.exception
    assert any("sub-P1_desc-AB_review.jsonl" in text.value for text in app.text)


def test_results_outside_the_opened_folder_are_not_reviewed(
    study: Path, tmp_path: Path, open_page: OpenPage, words_of: Words
) -> None:
    outside = (study / NAME).rename(tmp_path / "outside")
    (study / NAME).symlink_to(outside)
    assert "fsh segment SCANS" in words_of(open_page("review", study))


def test_the_bundled_example_is_not_written_into(open_page: OpenPage, words_of: Words) -> None:
    app = open_page("review", None)
    app.number_input(key="limit-uncertain").set_value(1.0).run()
    assert not app.exception
    assert "stays as it is" in words_of(app)
    assert not [button for button in app.button if button.key == "write"]
