"""Make a training pack: prepared scans in one file, for `fsh-train PACK -o RUN`.

python scripts/make_training_pack.py DATA build/pack.npz --lesion-free BODIES --exclude SUBJECT

Needed where the training runs on a machine that has neither the scans nor the brain finder.
"""

import argparse
from pathlib import Path

from fsh_core.cases import discover_cases
from fsh_core.config import TrainConfig
from fsh_core.inference.predict import BrainFinder
from fsh_core.training.pack import PackedCase, write_pack
from fsh_core.training.training_case import load_lesion_free, load_training_case


def main() -> None:
    """Prepare every scan with a mask, and write the pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="FLAIRs with lesion masks (BIDS, nnU-Net raw)")
    parser.add_argument("pack", type=Path, help="the .npz to write")
    parser.add_argument("--lesion-free", type=Path, action="append", default=[])
    parser.add_argument("--exclude", action="append", default=[], metavar="SUBJECT")
    parser.add_argument("--preset", default="default", help="default or paper: the scaling")
    words = parser.parse_args()
    config = TrainConfig.preset(words.preset)
    finder, packed = BrainFinder(), []
    for folder in [words.data, *words.lesion_free]:
        is_free = folder in words.lesion_free
        for case in discover_cases(folder):
            if case.subject in words.exclude or case.reference is None:
                print(f"{case.name}: left out")
                continue
            learned = (
                load_lesion_free(case, config.model, finder, config.seed)
                if is_free
                else load_training_case(case, config.model, finder)
            )
            packed.append(PackedCase(case.subject, is_free, learned))
            print(f"{case.name}: {'x'.join(map(str, learned.stack.shape[1:]))}")
    write_pack(words.pack, packed, config.model)
    print(f"{words.pack}: {len(packed)} cases, {words.pack.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
