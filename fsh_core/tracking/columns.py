"""The kinds of change, and the columns of the tables of changes and of tracks."""

KINDS = (
    "new",
    "enlarging",
    "shrinking",
    "resolved",
    "merged",
    "split",
    "stable",
    "uncertain",
)
"""Every kind of change."""

READING_ORDER = ("new", "enlarging", "resolved", "shrinking", "merged", "split", "uncertain")
"""The kinds in the order in which reports and lists have them; stable lesions are left out."""

BELOW_REPEATABILITY = "below repeatability"
NO_DIFFERENCE = "no difference of the scans"
ONLY_DIFFERENCE = "only in the difference"
TOO_SHORT = "shorter than 3 mm"
REASONS = {
    BELOW_REPEATABILITY: "The volume changed by less than F.sh's own repeatability at this size.",
    NO_DIFFERENCE: "The segmentations differ, but the scans do not differ there.",
    ONLY_DIFFERENCE: "The scans differ there, but the segmentations do not.",
    TOO_SHORT: "It is in one visit only, and shorter than a lesion must be to count.",
}
"""Why a change is uncertain, and what that means."""


CHANGE_COLUMNS: dict[str, str] = {
    "change": "Number of the change between these two visits, in the change maps too.",
    "from_visit": "The earlier visit.",
    "to_visit": "The later visit.",
    "track": "Number of the lesion through all visits; lesions that merge or split share it.",
    "kind": "new, enlarging, shrinking, resolved, merged, split, stable or uncertain.",
    "size_change": "enlarging, shrinking, stable or uncertain, of merged and split lesions too; "
    "empty for new and resolved ones.",
    "labels_before": "Numbers of the lesions in the earlier visit.",
    "labels_after": "Numbers of the lesions in the later visit.",
    "volume_before_mm3": "Volume in the earlier visit, in mm3.",
    "volume_after_mm3": "Volume in the later visit, in mm3.",
    "volume_change_percent": "Change of the volume, in % of the earlier one; n/a for new lesions.",
    "limit_percent": "Increase that a lesion of this size exceeds once in twenty by chance, or "
    "30 % where that is more.",
    "gained_mm3": "Volume that became brighter by three standard deviations or more, in mm3.",
    "lost_mm3": "Volume that became darker by as much, in mm3.",
    "difference_sd": "Mean difference of the two scans over the lesion, in robust standard "
    "deviations of normal-appearing tissue.",
    "longest_mm": "Largest diameter, in mm.",
    "evidence": "What says so: segmentation, difference, or both.",
    "confidence": "How well segmentation and difference support it, from 0 to 1.",
    "reason": "Why it is uncertain: " + "; ".join(REASONS) + ".",
    "centre_r_mm": "Centre in the later visit's world, in mm towards right (RAS+).",
    "centre_a_mm": "Centre in the later visit's world, in mm towards anterior (RAS+).",
    "centre_s_mm": "Centre in the later visit's world, in mm towards superior (RAS+).",
}
"""Every column of a table of changes, with its unit."""

LESION_COLUMNS: dict[str, str] = {
    "track": CHANGE_COLUMNS["track"],
    "visit": "The visit.",
    "label": "Number of the lesion in the label map of that visit.",
    "volume_mm3": "Its volume there, in mm3.",
    "track_volume_mm3": "Volume of all lesions of this track in that visit, in mm3.",
    "first_visit": "First visit in which the track has a lesion.",
    "last_visit": "Last visit in which the track has a lesion.",
}
"""Every column of a table of tracks, with its unit."""
