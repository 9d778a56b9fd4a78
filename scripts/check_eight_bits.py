"""Compare what weights find in eight bits with what they find in float32, scan by scan.

python scripts/check_eight_bits.py WEIGHTS.safetensors DATA...

DATA are folders or files with FLAIRs. Eight bits become the default of these weights, in the file
that ``scripts/make_eight_bits.py`` wrote, if on every scan the masks have a Dice of at least 0.99
and the numbers of lesions differ by one at most; else they stay ``--precision int8``.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsh_core import BrainFinder, SegmentConfig, discover_cases, load_predictor
from fsh_core.inference.predict import NetworkPredictor
from fsh_core.inference.scan import predict_scan
from fsh_core.network.checkpoint import load_checkpoint
from fsh_core.network.eight_bits import accept_eight_bits
from fsh_core.pipeline import find_lesions
from fsh_core.preprocess.load import LoadedScan, load_scan

LEAST_DICE, MOST_LESIONS = 0.99, 1
COLUMNS = ("scan", "lesions", "in eight bits", "ml", "ml in eight bits", "Dice")


def main(weights: Path, *sources: Path) -> int:
    """Print one row a scan, and decide; 1 if eight bits do not become the default."""
    exact, rounded = (load_predictor(weights, _settings(name)) for name in ("fp32", "int8"))
    finder = BrainFinder()
    print("\t".join(COLUMNS), flush=True)
    rows = []
    for source in sources:
        for case in discover_cases(source):
            scan = load_scan(case, exact.model, finder)
            rows.append(_compare(scan, exact, rounded))
            lesions, dice, ml = rows[-1]
            name = case.name if source.is_dir() else f"{source.parent.name} {case.name}"
            print(
                f"{name}\t{lesions[0]}\t{lesions[1]}\t{ml[0]:.2f}\t{ml[1]:.2f}\t{dice:.4f}",
                flush=True,
            )
    dices = [dice for _, dice, _ in rows]
    apart = [abs(lesions[0] - lesions[1]) for lesions, _, _ in rows]
    passed = min(dices) >= LEAST_DICE and max(apart) <= MOST_LESIONS
    checked = {
        "scans": len(rows),
        "least_dice": round(min(dices), 4),
        "median_dice": round(float(np.median(dices)), 4),
        "most_lesions_apart": max(apart),
    }
    accept_eight_bits(load_checkpoint(weights).path, passed, checked)
    print(f"{checked}: eight bits are {'the default' if passed else 'an option'}")
    return 0 if passed else 1


def _settings(precision: str) -> SegmentConfig:
    return SegmentConfig.from_options(precision=precision, regions=False)


def _compare(
    scan: LoadedScan, exact: NetworkPredictor, rounded: NetworkPredictor
) -> tuple[tuple[int, int], float, tuple[float, float]]:
    labels = [_lesions(scan, predictor) for predictor in (exact, rounded)]
    one, other = (found > 0 for found in labels)
    both = int(one.sum() + other.sum())
    dice = 2 * int((one & other).sum()) / both if both else 1.0
    counts = (int(labels[0].max()), int(labels[1].max()))
    return counts, dice, (scan.flair.volume_ml(one), scan.flair.volume_ml(other))


def _lesions(scan: LoadedScan, predictor: NetworkPredictor) -> NDArray[np.int32]:
    probability = predict_scan(scan, predictor).probability
    return find_lesions(probability, scan.brain.mask, scan.flair, predictor.settings)[1]


def run() -> int:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    words = parser.parse_args()
    return main(words.weights, *words.data)


if __name__ == "__main__":
    sys.exit(run())
