"""Cases on disk: who was scanned when, and which files belong to them."""

from fsh_core.cases.case import CHANNELS, Case
from fsh_core.cases.discover import discover_cases
from fsh_core.cases.split import Split, check_no_leak, split_by_subject

__all__ = ["CHANNELS", "Case", "Split", "check_no_leak", "discover_cases", "split_by_subject"]
