"""``fsh --version``: which program and which weights this is."""

from importlib.metadata import distribution

from fsh_core.commit import installed_commit
from fsh_core.network.checkpoint import (
    BRAIN_WEIGHTS,
    DEFAULT_WEIGHTS,
    HASH_SHOWN,
    load_checkpoint,
)


def version_lines() -> list[str]:
    """Say the version, the commit where the installation knows it, and the bundled weights.

    Raises
    ------
    InputError
        If bundled weights are missing, or are not those that their JSON describes.
    """
    commit = installed_commit()
    installed = distribution("fsh-ms").version
    lines = [f"fsh-ms {installed}" + (f", commit {commit}" if commit else "")]
    for what, path in (("lesions", DEFAULT_WEIGHTS), ("brain", BRAIN_WEIGHTS)):
        weights = load_checkpoint(path)
        shown = weights.sha256[:HASH_SHOWN]
        lines.append(f"weights for {what}: {weights.card.name}, SHA-256 {shown}…")
    return lines
