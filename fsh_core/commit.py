"""Which commit of this program runs."""

import subprocess
from importlib.metadata import distribution
from pathlib import Path

from fsh_core.strict_json import parse_json


def installed_commit() -> str | None:
    """Return the commit that was installed; None where the installation does not say.

    An installer writes it into ``direct_url.json`` when it installs from a repository (PEP 610);
    packages from a registry, and checkouts, have none.
    """
    text = distribution("fsh-ms").read_text("direct_url.json")
    if text is None:
        return None
    commit = parse_json(text.encode()).get("vcs_info", {}).get("commit_id")
    return str(commit) if commit else None


def commit_of_code() -> str | None:
    """Return the commit of the code that runs, installed or in a checkout; None if unknown."""
    installed = installed_commit()
    here = Path(__file__).parents[1]
    if installed is not None or not (here / ".git").exists():
        return installed
    asked = ["git", "-C", str(here), "rev-parse", "HEAD"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()
