"""Segmentations on disk: each case a BIDS derivative, and the tables of a cohort.

::

    fsh/sub-X[/ses-Y]/anat/     masks, probability, lesion labels, lesion table, record
    fsh/sub-X[/ses-Y]/figures/  triptych
    fsh/sub-X[_ses-Y].html      report
    fsh/cases.tsv, lesions.tsv  the cohort

A case is complete when its record exists: everything else is in place before it.
"""

from fsh_core.derivatives.cohort_tables import (
    Cohort,
    Known,
    cohort_kept,
    read_cohort,
    write_cohort,
)
from fsh_core.derivatives.layout import derivative_paths
from fsh_core.derivatives.read import (
    StoredSegmentation,
    find_records,
    read_segmentation,
    why_stale,
)
from fsh_core.derivatives.scan import find_scan, places_of
from fsh_core.derivatives.write import (
    Illustrate,
    check_names,
    check_same_scan,
    round_probability,
    write_segmentation,
)
from fsh_core.record import read_record

__all__ = [
    "Cohort",
    "Illustrate",
    "Known",
    "StoredSegmentation",
    "check_names",
    "check_same_scan",
    "cohort_kept",
    "derivative_paths",
    "find_records",
    "find_scan",
    "places_of",
    "read_cohort",
    "read_record",
    "read_segmentation",
    "round_probability",
    "why_stale",
    "write_cohort",
    "write_segmentation",
]
