"""What Segment says of a run and of a scan's name."""

import re

# As scanners name them; a FLAIR is also called dark fluid, and TIRM.
_FLAIR_WORDS = frozenset(("flair", "tirm", "darkfluid", "dark"))
_OTHER_SEQUENCES = {
    **dict.fromkeys(("t1", "t1w", "mprage", "t1c", "t1ce", "bravo", "spgr"), "T1"),
    **dict.fromkeys(("t2", "t2w", "tse"), "T2"),
    **dict.fromkeys(("pd", "pdw"), "PD"),
    **dict.fromkeys(("dwi", "adc"), "DWI"),
    **dict.fromkeys(("swi", "t2star"), "SWI"),
}
_MINUTES_FROM_S = 90.0  # shorter waits are told in seconds


def progress_in_words(done: int, total: int, seconds_left: float) -> str:
    """Say how far the network is.

    Parameters
    ----------
    done, total : int
        Patches.
    seconds_left : float
        Negative = not known.
    """
    if done == total:
        return "Finding the lesions…"
    if seconds_left < 0:
        return f"Patch {done} of {total}"
    minutes = f"{seconds_left / 60:.0f} min"
    left = f"{seconds_left:.0f} s" if seconds_left < _MINUTES_FROM_S else minutes
    return f"Patch {done} of {total}, about {left} left"


def sequence_of(name: str) -> str:
    """Return the sequence that a scan's name says it is; empty for a FLAIR, or if it says none."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    if not _FLAIR_WORDS.isdisjoint(words):
        return ""
    return next((_OTHER_SEQUENCES[word] for word in words if word in _OTHER_SEQUENCES), "")
