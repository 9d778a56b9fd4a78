"""Draw changes between two simulated visits of the sample: the picture of docs/tracking.md.

python scripts/draw_changes.py OUT.png
"""

import argparse
from pathlib import Path

import numpy as np

from fsh_core import load_mask, load_volume
from fsh_core.figures.change import draw_changes
from fsh_core.figures.png import save_figure
from fsh_core.sample import sample_case
from fsh_core.simulation.followup import simulate_follow_up
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.tracking import Visit, track_visits

SHOWN = ("new", "enlarging", "resolved", "shrinking")  # one of each
SEED = 1
CENTRE = ["centre_r_mm", "centre_a_mm", "centre_s_mm"]


def main(words: list[str] | None = None) -> None:
    """Simulate, follow, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, metavar="OUT.png")
    out = parser.parse_args(words).out
    case = sample_case()
    flair = load_volume(case.flair)
    assert case.reference is not None
    mask = load_mask(case.reference, flair, case.flair).data
    bank, rng = LesionShapeBank.load(), np.random.default_rng(SEED)
    truth = simulate_follow_up(flair, flair.data > 0, bank, rng, reference=mask)
    visits = (
        Visit("first", truth.first.flair, truth.first.labels, truth.first.brain),
        Visit("second", truth.second.flair, truth.second.labels, truth.second.brain),
    )
    track = track_visits(visits)
    places = []
    for kind in SHOWN:
        own = track.changes[track.changes["kind"] == kind]
        largest = own.nlargest(1, "longest_mm")
        places += [
            (kind, np.asarray([row[name] for name in CENTRE], dtype=float))
            for row in largest.to_dict("records")
        ]
    save_figure(draw_changes(track.pairs[0], visits, places), out)
    print(f"{out}: {len(places)} of {len(track.changes)} changes")


if __name__ == "__main__":
    main()
