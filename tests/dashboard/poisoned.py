"""A study in which every text that a file can bring is markup."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fsh_core.files import sha256_of
from fsh_core.review import Queue, QueueItem, open_review, save_queue
from fsh_core.studies.written import AGREEMENT, EVALUATION, TABLES
from fsh_core.tables import TAB, format_table
from fsh_core.tracking import CHANGE_COLUMNS, LESION_COLUMNS

EVIL = "evil.example"
MARKUP = (
    f"x![i](http://{EVIL}/i.png)<img src='http://{EVIL}/j.png' onerror='window.hit=1'>"
    f"<script>window.hit=1</script>[l](http://{EVIL}) http://{EVIL}/k www.{EVIL} a@{EVIL} "
    f'$x^2$ :smile: :red[r] :material/home: **b** `c` -> "q" =HYPERLINK("http://{EVIL}")\x07\x1b[0m'
)
# What may stand in the name of a file or folder.
NAME = "n![i](x)<img src=x onerror=hit=1>**b** :smile: $y^2$ `c`"
CARD = f"{MARKUP} (runs/{NAME}/best.json)"
RESULTS = "derivatives/fsh"


def poison(study: Path, run: Path) -> str:
    """Put markup into every text of a study and of a run in it; gives the name of the case."""
    record = study / RESULTS / "sub-P1" / "anat" / "sub-P1_seg-lesions_dseg.json"
    _review(record)
    content: dict[str, Any] = json.loads(record.read_text())
    content["version"] = MARKUP
    content["weights"]["name"] = MARKUP
    content["brain"]["note"] = MARKUP
    check = {"name": MARKUP, "verdict": MARKUP, "value": 1.0, "unit": MARKUP, "reason": MARKUP}
    content["quality"] = {"verdict": MARKUP, "summary": MARKUP, "checks": [check]}
    content["regions"] = {"found": False, "note": MARKUP}
    record.write_text(json.dumps(content))
    _lesions(record.with_name("sub-P1_seg-lesions_dseg.tsv"))
    other = study / RESULTS / "sub-P2" / "anat" / "sub-P2_seg-lesions_dseg.json"
    content = json.loads(other.read_text())
    content["case"] = MARKUP
    content["input"]["FLAIR"]["path"] = MARKUP
    content["regions"] = {"found": True, "dissemination": _dissemination()}
    other.write_text(json.dumps(content))
    broken = study / RESULTS / "sub-P3" / "anat" / "sub-P3_seg-lesions_dseg.json"
    broken.write_text(json.dumps({MARKUP: MARKUP}))
    _people(study / "participants.tsv")
    _queue(study / RESULTS)
    _tracks(study / RESULTS / "sub-P1" / "tracks")
    _studies(study)
    _run(run)
    return MARKUP


def _studies(root: Path) -> None:
    """An evaluation and an agreement study in which every text is markup."""
    words = MARKUP.replace("\x07", "").replace("\x1b", "")
    texts = {"case": words, "subject": words, "trained_on": True, "metric": words}
    texts |= {"region": words, "rater": words, "rater_1": words, "rater_2": f"{words}2"}
    texts |= {"quantity": words, "load": "all", "scale": "ml"}
    for kind in (EVALUATION, AGREEMENT):
        folder = root / NAME / kind
        folder.mkdir(parents=True)
        (folder / "columns.json").write_text("{}")
        for name, columns in TABLES[kind].items():
            row: dict[str, Any] = {column: texts.get(column, 0.5) for column in columns}
            rows = [row] if "note" not in row else [row | {"note": words}, row | {"note": ""}]
            (folder / f"{name}.csv").write_text(format_table(pd.DataFrame(rows)))
        failures = pd.DataFrame({"case": [words], "reason": [words]})
        (folder / "failures.csv").write_text(format_table(failures))


def _review(record: Path) -> None:
    for reader in ("<b>A</b>", f"![i](http://{EVIL})"):
        review = open_review(record, reader)
        review.set_status(1, "accepted" if reader[0] == "<" else "rejected")
        review.set_note(1, MARKUP)


def _lesions(path: Path) -> None:
    table = pd.read_csv(path, sep="\t")
    words = MARKUP.replace("\x07", "").replace("\x1b", "")
    table.assign(region=words, flags=words, image=f"http://{EVIL}/m.png").to_csv(
        path, sep="\t", index=False
    )


def _dissemination() -> dict[str, Any]:
    reading = {
        "title": MARKUP,
        "areas": 1,
        "definition": MARKUP,
        "source": MARKUP,
        "not_assessed": [MARKUP],
        "areas_seen": [MARKUP],
        "fulfilled_here": True,
    }
    return {
        "regions": {MARKUP: {"count": 1, "volume_ml": 1.0}},
        "readings": [reading],
        "not_assessed": [MARKUP],
        "label": MARKUP,
    }


def _people(path: Path) -> None:
    people = pd.read_csv(path, sep="\t")
    people[MARKUP.replace("\x07", "").replace("\x1b", "")] = [1, 2, 3, 4]
    people['=1+1,\'"a".b[c]:d'] = [4, 3, 2, 1]
    people["image"] = [f"http://{EVIL}/{number}.png" for number in (1, 1, 2, 2)]
    people["site"] = [MARKUP.split("\x07")[0], "b", "b", "b"]
    people.to_csv(path, sep="\t", index=False)


def _queue(results: Path) -> None:
    record = "sub-P1/anat/sub-P1_seg-lesions_dseg.json"
    item = QueueItem(MARKUP, record, (1,), MARKUP)
    save_queue(results, Queue(MARKUP, MARKUP, MARKUP, (item,)))


def _tracks(home: Path) -> None:
    """Two visits called by markup, compared, with a change of every text that can be markup."""
    home.mkdir()
    names = [f"{MARKUP}{number}" for number in (1, 2)]
    sha = {"flair_sha256": "0" * 64, "labels_sha256": "0" * 64}
    visits = [
        {"name": name, "record": MARKUP, "flair": MARKUP, "labels": MARKUP, "reader": MARKUP}
        | {"quality": MARKUP, "date": MARKUP, "lesion_count": 1, "lesion_volume_ml": 1.0} | sha
        for name in names
    ]  # fmt: skip
    numbers = {"brain_overlap": 1.0, "disagreement_mm": 0.0, "noise": 0.1, "counts": {"new": 1}}
    pair = {"earlier": names[0], "later": names[1], "verdict": MARKUP, "reasons": [MARKUP]}
    pair |= numbers | {"earlier_to_later": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}
    record = {"subject": "P1", "version": MARKUP, "visits": visits, "order": "names"}
    record |= {"pairs": [pair], "settings": {}, "run": {"seconds": 1.0}}
    (home / "sub-P1_tracks.json").write_text(json.dumps(record))
    words = MARKUP.replace("\x07", "").replace("\x1b", "")
    texts = {"kind": words, "size_change": words, "evidence": words, "reason": words}
    changes = pd.DataFrame([dict.fromkeys(CHANGE_COLUMNS, 1) | texts])
    changes = changes.assign(from_visit=names[0], to_visit=names[1])
    tracks = pd.DataFrame([dict.fromkeys(LESION_COLUMNS, 1)] * 2).assign(visit=names)
    (home / "sub-P1_changes.tsv").write_text(format_table(changes, TAB))
    (home / "sub-P1_tracks.tsv").write_text(format_table(tracks, TAB))
    decided = changes.assign(status=words, kind_reviewed=words, note=words)
    path = home / "sub-P1_desc-reviewedA_changes.tsv"
    path.write_text(format_table(decided, TAB))
    about = {"changes_sha256": sha256_of(home / "sub-P1_changes.tsv")}
    path.with_suffix(".json").write_text(json.dumps(about))
    (home.parent.parent / "sub-P4" / "tracks").mkdir()
    broken = home.parent.parent / "sub-P4" / "tracks" / "sub-P4_tracks.json"
    broken.write_text(json.dumps(record | {"subject": MARKUP}))


def _run(run: Path) -> None:
    folder = run.rename(run.with_name(NAME))
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {MARKUP: MARKUP}))
    (folder / "split.json").write_text(json.dumps({"training": [MARKUP], "validation": [MARKUP]}))
    log = folder / "log.jsonl"
    log.write_text(f"{log.read_text()}{MARKUP}\n")
    (folder / "best.safetensors").touch()
    card = {
        "format": "fsh-checkpoint-1",
        "sha256": MARKUP,
        "name": MARKUP,
        "licence": MARKUP,
        "documentation": MARKUP,
        "validation": [
            {"case": f"{MARKUP}{number}", "site": MARKUP, "dice": 0.1 * number}
            for number in range(6)
        ],
        "recall_by_size": {MARKUP: {"lesions": 4, "found": 1}},
    }
    (folder / "best.json").write_text(json.dumps(card))
