"""Follow lesions over two visits, with masks of your own: F.sh's, another tool's or a reader's.

    python examples/follow_visits.py

``fsh track`` does it from files and writes maps and a report; this is the same from Python, on
visits that are simulated here, so that what changed is known.
"""

import numpy as np

from fsh_core import load_mask, load_volume
from fsh_core.sample import sample_case
from fsh_core.simulation.followup import TrueVisit, simulate_follow_up
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.tracking import Visit, track_visits

case = sample_case()
flair = load_volume(case.flair)
mask = load_mask(case.reference, flair, case.flair).data
truth = simulate_follow_up(
    flair, flair.data > 0, LesionShapeBank.load(), np.random.default_rng(1), reference=mask
)


def as_visit(name: str, visit: TrueVisit) -> Visit:
    """Any scan with its lesions and its brain, each on the scan's own grid."""
    return Visit(name, visit.flair, visit.labels, visit.brain)


track = track_visits([as_visit("2024", truth.first), as_visit("2026", truth.second)])
print(f"Comparison: {track.pairs[0].comparability.verdict}")
columns = ["kind", "volume_before_mm3", "volume_after_mm3", "difference_sd", "confidence"]
changes = track.changes[track.changes["kind"].isin(["new", "enlarging", "resolved", "shrinking"])]
print(changes[columns].round(2).to_string(index=False))
found = (track.changes["kind"] == "new").sum()
print(f"{found} new lesions found, {(truth.changes['kind'] == 'new').sum()} were planted")
