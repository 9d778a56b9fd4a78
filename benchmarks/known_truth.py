"""Volumes and regions of simulated lesions, whose truth is known exactly: docs/regions.md.

python benchmarks/known_truth.py DATA FOLD...

In every scan of DATA its own lesions are painted over and 30 simulated ones inserted. It is
segmented by the first weights, of a cross-validation's folds and the bundled ones, that were not
trained on it. The true regions are those of the anatomy of the scan without any lesion.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.quality import unseen_by
from fsh_core import BrainFinder, load_predictor, segment_case
from fsh_core.anatomy.template import find_anatomy
from fsh_core.cases import Case, discover_cases
from fsh_core.evaluation.lesionwise import lesion_metrics
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.lesions.label import label_lesions
from fsh_core.lesions.measure import lesion_table
from fsh_core.lesions.regions import region_table
from fsh_core.preprocess.brain_mask import find_brain
from fsh_core.simulation.inpaint import remove_lesions
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.simulate import simulate_lesions
from fsh_core.volume.volume import load_mask, load_volume, save_like

LESIONS = 30


def compare(
    case: Case, predictor: NetworkPredictor, finder: BrainFinder, seed: int = 0
) -> dict[str, float]:
    """Simulate, segment, and hold what was found against what is true."""
    flair, reference = load_volume(case.flair), load_mask(case.reference).data
    brain = find_brain(flair, finder=finder).mask
    clean = remove_lesions(flair, reference & brain, brain, np.random.default_rng(seed))
    made = simulate_lesions(
        clean, brain, LesionShapeBank.load(), np.random.default_rng(seed), count=LESIONS
    )
    with TemporaryDirectory() as folder:
        files = {"scan": made.flair.data, "brain": brain}
        paths = {name: Path(folder) / f"{name}.nii.gz" for name in files}
        for name, data in files.items():
            save_like(data, flair, paths[name])
        found = segment_case(
            Case(case.subject, None, {"FLAIR": paths["scan"]}, brain=paths["brain"]), predictor
        )
    true = label_lesions(made.added, flair.voxel_volume_mm3, 3.0)
    table = lesion_table(true, clean, made.added.astype(np.float32), brain)
    before = region_table(true, table, clean, find_anatomy(clean, brain))
    after = region_table(true, table, made.flair, find_anatomy(made.flair, brain))
    both = (true > 0) & (found.lesion_labels > 0)
    pairs = (
        pd.DataFrame({"true": true[both], "found": found.lesion_labels[both]})
        .value_counts()
        .reset_index()
    )
    best = pairs.drop_duplicates("true").sort_values("true")
    true_regions = before["region"].to_numpy()[best["true"] - 1]
    found_regions = found.lesions["region"].to_numpy()[best["found"] - 1]
    return {
        "lesions": len(table),
        "found": lesion_metrics(true, found.lesion_labels, flair.voxel_volume_mm3).detected_lesions,
        "true_ml": flair.volume_ml(made.added),
        "placed_ml": sum(lesion.volume_mm3 for lesion in made.lesions) / 1000,
        "found_ml": found.record.lesion_volume_ml,
        "region_of_truth_kept": float((before["region"] == after["region"]).mean()),
        "region_of_found_right": float((true_regions == found_regions).mean())
        if len(best)
        else np.nan,
        "ventricle_distance_mm": float(
            (before["ventricle_distance_mm"] - after["ventricle_distance_mm"]).abs().mean()
        ),
        "cortex_distance_mm": float(
            (before["cortex_distance_mm"] - after["cortex_distance_mm"]).abs().mean()
        ),
    }


def main(data: Path, folds: Sequence[Path]) -> None:
    """Print a row a scan."""
    predictors, finder = [*map(load_predictor, folds), load_predictor()], BrainFinder()
    rows = {}
    for case in discover_cases(data):
        predictor = unseen_by(case.subject, predictors)
        if predictor is None:
            continue
        rows[case.subject] = compare(case, predictor, finder)
        print(pd.DataFrame({case.subject: rows[case.subject]}).T.round(3).to_string(), flush=True)
    table = pd.DataFrame(rows).T
    print(pd.concat([table, table.mean().rename("mean").to_frame().T]).round(3).to_string())


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
