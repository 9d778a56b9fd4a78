"""Ratios of counts, with the value for nothing to count written down."""


def ratio(count: float, total: float, if_none: float = float("nan")) -> float:
    """Return ``count / total``, or ``if_none`` where the total is 0."""
    return count / total if total else if_none
