"""One page about one case, for people: a self-contained HTML file that prints on two sheets of A4."""

from fsh_core.report.case_report import LARGEST_SHOWN, draw, illustrate, write_report

__all__ = ["LARGEST_SHOWN", "draw", "illustrate", "write_report"]
