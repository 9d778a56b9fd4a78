"""What is found where there is nothing to find: docs/model-card.md.

python -m benchmarks.lesion_free DATA BODIES FOLD...

Three kinds of scans, each by the first weights, of a cross-validation's folds and the bundled
ones, that were not trained on its patient:

- healthy: `HEALTHY` of BODIES, nearly without lesions; whatever touches none of its mask is false.
- light: the patients of DATA with less than `LIGHT_ML` of lesions; whatever touches none of them
  is false.
- filled: a copy of every other scan of DATA whose lesions are filled in with white matter from
  nearby; everything found is false.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.experiments import HEALTHY
from benchmarks.quality import unseen_cases
from fsh_core import BrainFinder, load_predictor
from fsh_core.cases import Case, discover_cases
from fsh_core.config import SegmentConfig
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.inference.scan import Prediction, predict_scan
from fsh_core.lesions.label import label_lesions
from fsh_core.pipeline import find_lesions
from fsh_core.preprocess.load import LoadedScan, load_scan
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.volume.volume import load_mask

LIGHT_ML = 2.0


@dataclass(frozen=True)
class LesionFree:
    """A scan in which everything that touches no lesion of the mask is false.

    Attributes
    ----------
    name, kind : str
        Of the scan; healthy, light or filled.
    predicted : Prediction
        What a network says of it.
    lesions : (I, J, K) bool
        What is there all the same.
    """

    name: str
    kind: str
    predicted: Prediction
    lesions: NDArray[np.bool_]


def look(case: Case, predictor: NetworkPredictor, finder: BrainFinder) -> LesionFree:
    """Show a scan, with its lesions filled in where it has many, to a network."""
    if case.reference is None:
        raise ValueError(f"{case.name} has no mask of its lesions")
    scan = load_scan(case, predictor.model, finder)
    lesions = load_mask(case.reference, scan.flair, case.flair).data & scan.brain.mask
    kind = "healthy" if case.subject == HEALTHY else "light"
    if kind == "light" and scan.flair.volume_ml(lesions) >= LIGHT_ML:
        kind, scan, lesions = "filled", _filled(scan, lesions), np.zeros_like(lesions)
    return LesionFree(case.name, kind, predict_scan(scan, predictor), lesions)


def _filled(scan: LoadedScan, lesions: NDArray[np.bool_]) -> LoadedScan:
    clean = remove_lesions(scan.flair, lesions, scan.brain.mask, np.random.default_rng(0))
    return replace(scan, volumes=[clean, *scan.volumes[1:]])


def count_false(shown: LesionFree, config: SegmentConfig) -> dict[str, object]:
    """Count what is found of nothing, and its volume in ml."""
    predicted = shown.predicted
    flair, brain = predicted.flair, predicted.brain.mask
    _, labels = find_lesions(predicted.probability, brain, flair, config)
    real = np.unique(labels[shown.lesions])
    false = ~np.isin(labels, real) & (labels > 0)
    return {
        "scan": shown.name,
        "kind": shown.kind,
        "lesions": int(label_lesions(shown.lesions, flair.voxel_volume_mm3).max(initial=0)),
        "false_findings": len(np.unique(labels[false])),
        "false_ml": flair.volume_ml(false),
    }


def main(data: Path, bodies: Path, folds: Sequence[Path], config: SegmentConfig) -> None:
    """Print a row a scan, then the mean of each kind."""
    predictors = [load_predictor(path, config) for path in (*folds, None)]
    finder = BrainFinder()
    cases = [case for case in discover_cases(bodies) if case.subject == HEALTHY]
    rows = []
    for case, predictor in unseen_cases([*cases, *discover_cases(data)], predictors):
        row = count_false(look(case, predictor, finder), config)
        rows.append(row | {"weights": (predictor.card.sha256 or "")[:12]})
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    print(table.groupby("kind")[["false_findings", "false_ml"]].mean().round(2).to_string())


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("folds", type=Path, nargs="*")
    parser.add_argument("--threshold", type=float, default=SegmentConfig().threshold)
    parser.add_argument(
        "--minimum-volume-mm3", type=float, default=SegmentConfig().minimum_volume_mm3
    )
    words = parser.parse_args()
    config = SegmentConfig(threshold=words.threshold, minimum_volume_mm3=words.minimum_volume_mm3)
    main(words.data, words.bodies, words.folds, config)


if __name__ == "__main__":
    run()
