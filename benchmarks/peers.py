"""Time and memory of other tools on the same scan, each in an environment of its own."""

import json
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import NotRun, run_process, summarise
from benchmarks.parts import Plan
from fsh_core.evaluation.voxel import voxel_metrics
from fsh_core.sample import sample_case
from fsh_core.volume.volume import load_mask, load_volume

SAMSEG_LESION = 99  # in its label map
SAMSEG_OPTIONS = (
    "--lesion",
    "--lesion-mask-structure",
    "Cortex",
    "--lesion-mask-pattern",
    "1",
    "--pallidum-separate",
)


def nnunet(plan: Plan) -> dict[str, Any]:
    """Run nnU-Net's predictor, one fold, without mirroring."""
    return _nnunet(plan, mirror=False)


def nnunet_mirror(plan: Plan) -> dict[str, Any]:
    """Run nnU-Net's predictor, one fold, with mirroring in all axes: its default."""
    return _nnunet(plan, mirror=True)


def _nnunet(plan: Plan, mirror: bool) -> dict[str, Any]:
    python = _program(plan, "bench-nnunet", "python")
    predict = _program(plan, "bench-nnunet", "nnUNetv2_predict_from_modelfolder")
    case, name = sample_case(), "nnunet-mirror" if mirror else "nnunet"
    with tempfile.TemporaryDirectory() as temporary:
        folder, script = Path(temporary), Path(__file__).with_name("peer_nnunet.py")
        run_process([python, script, case.flair, case.reference, folder], plan.log("nnunet-plan"))
        model, out = folder / "model", folder / "out"
        command = [
            predict,
            "-i",
            folder / "in",
            "-o",
            out,
            "-m",
            model,
            "-f",
            "0",
            "-device",
            "cpu",
        ]
        once = [
            "-npp",
            "1",
            "-nps",
            "1",
            *([] if mirror else ["--disable_tta"]),
        ]  # one scan needs no more processes
        cost = run_process([*command, *once], plan.log(name), {"nnUNet_results": temporary})
        if _labels(out / "sample.nii.gz").shape != load_volume(case.flair).shape:
            raise NotRun("nnU-Net's segmentation has not the shape of the scan")
        facts = json.loads((folder / "facts.json").read_text())
    return summarise([cost]) | facts


def samseg(plan: Plan) -> dict[str, Any]:
    """Run SAMSEG's lesion mode, and compare its lesions with the reference."""
    program = _program(plan, "bench-samseg", "run_samseg")
    case = sample_case()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [
            program,
            "-i",
            case.flair,
            "-o",
            out,
            "--threads",
            str(plan.threads),
            *SAMSEG_OPTIONS,
        ]
        cost = run_process(
            command, plan.log("samseg"), {"TF_NUM_INTRAOP_THREADS": str(plan.threads)}
        )
        labels = _labels(out / "seg.mgz")
    reference = load_mask(case.reference).data
    if labels.shape != reference.shape:
        raise NotRun(f"SAMSEG wrote labels of shape {labels.shape}, the scan has {reference.shape}")
    return summarise([cost]) | {"dice": voxel_metrics(reference, labels == SAMSEG_LESION).dice}


def _program(plan: Plan, environment: str, name: str) -> Path:
    program = plan.environments / environment / "bin" / name
    if not program.exists():
        raise NotRun(
            f"{environment} is not installed: {program} is missing (make bench makes it where it "
            "can)"
        )
    return program


def _labels(path: Path) -> NDArray[np.int32]:
    """Read a label map as it lies in its file, which must be that of the sample."""
    if not path.exists():
        raise NotRun(f"{path.name} was not written")
    image = nib.load(path)
    if not np.allclose(image.affine, load_volume(sample_case().flair).affine, atol=1e-3):
        raise NotRun(f"{path.name} does not lie on the grid of the scan")
    return np.asarray(image.dataobj).squeeze().astype(np.int32)
