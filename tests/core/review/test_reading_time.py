"""Reading time from hand-made journals."""

import json

import pandas as pd
import pytest

from fsh_core.derivatives import read_segmentation, write_segmentation
from fsh_core.review import ReviewEvent, case_state, open_review, read_ledger, save_review
from fsh_core.review.reading_time import BREAK_S, ReadingTime


def at(second: float) -> str:
    minutes, seconds = divmod(second, 60)
    return f"2026-01-01T10:{int(minutes):02}:{seconds:06.3f}+00:00"


def heard(*events: tuple[str, int, float | str]) -> ReadingTime:
    """Count the time of (kind, lesion, second or text) events."""
    time = ReadingTime()
    for kind, label, when in events:
        text = when if isinstance(when, str) else at(when)
        time.hear(ReviewEvent(kind, label, time=text))
    return time


def test_from_going_to_a_lesion_to_leaving_it() -> None:
    time = heard(("visit", 3, 0), ("status", 3, 12.5), ("visit", 7, 12.5), ("visit", 3, 40))
    assert (time.lesion_s(3), time.lesion_s(7), time.lesion_s(1)) == (12.5, 27.5, 0)
    assert (time.case_s, time.breaks) == (40, 0)


def test_coming_back_adds_up() -> None:
    time = heard(("visit", 3, 0), ("visit", 7, 10), ("visit", 3, 15), ("note", 3, 45))
    assert (time.lesion_s(3), time.lesion_s(7)) == (40, 5)


def test_breaks_are_not_counted_and_their_limit_is() -> None:
    time = heard(("visit", 1, 0), ("status", 1, BREAK_S), ("visit", 2, 2 * BREAK_S + 0.001))
    assert (time.lesion_s(1), time.case_s, time.breaks) == (BREAK_S, BREAK_S, 1)


@pytest.mark.parametrize("kind", ["note", "reveal"])
def test_what_names_no_lesion_leaves_the_reader_where_they_are(kind: str) -> None:
    assert heard(("visit", 4, 0), (kind, 0, 5), ("status", 4, 9)).lesion_s(4) == 9


def test_after_the_status_of_the_case_the_time_is_no_lesions() -> None:
    time = heard(("visit", 4, 0), ("case", 0, 5), ("note", 0, 25))
    assert (time.lesion_s(4), time.case_s) == (5, 25)


def test_one_event_or_none_is_no_time() -> None:
    assert heard().case_s == heard(("status", 1, 30)).case_s == 0


def test_a_clock_that_is_set_back_or_no_time_is_a_break() -> None:
    time = heard(("visit", 1, 60), ("visit", 2, 0), ("visit", 3, "noon"), ("visit", 4, 9))
    assert (time.case_s, time.breaks) == (0, 3)


def test_a_time_without_a_zone_is_utc() -> None:
    time = heard(("visit", 1, "2026-01-01T12:00:00+02:00"), ("visit", 2, "2026-01-01T10:00:07"))
    assert time.lesion_s(1) == 7


def test_it_stands_in_table_record_and_cohort(make_segmentation, tmp_path) -> None:
    paths = write_segmentation(make_segmentation(), tmp_path / "out")
    stored = read_segmentation(paths["record"])
    review = open_review(stored, "Anna")
    for label in (2, 1):
        review.visit(label)
    review.set_status(1, "accepted")
    journal = review.journal.path
    header, *lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line, second in zip(lines, (0, 20, 80), strict=True):
        line["time"] = at(second)
    journal.write_text("".join(json.dumps(line) + "\n" for line in (header, *lines)))

    written = save_review(open_review(stored, "Anna"), stored)
    table = pd.read_csv(written["table"], sep="\t").set_index("index")
    assert table["reading_time_s"].to_dict() == {1: 60.0, 2: 20.0, 3: 0.0}
    record = json.loads(written["record"].read_text())
    assert record["review"]["reading_time_s"] == 80.0
    assert record["review"]["reading_breaks"] == 0
    assert record["review"]["reading_break_limit_s"] == BREAK_S
    assert "journal" in record["reading_time_s"]["Description"]
    assert record["reading_time_s"]["Units"] == "s"
    assert read_ledger(stored, "Anna").reading_time.case_s == 80
    assert case_state(stored.paths["record"], "Anna").reading_time_s == 80
