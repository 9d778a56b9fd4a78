"""How far two readers of one case agree, in their decisions and in their voxels."""

from collections.abc import Sequence
from dataclasses import dataclass

from fsh_core.errors import InputError
from fsh_core.review.measure import overlap_scores
from fsh_core.review.session import Review
from fsh_core.review.state import ReviewState


@dataclass(frozen=True)
class Agreement:
    """Agreement of two readers.

    Attributes
    ----------
    readers : two str
        Who.
    compared : int
        Lesions of the original that both decided about.
    alike : int
        Those about which they decided alike.
    kappa : float
        Cohen's kappa of these decisions: 1 = alike, 0 = as by chance; NaN where it is
        undefined (no lesion, or one and the same answer throughout).
    dice, lesion_f1 : float
        Overlap and lesion-wise F1 of what each kept, first reader as reference; 1 if both kept
        nothing.
    differing : tuple of int
        Labels of the lesions about which they decided differently.
    not_blinded : tuple of int
        Labels that one of them decided about, or changed, after having seen the others'
        decisions; they are in none of the above but the overlap.
    """

    readers: tuple[str, str]
    compared: int
    alike: int
    kappa: float
    dice: float
    lesion_f1: float
    differing: tuple[int, ...]
    not_blinded: tuple[int, ...] = ()


def compare_readers(first: Review, second: Review) -> Agreement:
    """Compare two reviews of the same lesions.

    A lesion that a reader deleted, or joined to another, counts as rejected by that
    reader: nothing of it stands under its own number any more.

    Raises
    ------
    InputError
        If the two are reviews of different lesions.
    """
    if first.journal.about != second.journal.about:
        raise InputError(
            f"{second.path}: is a review of other lesions than {first.path.name}; "
            "open the same record"
        )
    pairs = {label: (decision(first, label), decision(second, label)) for label in first.original}
    both = {label: pair for label, pair in pairs.items() if "unreviewed" not in pair}
    seen = first.decided_after_reveal | second.decided_after_reveal
    not_blinded = tuple(label for label in both if label in seen)
    both = {label: pair for label, pair in both.items() if label not in seen}
    differing = tuple(label for label, (one, two) in both.items() if one != two)
    dice, lesion_f1 = overlap_scores(
        first.prediction, second.prediction, first.grid.voxel_volume_mm3
    )
    return Agreement(
        readers=(first.reader, second.reader),
        compared=len(both),
        alike=len(both) - len(differing),
        kappa=cohens_kappa(list(both.values())),
        dice=dice,
        lesion_f1=lesion_f1,
        differing=differing,
        not_blinded=not_blinded,
    )


def decision(review: ReviewState, label: int) -> str:
    """Return what a reader decided about a lesion; ``rejected`` if its voxels are gone."""
    return review.status(label) if review.voxels(label) else "rejected"


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Return Cohen's kappa of pairs of answers.

    Cohen, Educational and Psychological Measurement 1960, doi 10.1177/001316446002000104.

    Returns
    -------
    float
        Up to 1; NaN without pairs, or where both gave one and the same answer throughout.
    """
    if not pairs:
        return float("nan")
    count = len(pairs)
    observed = sum(one == two for one, two in pairs) / count
    answers = {answer for pair in pairs for answer in pair}
    by_chance = sum(
        sum(one == answer for one, _ in pairs) * sum(two == answer for _, two in pairs) / count**2
        for answer in answers
    )
    return (observed - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")
