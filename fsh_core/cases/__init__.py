"""Cases on disk: subjects, sessions and their files."""

from fsh_core.cases.case import CHANNELS, Case
from fsh_core.cases.discover import discover_cases
from fsh_core.cases.split import Split, check_no_leak, split_by_subject

__all__ = ["CHANNELS", "Case", "Split", "check_no_leak", "discover_cases", "split_by_subject"]
