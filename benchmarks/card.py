"""The tables of the model card, from what ``fsh calibrate`` wrote beside the weights.

python -m benchmarks.card fsh_core/weights/default.json DATA

DATA is what they were judged on: its ``participants.tsv`` has the sites. Means have 95 % bootstrap
intervals over patients. Volume bias is the volume found in all patients of a row over that of the
reference, less one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.experiments import interval, show_table

LOADS = {"below 5 ml": (0.0, 5.0), "5 to 20 ml": (5.0, 20.0), "above 20 ml": (20.0, float("inf"))}


def main(card: Path, data: Path) -> None:
    """Print the tables."""
    facts = json.loads(card.read_text())
    cases = pd.DataFrame(facts["validation"])
    sites = pd.read_csv(data / "participants.tsv", sep="\t").set_index("participant_id")["site"]
    cases["site"] = cases["case"].map(sites)
    print(f"weights {facts['sha256']}, judged {facts['calibration']['weights_sha256']}\n")
    show_table(
        [_row(case) for case in cases.to_dict(orient="records")],
        ["left out", "site", "reference ml", "found ml", "Dice", "lesion F1", "false lesions"],
    )
    groups = {"all": cases} | {str(site): part for site, part in cases.groupby("site")}
    for load, (low, high) in LOADS.items():
        groups[load] = cases[(cases.reference_ml >= low) & (cases.reference_ml < high)]
    show_table(
        [
            [name, str(len(part)), interval(part.dice), interval(part.lesion_f1), _bias(part)]
            for name, part in groups.items()
        ],
        ["patients", "number", "Dice", "lesion F1", "volume bias"],
    )
    show_table(
        [
            [size, str(count["lesions"]), f"{count['found'] / count['lesions']:.2f}"]
            for size, count in facts["recall_by_size"].items()
        ],
        ["size", "lesions", "found"],
    )
    _show_calibration(facts)


def _row(case: dict[str, Any]) -> list[str]:
    return [
        str(case["case"]).removeprefix("sub-"),
        str(case["site"]),
        *(f"{case[name]:.1f}" for name in ("reference_ml", "prediction_ml")),
        *(f"{case[name]:.2f}" for name in ("dice", "lesion_f1")),
        str(case["false_lesions"]),
    ]


def _bias(cases: pd.DataFrame) -> str:
    return f"{cases.prediction_ml.sum() / cases.reference_ml.sum() - 1:+.0%}"


def _show_calibration(facts: dict[str, Any]) -> None:
    lesions, volume = facts["confidence"], facts["calibration"]
    point = facts["operating_point"]
    print(f"threshold {point['threshold']}, at least {point['minimum_volume_mm3']} mm3")
    print(f"expected calibration error {facts['reliability']['expected_calibration_error']:.3f}")
    print(
        f"{lesions['real']} of {lesions['lesions']} lesions real; Brier score "
        f"{lesions['brier']:.3f}, by their share alone {lesions['brier_of_share']:.3f}"
    )
    near = [abs(part["real"] - part["probability"]) <= 0.1 for part in lesions["bins"]]
    print(f"{sum(near)} of {len(near)} tenths of confidence within 0.1 of what came true")
    print(f"volume interval at {volume['rate']:.0%}: holds in {volume['covered']:.0%}")
    if "median_factor" in volume:  # older cards scale every scan's interval alike
        print(
            f"by group {volume['covered_by_group']}, times {volume['median_factor']:.2f} either way"
        )


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("card", type=Path)
    parser.add_argument("data", type=Path)
    words = parser.parse_args()
    main(words.card, words.data)


if __name__ == "__main__":
    run()
