"""Cohorts and raters: predictions against references, agreement, statistics by patient."""
