"""The record of a segmentation: what made it and what was found, as the JSON beside the labels.

This package alone knows the keys of that JSON. Everything else uses the attributes of `Record`.
"""

from fsh_core.record.file import read_record, record_of, record_to_write
from fsh_core.record.model import Record
from fsh_core.record.parts import (
    CriteriaReading,
    InputFile,
    QualityCheck,
    RecordedBrain,
    RecordedDissemination,
    RecordedEnsemble,
    RecordedGrid,
    RecordedQuality,
    RecordedRegions,
    RecordedRun,
    RecordedSettings,
    RecordedWeights,
    RegionCount,
    VolumeInterval,
)

__all__ = [
    "CriteriaReading",
    "InputFile",
    "QualityCheck",
    "Record",
    "RecordedBrain",
    "RecordedDissemination",
    "RecordedEnsemble",
    "RecordedGrid",
    "RecordedQuality",
    "RecordedRegions",
    "RecordedRun",
    "RecordedSettings",
    "RecordedWeights",
    "RegionCount",
    "VolumeInterval",
    "read_record",
    "record_of",
    "record_to_write",
]
