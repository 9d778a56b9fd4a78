"""How many voxels of the lesion masks differ between two files of weights.

python scripts/compare_weights.py A.safetensors B.safetensors DATA...

DATA are folders of FLAIRs (BIDS, nnU-Net raw, plain); the bundled sample comes first. Masks are
those of ``fsh segment`` with its default settings.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsh_core import BrainFinder, SegmentConfig, discover_cases, load_predictor, segment_case
from fsh_core.errors import InputError
from fsh_core.sample import sample_case


def main(first: Path, second: Path, *folders: Path) -> int:
    """Print one row a scan, and the sum."""
    config = SegmentConfig(regions=False)
    predictors = [load_predictor(path, config) for path in (first, second)]
    finder = BrainFinder(config.device)
    cases = [sample_case()]
    for folder in folders:
        cases += [case for case in discover_cases(folder) if case.name != cases[0].name]
    print("case\tlesion voxels\tvoxels that differ\tlesions\tlesions by the second\tlargest change")
    differing = total = 0
    for case in cases:
        try:
            one, other = (
                segment_case(replace(case, reference=None), predictor, config, finder=finder)
                for predictor in predictors
            )
        except InputError as error:
            print(f"{case.name}\t{error}")
            continue
        masks = [found.lesion_labels > 0 for found in (one, other)]
        changed = int((masks[0] != masks[1]).sum())
        largest = np.abs(one.probability - other.probability).max()
        counts = f"{len(one.lesions)}\t{len(other.lesions)}"
        print(f"{case.name}\t{masks[0].sum()}\t{changed}\t{counts}\t{largest:.4f}", flush=True)
        differing, total = differing + changed, total + int(masks[0].sum())
    print(f"all\t{total}\t{differing}")
    return 0


def run() -> int:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("data", type=Path, nargs="*")
    words = parser.parse_args()
    return main(words.first, words.second, *words.data)


if __name__ == "__main__":
    sys.exit(run())
