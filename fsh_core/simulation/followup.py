"""Two visits of one patient made from one scan, with lesion changes that are known.

Both visits show the scan; lesions are planted in it before and after their change, or the scan's
own are painted over in one of them. The second visit is then scanned anew (`rescan`). What is
true of a voxel that is partly lesion is written in ``docs/simulation.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsh_core.simulation.followup_config import FollowUpConfig, RescanConfig
from fsh_core.simulation.own_changes import choose_own_changes, without_own
from fsh_core.simulation.paint import ScanLook, paint
from fsh_core.simulation.plan_changes import ChangePlanner, PlannedLesion
from fsh_core.simulation.rescan import Rescan, disturb, shown
from fsh_core.simulation.shape_bank import LesionShapeBank
from fsh_core.simulation.target import TargetScan
from fsh_core.simulation.truth import Truth, label_map
from fsh_core.volume.volume import MASK_LEVEL, Volume, to_ras, turned_like


@dataclass(frozen=True)
class TrueVisit:
    """One simulated visit and what is true of it.

    Attributes
    ----------
    flair : Volume
        The scan, (I, J, K) float32.
    labels : (I, J, K) int32
        Its lesions; a lesion that stays one lesion has the same number at both visits.
    brain : (I, J, K) bool
        Its brain.
    """

    flair: Volume
    labels: NDArray[np.int32]
    brain: NDArray[np.bool_]

    def turned_like(self, like: Volume, header: Any = None) -> "TrueVisit":
        """Return the visit with its axes in the order and direction of another scan's."""
        flair, labels, brain = (
            turned_like(self.flair.with_data(data), like)
            for data in (self.flair.data, self.labels, self.brain)
        )
        return TrueVisit(Volume(flair.data, flair.affine, header), labels.data, brain.data)


@dataclass(frozen=True)
class FollowUp:
    """Two simulated visits and the changes between them.

    Attributes
    ----------
    first, second : TrueVisit
        Each on its own grid.
    to_second : (4, 4) float64
        World (RAS+ mm) of the first visit to that of the second.
    changes : DataFrame
        One row a lesion or group of lesions, see `fsh_core.simulation.truth.CHANGE_COLUMNS`.
    """

    first: TrueVisit
    second: TrueVisit
    to_second: NDArray[np.float64]
    changes: pd.DataFrame


def simulate_follow_up(
    flair: Volume,
    brain: NDArray[np.bool_],
    bank: LesionShapeBank,
    rng: np.random.Generator,
    config: FollowUpConfig | None = None,
    rescan: RescanConfig | None = None,
    reference: NDArray[np.bool_] | None = None,
) -> FollowUp:
    """Make two visits with known changes of one scan.

    Lesions depend on the state of ``rng`` and ``config`` alone, the second scan's
    position, field and noise on ``rng`` and ``rescan`` alone: the same changes can be
    seen under other disturbances.

    Parameters
    ----------
    flair : Volume
        The scan, (I, J, K), any orientation and voxel size.
    brain : (I, J, K) bool
        Its brain.
    bank : LesionShapeBank
        Where shapes and places of lesions come from.
    rng : Generator
        Where chance comes from; the same state gives the same bytes.
    config : FollowUpConfig or None
        What changes; the default if None.
    rescan : RescanConfig or None
        How the second scan differs; the default if None.
    reference : (I, J, K) bool or None
        The scan's own lesions, which become part of the truth. Without it they stay in
        the scan and not in the truth.

    Returns
    -------
    FollowUp
        Fewer changes than wanted where there is no place for more.

    Raises
    ------
    InputError
        If the scan shows no white matter.
    """
    config, rescan = config or FollowUpConfig(), rescan or RescanConfig()
    plan_rng, look_rng, own_rng, pose_rng, scan_rng = rng.spawn(5)
    own = np.zeros(flair.shape, dtype=bool) if reference is None else reference
    target = TargetScan.of(flair, brain, own)
    inside = to_ras(flair.with_data(brain)).data
    planned = ChangePlanner(target, bank, config, plan_rng).plan()
    own_labels, kinds = choose_own_changes(target.flair, target.lesions, config, own_rng)
    scans = [
        without_own(target.flair, inside, own_labels, kinds, absent, own_rng)
        for absent in ("new", "resolved")
    ]
    contrasts = _paint_all(target, planned, scans, look_rng)
    truth = Truth.collect(own_labels, kinds, planned, contrasts, target.flair.voxel_volume_mm3)

    source = target.flair
    first = TrueVisit(
        source.with_data(scans[0]), label_map(truth.visits[0], source, source.shape), inside
    )
    place = Rescan.plan(source, inside, rescan, pose_rng)
    scanned = Volume(place.resample(source.with_data(scans[1])), place.affine)
    second_inside = place.resample(source.with_data(inside), 1) >= MASK_LEVEL
    level = float(np.median(target.white.level[target.white.mask]))
    shows = shown(source, place)
    second = TrueVisit(
        scanned.with_data(disturb(scanned, shows, second_inside, level, rescan, scan_rng)),
        label_map(truth.visits[1], source, place.shape, place),
        second_inside,
    )
    # A plane of the second scan's own has an order of axes of its own too.
    return FollowUp(
        first.turned_like(flair, flair.header),
        second.turned_like(flair) if rescan.plane == "same" else second,
        place.to_second,
        truth.changes,
    )


def _paint_all(
    target: TargetScan,
    planned: Sequence[PlannedLesion],
    scans: Sequence[NDArray[np.float32]],
    rng: np.random.Generator,
) -> list[float]:
    """Paint the planted lesions into both scans, each alike in both; return their contrasts."""
    scan_look = ScanLook.draw(target, rng)
    voxel_mm3 = target.flair.voxel_volume_mm3
    contrasts = []
    for lesion in planned:
        look = scan_look.draw_lesion(float(lesion.larger.sum()) * voxel_mm3, rng)
        texture_seed = int(rng.integers(2**32))
        states = [
            (sum(parts), scan)
            for parts, scan in zip((lesion.before, lesion.after), scans, strict=True)
            if parts
        ]
        # The larger first: what its core is like holds for the smaller too.
        states.sort(key=lambda state: -float(np.sum(state[0])))
        peak: float | None = None
        for fraction, scan in states:
            painted = paint(
                target,
                scan,
                lesion.box,
                np.asarray(fraction, dtype=np.float32),
                look,
                np.random.default_rng(texture_seed),
                peak=peak,
            )
            if peak is None:
                peak = painted.peak
                contrasts.append(painted.contrast)
    return contrasts
