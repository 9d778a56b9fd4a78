"""Segment one scan from Python, look at its lesions, and write them to disk.

    python examples/segment_scan.py [FLAIR.nii.gz] [OUT]

Without a file, the bundled sample is segmented.
"""

import sys
from pathlib import Path

from fsh_core import SegmentConfig, save_like, segment
from fsh_core.derivatives import write_segmentation
from fsh_core.sample import sample_case

flair = Path(sys.argv[1]) if len(sys.argv) > 1 else sample_case().flair
out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("segmented")

# Every option of `fsh segment` is a keyword here. These two make it faster: patches that do not
# overlap, and no registration to the atlas. Leave them away for the defaults.
found = segment(flair, overlap=0.0, regions=False)

# `found` holds arrays on the grid of the file: `probability`, `prediction`, `lesion_labels`.
print(f"{found.record.lesion_count} lesions, {found.record.lesion_volume_ml:.1f} ml")
print(found.lesions[["label", "volume_mm3", "max_probability"]].head())

# Another threshold needs no second run of the network.
settings = SegmentConfig(overlap=0.0, regions=False, threshold=0.3)
sensitive = found.rethreshold(settings)
print(f"at 0.3: {sensitive.record.lesion_count} lesions")

# One mask, or everything that the command writes: masks, probability, table and record.
save_like(sensitive.prediction, found.flair, out / "lesions_at_0.3.nii.gz")
for kind, file in write_segmentation(found, out).items():
    print(f"{kind}: {file}")
