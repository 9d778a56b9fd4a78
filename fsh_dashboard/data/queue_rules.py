"""Which cases and lesions to review, by rule; worst first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from fsh_core.review import Queue, QueueItem
from fsh_dashboard.data.cohort_tables import Results
from fsh_dashboard.data.flags import OUTLIERS
from fsh_dashboard.data.reader_agreement import disagreements
from fsh_dashboard.data.reviews import Reviews
from fsh_dashboard.data.tags import having, spelled, words_in

BY_HAND = "picked by hand"


class Rule(NamedTuple):
    """One way to choose.

    Attributes
    ----------
    title : str
        For the list of rules.
    limit : str
        What the number means; empty = the rule has none.
    default : callable
        ``default(results)`` -> the number at first.
    choose : callable
        ``choose(results, reviews, number)`` -> items, worst first.
    """

    title: str
    limit: str
    default: Callable[[Results], float]
    choose: Callable[[Results, Reviews, float], list[QueueItem]]


def certainty_column(lesions: pd.DataFrame) -> str | None:
    """Name the column that says how sure a lesion is: the calibrated one where it is known."""
    known = [
        name
        for name in ("confidence", "mean_probability")
        if name in lesions and lesions[name].notna().any()
    ]
    return known[0] if known else None


def _uncertain_below(results: Results) -> float:
    """Where a lesion is no more likely than not.

    Probabilities are sure of themselves, none is below its threshold.
    """
    return 0.5 if certainty_column(results.lesions) == "confidence" else 0.8


def uncertain(results: Results, reviews: Reviews, limit: float) -> list[QueueItem]:
    """Choose the lesions that are less sure than a limit."""
    column = certainty_column(results.lesions)
    if column is None:
        return []
    chosen = results.lesions[results.lesions[column] < limit].sort_values([column, "case", "label"])
    word = "confidence" if column == "confidence" else "probability"
    least = chosen.groupby("case")[column].min()
    return _by_case(
        results, chosen, {str(case): f"{word} from {low:.2f}" for case, low in least.items()}
    )


def outliers(results: Results, reviews: Reviews, limit: float) -> list[QueueItem]:
    """Choose the cases in which a volume.

    A count or the agreement with the reference is far from the others'.
    """
    words = [word for pair in OUTLIERS.values() for word in pair if word]
    marks = having(results.cases["flags"], words)
    return _whole(results, results.cases[marks])


def flagged(results: Results, reviews: Reviews, limit: float) -> list[QueueItem]:
    """Choose the flagged lesions, then the cases that are flagged as a whole."""
    items = []
    if "flags" in results.lesions:
        marked = results.lesions[results.lesions["flags"].fillna("").astype(str) != ""]
        said = {
            str(case): spelled(", ".join(words_in(flags)))
            for case, flags in marked.groupby("case")["flags"]
        }
        items = _by_case(results, marked, said)
    queued = {item.case for item in items}
    whole = results.cases[(results.cases["flags"] != "") & ~results.cases["case"].isin(queued)]
    return items + _whole(results, whole)


def disagreeing(results: Results, reviews: Reviews, limit: float) -> list[QueueItem]:
    """Choose the cases that overlap their reference least."""
    if "dice" not in results.cases:
        return []
    poor = results.cases[results.cases["dice"] < limit].sort_values(["dice", "case"])
    return [
        QueueItem(str(case), _below(results, str(record)), (), f"Dice {dice:.2f}")
        for case, record, dice in zip(poor["case"], poor["record"], poor["dice"], strict=True)
    ]


def readers_differ(results: Results, reviews: Reviews, limit: float) -> list[QueueItem]:
    """Choose the lesions about which two readers decided differently."""
    chosen = disagreements(reviews.decisions).drop_duplicates(["case", "label"])
    counts = chosen["case"].value_counts()
    return _by_case(
        results, chosen, {str(case): f"readers differ on {n}" for case, n in counts.items()}
    )


def _none(results: Results) -> float:
    return 0.0


RULES = {
    "uncertain": Rule("Uncertain lesions", "Less sure than", _uncertain_below, uncertain),
    "outliers": Rule("Outlying cases", "", _none, outliers),
    "flagged": Rule("Flagged cases and lesions", "", _none, flagged),
    "disagreeing": Rule(
        "Disagreeing with the reference", "Dice below", lambda results: 0.6, disagreeing
    ),
    "readers": Rule("Readers differ", "", _none, readers_differ),
}


def without_reviewed(items: Sequence[QueueItem], reviews: Reviews) -> list[QueueItem]:
    """Leave out the cases that a reader has completed."""
    done = set(reviews.progress.loc[reviews.progress["status"] == "completed", "case"])
    return [item for item in items if item.case not in done]


def picked(results: Results, lesions: pd.DataFrame) -> list[QueueItem]:
    """Make items of lesions that a person picked, the largest of a case first."""
    chosen = lesions.sort_values(["volume_mm3", "case", "label"], ascending=[False, True, True])
    return _by_case(results, chosen, dict.fromkeys(chosen["case"], BY_HAND))


def with_more(queue: Queue, items: Iterable[QueueItem], rule: str = BY_HAND) -> Queue:
    """Add items behind those of a queue; more lesions of a case that is in it join that case.

    A case that is queued as a whole stays so.
    """
    known = {item.record: item for item in queue.items}
    for item in items:
        before = known.get(item.record)
        if before is None:
            known[item.record] = item
            continue
        both = tuple(dict.fromkeys((*before.lesions, *item.lesions)))
        reasons = dict.fromkeys(one for one in (*before.reason.split("; "), item.reason) if one)
        lesions = both if before.lesions and item.lesions else ()
        known[item.record] = replace(before, lesions=lesions, reason="; ".join(reasons))
    rules = dict.fromkeys(one for one in (*queue.rule.split("; "), rule) if one)
    return replace(queue, rule="; ".join(rules), items=tuple(known.values()))


def _by_case(results: Results, chosen: pd.DataFrame, reasons: Mapping[str, str]) -> list[QueueItem]:
    """Make one item of the chosen lesions of a case, with the reason for that case.

    Cases and lesions in the order of the table.
    """
    records = dict(zip(results.cases["case"], results.cases["record"], strict=True))
    labels: dict[str, list[int]] = {}
    for case, label in zip(chosen["case"].tolist(), chosen["label"].tolist(), strict=True):
        labels.setdefault(case, []).append(int(label))
    return [
        QueueItem(str(case), _below(results, records[case]), tuple(own), reasons[case])
        for case, own in labels.items()
    ]


def _whole(results: Results, cases: pd.DataFrame) -> list[QueueItem]:
    """Make an item of each case, for its flags."""
    return [
        QueueItem(str(case), _below(results, str(record)), (), str(flags))
        for case, record, flags in zip(cases["case"], cases["record"], cases["flags"], strict=True)
    ]


def _below(results: Results, record: str) -> str:
    """Name a record relative to its derivatives folder."""
    return record if results.name == "." else record.removeprefix(f"{results.name}/")
