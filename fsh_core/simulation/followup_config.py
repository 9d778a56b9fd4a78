"""Settings of a simulated second visit: what changed, and how the second scan differs."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from fsh_core.config import Config


class FollowUpConfig(Config):
    """What changes between two simulated visits: how many lesions of each kind."""

    new: int = Field(8, ge=0, description="lesions planted in the second visit")
    enlarging: int = Field(6, ge=0, description="lesions planted in both that grow")
    shrinking: int = Field(6, ge=0, description="lesions planted in both that shrink")
    resolved: int = Field(4, ge=0, description="lesions planted in the first visit alone")
    merged: int = Field(1, ge=0, description="pairs of planted lesions that become one")
    split: int = Field(1, ge=0, description="planted lesions that become two")
    unchanged: int = Field(4, ge=0, description="lesions planted in both that stay as they are")
    own_new: int = Field(
        0, ge=0, description="lesions of the scan's own painted over in the first visit"
    )
    own_resolved: int = Field(
        0, ge=0, description="lesions of the scan's own painted over in the second visit"
    )
    least_growth: float = Field(
        1.5, gt=1, le=8, description="least ratio of the volumes of a growing or shrinking lesion"
    )
    most_growth: float = Field(
        3.0, gt=1, le=8, validate_default=True, description="largest ratio of these volumes"
    )

    @field_validator("most_growth")
    @classmethod
    def _growth_is_a_range(cls, most: float, settings: ValidationInfo) -> float:
        least = settings.data.get("least_growth", most)
        if most < least:
            raise ValueError(
                f"the largest growth must be at least the least, got {most:g} and {least:g}"
            )
        return most


NOTHING_CHANGES = {
    name: 0 for name in ("new", "enlarging", "shrinking", "resolved", "merged", "split")
}
"""Settings of a stable pair: what is planted stays."""


class RescanConfig(Config):
    """How the second scan of two simulated visits differs, apart from its lesions."""

    turn_degrees: float = Field(
        4.0, ge=0, le=8, description="largest turn of the head between the visits, in degrees"
    )
    shift_mm: float = Field(
        5.0, ge=0, le=10, description="largest shift of the head between the visits, in mm"
    )
    plane: Literal["same", "axial", "sagittal", "coronal"] = Field(
        "same", description="plane of the second scan's slices; same = the first scan's axes"
    )
    slice_mm: float = Field(
        0.0, ge=0, le=8, description="slice thickness of the second scan in mm; 0 = the first's"
    )
    in_plane_mm: float = Field(
        0.0, ge=0, le=3, description="voxel size in the slices of the second scan; 0 = the first's"
    )
    blur_mm: float = Field(
        0.0, ge=0, le=5, description="loss of resolution: width of a blur at half height, in mm"
    )
    bias: float = Field(
        0.1, ge=0, le=1, description="bias field: largest deviation, of its logarithm"
    )
    gamma: float = Field(
        0.1, ge=0, le=1, description="contrast: by how much intensities' exponent is off from 1"
    )
    gain: float = Field(1.0, gt=0, le=1000, description="factor on all intensities")
    noise: float = Field(
        0.02, ge=0, le=0.5, description="Rician noise, in units of white matter's intensity"
    )


SCANNED_ALIKE = dict.fromkeys(("turn_degrees", "shift_mm", "bias", "gamma", "noise"), 0.0)
"""Settings of a second scan that is the first again."""
