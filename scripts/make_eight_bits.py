"""Measure what weights need to be used in eight bits, and write it beside them.

python scripts/make_eight_bits.py WEIGHTS.safetensors DATA

DATA is a BIDS dataset with FLAIRs, of which the bundled sample is left out. Of each scan the
patches with the most brain are shown to each network. The same weights and scans give the same
file. ``scripts/check_eight_bits.py`` then decides whether it is used by default. See
`fsh_core.network.eight_bits`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsh_core import BrainFinder, SegmentConfig, discover_cases
from fsh_core.cases import Case
from fsh_core.config import ModelConfig
from fsh_core.inference.patches import pad_to_patch, patch_corners
from fsh_core.network.build import build_graph
from fsh_core.network.checkpoint import load_checkpoint
from fsh_core.network.eight_bits import eight_bits_path, observed_ranges, write_eight_bits
from fsh_core.preprocess.load import load_scan
from fsh_core.preprocess.prepare import prepare
from fsh_core.sample import sample_case

PATCHES_A_SCAN = 3


def main(weights: Path, data: Path) -> int:
    """Write the file."""
    checkpoint = load_checkpoint(weights)
    size = SegmentConfig().patch_size
    sample = sample_case().name
    cases = [case for case in discover_cases(data) if case.name != sample]
    patches = [patch for case in cases for patch in _patches_of(case, checkpoint.config, size)]
    print(f"{len(patches)} patches of {len(cases)} scans", flush=True)
    ranges = [
        observed_ranges(build_graph(member.config, member.weights, size), patches)
        for member in checkpoint.members
    ]
    made = {
        "scans": [case.name for case in cases],
        "patches_of_each_scan": PATCHES_A_SCAN,
        "patch_size": list(size),
    }
    write_eight_bits(checkpoint.path, checkpoint.sha256, ranges, made)
    print(eight_bits_path(checkpoint.path))
    return 0


def _patches_of(
    case: Case, model: ModelConfig, size: tuple[int, int, int]
) -> list[NDArray[np.float32]]:
    """Cut the patches with the most brain, (1, C, I, J, K) each."""
    scan = load_scan(case, model, BrainFinder())
    image = pad_to_patch(prepare(scan.volumes, scan.brain.mask, model).masked, size)
    i, j, k = image.shape[1:]
    cut = [
        image[None, :, a : a + size[0], b : b + size[1], c : c + size[2]]
        for a, b, c in patch_corners((i, j, k), size, SegmentConfig().overlap)
    ]
    return sorted(cut, key=lambda patch: -np.count_nonzero(patch))[:PATCHES_A_SCAN]


def run() -> int:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    words = parser.parse_args()
    return main(words.weights, words.data)


if __name__ == "__main__":
    sys.exit(run())
