"""The benchmark says what is reached, missed, not run, and whether it was disturbed."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import card, clock, speed, tables
from benchmarks.clock import NotRun, repeat, run_process, summarise

COST = {"seconds": [4.0, 6.0, 5.0], "cpu_s": 7.0, "peak_mb": 1600.0, "dice": 0.8, "options": ""}


def result(values=None, **facts):
    machine = {"processor": "P", "cores": 2, "memory_gb": 8.0, "system": "S", "python": "3"}
    said = {"not_run": facts.pop("not_run")} if values is None else {"values": values}
    common = {
        "machine": machine,
        "commit": "abc",
        "identity": {"threads": 2},
        "date": "2026-01-01T00",
        "took_s": 60.0,
    }
    return {**said, **common, "others_fraction": 0.0, **facts}


def row(section: str, beginning: str) -> str:
    return next(line for line in section.splitlines() if line.startswith(f"| {beginning}"))


def test_targets_are_met_or_missed_by_the_median() -> None:
    peer = {"seconds": [80.0], "cpu_s": 100.0, "peak_mb": 5000.0}
    section = tables.write_section(
        {
            "segment": result({"default": COST}),
            "nnunet": result(peer),
            "nnunet-mirror": result(peer),
        }
    )
    assert (
        row(section, "the sample, file to files")
        == "| the sample, file to files | 5.0 s | at most 5 s | met |"
    )
    assert row(section, "its peak memory").endswith("| 1,600 MB | at most 1,500 MB | **missed** |")
    assert row(section, "nnU-Net v2, one fold, no mirroring: times").endswith(
        "| 16.0 | at least 15 | met |"
    )
    assert row(section, "nnU-Net v2, one fold, mirroring (its default): times").endswith(
        "at least 100 | **missed** |"
    )


def test_what_was_not_run_is_named_with_the_reason() -> None:
    section = tables.write_section({"samseg": result(not_run="bench-samseg is not installed")})
    assert row(section, "SAMSEG, lesion mode: times").endswith(
        "| not run: bench-samseg is not installed | at least 100 |  |"
    )
    assert row(section, "the sample, file to files").endswith(
        "| not run: left out | at most 5 s |  |"
    )


def test_the_network_is_judged_by_the_ceiling_of_the_same_run() -> None:
    ceiling = {"seconds": [0.1], "gflop": 100.0}
    bundled = {
        "name": "the bundled model",
        "seconds": [0.2],
        "gflop": 160.0,
        "plain_seconds": [0.8],
    }
    section = tables.write_section({"network": result({"ceiling": ceiling, "bundled": bundled})})
    assert row(section, "forward pass").endswith("| 80 % | at least 85 % | **missed** |")
    assert "4.0 x the plain way, 80 % of the ceiling" in row(section, "the bundled model, a tile")


def test_a_disturbed_part_is_marked_and_others_are_not() -> None:
    section = tables.write_section(
        {"segment": result({"default": COST}, others_fraction=0.4), "samseg": result(not_run="no")}
    )
    assert "**The machine was not idle**; others used of it during segment 40 %." in section
    assert "not idle" not in tables.write_section({"segment": result({"default": COST})})


def test_parts_of_different_commits_are_no_single_run() -> None:
    peer = {"seconds": [80.0], "cpu_s": 100.0, "peak_mb": 5000.0}
    section = tables.write_section(
        {"segment": result({"default": COST}), "nnunet": result(peer, commit="def")}
    )
    assert "**Not one run**" in section


def test_only_the_section_between_the_marks_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    speed.replace_section(page, "new\n")
    assert (
        page.read_text() == "before\n<!-- measured: begin -->\nnew\n<!-- measured: end -->\nafter\n"
    )
    page.write_text("no marks")
    with pytest.raises(ValueError, match="must have <!-- measured: begin -->"):
        speed.replace_section(page, "new")


def test_the_page_has_the_marks() -> None:
    text = speed.PAGE.read_text()
    assert text.count("<!-- measured: begin -->\n") == text.count("<!-- measured: end -->") == 1


def test_a_part_is_measured_again_when_the_threads_change_or_it_was_not_run(tmp_path: Path) -> None:
    given = SimpleNamespace(threads=2, sizes=[128], cohort=[1])
    stored = tmp_path / "segment.json"
    assert not speed.is_current(stored, speed.identity("segment", given))
    stored.write_text(json.dumps({"values": {}, "identity": speed.identity("segment", given)}))
    assert speed.is_current(stored, speed.identity("segment", given))
    given.threads = 1
    assert not speed.is_current(stored, speed.identity("segment", given))
    stored.write_text(json.dumps({"not_run": "why", "identity": speed.identity("segment", given)}))
    assert not speed.is_current(stored, speed.identity("segment", given))


def test_what_was_measured_with_other_code_is_not_shown(tmp_path: Path) -> None:
    stored = tmp_path / "segment.json"
    assert speed._read(stored, {"code": 1}) == {}
    stored.write_text(json.dumps({"values": {"a": 1}, "identity": {"code": 1}}))
    assert speed._read(stored, {"code": 1})["values"] == {"a": 1}
    assert "other code" in speed._read(stored, {"code": 2})["not_run"]


def test_another_number_of_cases_concerns_the_cohort_alone() -> None:
    one, ten = (SimpleNamespace(threads=2, sizes=[128], cohort=cohort) for cohort in ([1], [1, 10]))
    assert speed.identity("cohort", one) != speed.identity("cohort", ten)
    assert speed.identity("sizes", one) == speed.identity("sizes", ten)


def test_a_process_is_timed_with_its_memory(tmp_path: Path) -> None:
    words = "x = bytes(50_000_000); sum(i for i in range(300_000))"
    cost = run_process([sys.executable, "-c", words], tmp_path / "log" / "words.txt")
    assert cost.seconds > 0
    assert cost.cpu_s > 0
    assert cost.peak_mb > 50
    assert summarise([cost, cost])["seconds"] == [cost.seconds] * 2


def test_a_process_that_fails_is_named_with_its_last_word(tmp_path: Path) -> None:
    with pytest.raises(NotRun, match=r"ended with 1: no luck$"):
        run_process([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path / "log.txt")
    with pytest.raises(NotRun, match=r"nowhere cannot be started: No such file"):
        run_process([tmp_path / "nowhere"], tmp_path / "log.txt")


def test_warm_up_calls_are_not_timed() -> None:
    calls = []
    assert len(repeat(lambda: calls.append(1), runs=3, warm_up=2)) == 3
    assert len(calls) == 5


def test_own_work_is_not_that_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"clock": 0.0, "busy": 100.0, "own": 10.0}
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now["clock"])
    monkeypatch.setattr(clock.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(clock, "_busy_s", lambda: now["busy"])
    monkeypatch.setattr(clock, "_own_s", lambda: now["own"])
    bystander = clock.Bystander()
    now |= {"clock": 10.0, "busy": 115.0, "own": 20.0}
    assert bystander.others_fraction() == 0.25  # 5 of 20 seconds
    now["own"] = 25.0
    assert bystander.others_fraction() == 0.0


@pytest.mark.parametrize(
    ("name", "ljubljana19", "smallest", "interval"),
    [
        (
            "benchmarks/default_5/default-5.json",
            "| ljubljana19 | ljub | 49.8 | 3.2 | 0.12 | 0.10 | 0 |",
            "| below_3mm | 70 | 0.00 |",
            "times 2.08 either way",
        ),
        (
            "fsh_core/weights/default.json",
            "| ljubljana19 | ljub | 49.8 | 2.1 | 0.08 | 0.13 | 0 |",
            "| below_3mm | 70 | 0.03 |",
            "volume interval at 90%: holds in 92%",
        ),
    ],
    ids=["a calibration by site", "the bundled weights"],
)
def test_the_cards_tables_say_what_the_card_says(
    name, ljubljana19, smallest, interval, tmp_path, capsys
) -> None:
    path = Path(card.__file__).parent.parent / name
    facts = json.loads(path.read_text())
    names = [row["case"] for row in facts["validation"]]
    sites = "".join(f"{name}\t{name[4:8]}\n" for name in names)
    (tmp_path / "participants.tsv").write_text(f"participant_id\tsite\n{sites}")
    card.main(path, tmp_path)
    said = capsys.readouterr().out
    assert facts["sha256"] in said
    mean = sum(row["dice"] for row in facts["validation"]) / len(names)
    assert f"| all | 13 | {mean:.3f} (" in said
    assert ljubljana19 in said
    assert smallest in said
    assert interval in said
