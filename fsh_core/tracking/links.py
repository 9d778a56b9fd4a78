"""Which lesions of two visits are the same: the overlap graph."""

from collections import Counter
from collections.abc import Iterable

import networkx
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from fsh_core.tracking.halfway import inverse_of
from fsh_core.tracking.visit import Visit
from fsh_core.volume.boxes import bounding_box

Node = tuple[int, int]
"""A lesion: the position of its visit, and its label there."""


def link_lesions(
    first: Visit, second: Visit, first_to_second: NDArray[np.float64], least_share: float
) -> list[tuple[int, int]]:
    """Find the lesions of two visits that lie on each other.

    Two lesions are linked where the voxel centres of one lie in the other, or in the voxels that
    touch it: at least ``least_share`` of those of either. Looked at from both sides, so that the
    order of the visits does not count.

    Parameters
    ----------
    first, second : Visit
        The visits.
    first_to_second : (4, 4) float64
        World coordinates (RAS+ mm) of the first visit to those of the second.
    least_share : float
        Of the voxels of either lesion.

    Returns
    -------
    list of (int, int)
        Labels in the first and in the second visit, in order.
    """
    forth = _shares(first, second, first_to_second)
    back = _shares(second, first, inverse_of(first_to_second))
    linked = {pair for pair, share in forth.items() if share >= least_share}
    linked |= {(other, own) for (own, other), share in back.items() if share >= least_share}
    return sorted(linked)


def connected(nodes: Iterable[Node], links: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Group the lesions that links join, over any number of steps.

    Returns
    -------
    list of list of (int, int)
        Each sorted, in the order of their first lesions.
    """
    graph = networkx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(links)
    return sorted(sorted(group) for group in networkx.connected_components(graph))


def _shares(
    visit: Visit, other: Visit, to_other: NDArray[np.float64]
) -> dict[tuple[int, int], float]:
    """Share of each lesion's voxels that lie in, or touch, each lesion of another visit."""
    voxels = np.argwhere(visit.labels)
    if not len(voxels):
        return {}
    own = visit.labels[tuple(voxels.T)]
    to_voxels = np.linalg.inv(other.flair.affine) @ to_other @ visit.flair.affine
    there = np.rint(voxels @ to_voxels[:3, :3].T + to_voxels[:3, 3]).astype(int)
    inside = ((there >= 0) & (there < other.labels.shape)).all(axis=1)
    met = np.zeros(len(voxels), dtype=np.int64)
    met[inside] = _grown(other.labels)[tuple(there[inside].T)]
    sizes = Counter(own.tolist())
    counts = Counter(zip(own[met > 0].tolist(), met[met > 0].tolist(), strict=True))
    return {(label, lesion): count / sizes[label] for (label, lesion), count in counts.items()}


def _grown(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Give every voxel that touches a lesion its label; of two lesions, the smaller one's."""
    grown = labels.copy()
    if not grown.any():
        return grown
    box = bounding_box(labels > 0, (1, 1, 1))
    around = ndimage.maximum_filter(labels[box], size=3)
    grown[box] = np.where(labels[box] > 0, labels[box], around)
    return grown
