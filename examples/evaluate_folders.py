"""Compare a folder of predicted masks with a folder of references.

    python examples/evaluate_folders.py [PREDICTIONS REFERENCES]

Without folders, two small pairs of masks are made. Files are matched by subject and session.
"""

import sys
from pathlib import Path

import numpy as np

from fsh_core import Volume, save_like
from fsh_core.studies.evaluate import evaluate_folders, write_evaluation


def make_masks(predictions: Path, references: Path) -> None:
    """Write two cases: one lesion is found whole, one in part, one is missed."""
    scan = Volume(np.zeros((40, 40, 16), dtype=np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))
    for subject in ("01", "02"):
        reference = np.zeros(scan.shape, dtype=bool)
        reference[5:15, 5:15, 4:8] = True
        reference[25:31, 25:31, 4:8] = True
        prediction = reference.copy()
        prediction[10:15] = False  # half of the first lesion
        if subject == "02":
            prediction[25:31] = False  # all of the second
        save_like(reference, scan, references / f"sub-{subject}_label-L_mask.nii.gz")
        save_like(prediction, scan, predictions / f"sub-{subject}_label-L_mask.nii.gz")


if len(sys.argv) > 1:
    predictions, references = Path(sys.argv[1]), Path(sys.argv[2])
else:
    predictions, references = Path("predictions"), Path("references")
    make_masks(predictions, references)

evaluation = evaluate_folders(predictions, references)

# Two tables: one row a case, and one row a metric with its interval over the cases.
metrics = ["dice", "lesion_f1", "hd95_mm"]
print(evaluation.cases.set_index("case")[metrics].to_string(float_format="%.3f"))
print(evaluation.summary.set_index("metric").loc[metrics].to_string(float_format="%.3f"))
for name, why in evaluation.failures:  # a case that cannot be compared does not stop the others
    print(f"{name}: {why}")

for file in write_evaluation(evaluation, "scores"):
    print(file)
