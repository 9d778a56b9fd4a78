"""HTML reports: each a single file, of a case, an evaluation, a comparison or an agreement."""

from fsh_core.report.case_report import LARGEST_SHOWN, draw, illustrate, write_report

__all__ = ["LARGEST_SHOWN", "draw", "illustrate", "write_report"]
