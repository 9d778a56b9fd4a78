"""What growth gives on patients never learned from: docs/experiments.md.

python -m benchmarks.growth DATA FOLD...

Each scan of DATA by the first weights, of a cross-validation's folds and the bundled ones, that
were not trained on its patient, as it is and with ``fsh segment --grow``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.quality import unseen_cases
from fsh_core import BrainFinder, load_predictor
from fsh_core.anatomy.template import find_anatomy
from fsh_core.cases import Case, discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.inference.scan import predict_case
from fsh_core.lesions.growth import grow_lesions
from fsh_core.pipeline import find_lesions
from fsh_core.studies.evaluate import evaluate_case
from fsh_core.volume.volume import load_mask


def compare(case: Case, predictor: NetworkPredictor, finder: BrainFinder) -> dict[str, object]:
    """Score a scan without and with growth; what grew, and how much of that is right."""
    config = SegmentConfig()
    predicted = predict_case(case, predictor, finder=finder)
    flair, brain, before = predicted.flair, predicted.brain.mask, predicted.probability
    reference = load_mask(case.reference, flair, case.flair)
    anatomy = find_anatomy(flair, brain)
    row: dict[str, object] = {"scan": case.subject, "registered": anatomy.found}
    after = grow_lesions(before, flair, brain, anatomy) if anatomy.found else before
    for name, probability in (("", before), ("_grown", after)):
        _, labels = find_lesions(probability, brain, flair, config)
        scores = evaluate_case(reference, flair.with_data(labels > 0)).row()
        row[f"dice{name}"] = scores["dice"]
        row[f"lesion_f1{name}"] = scores["lesion_f1"]
        row[f"false{name}"] = scores["false_lesions"]
        row[f"ml{name}"] = flair.volume_ml(labels > 0)
    new = (after >= config.threshold) & (before < config.threshold)
    return row | {
        "reference_ml": flair.volume_ml(reference.data),
        "grown_ml": flair.volume_ml(new),
        "right": float(reference.data[new].mean()) if new.any() else None,
        "weights": (predictor.card.sha256 or "")[:12],
    }


def main(data: Path, folds: Sequence[Path]) -> None:
    """Print a row a scan, and the means."""
    predictors, finder = [*map(load_predictor, folds), load_predictor()], BrainFinder()
    rows = []
    for case, predictor in unseen_cases(discover_cases(data), predictors):
        rows.append(compare(case, predictor, finder))
        print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print(table.select_dtypes("number").mean().round(3).to_string())


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("folds", type=Path, nargs="*")
    words = parser.parse_args()
    main(words.data, words.folds)


if __name__ == "__main__":
    run()
