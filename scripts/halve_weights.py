"""Store weights in half the space: their convolution kernels in float16, and their JSON says so.

python scripts/halve_weights.py IN.safetensors OUT.safetensors

`scripts/compare_weights.py` shows what that changes in masks. New ensembles are written so by
``fsh ensemble --half``.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from safetensors.numpy import load, save

from fsh_core.files import write_atomically
from fsh_core.network.checkpoint import halve_kernels, load_checkpoint


def main(source: Path, out: Path) -> int:
    """Write OUT and its JSON."""
    load_checkpoint(source)  # refuses what is damaged
    payload = save(halve_kernels(load(source.read_bytes())))
    facts = json.loads(source.with_suffix(".json").read_text())
    facts |= {"sha256": hashlib.sha256(payload).hexdigest(), "kernels": "float16"}
    facts.setdefault("float32_sha256", hashlib.sha256(source.read_bytes()).hexdigest())
    write_atomically(out, payload)
    write_atomically(out.with_suffix(".json"), json.dumps(facts, indent=2) + "\n")
    print(f"{out}: {len(payload) / 1e6:.1f} MB, SHA-256 {facts['sha256']}")
    return 0


def run() -> int:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    words = parser.parse_args()
    return main(words.source, words.out)


if __name__ == "__main__":
    sys.exit(run())
