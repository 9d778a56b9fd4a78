"""Make an nnU-Net to time: planned by its own planner for one scan, with random weights.

python peer_nnunet.py FLAIR MASK FOLDER

It runs in an environment of its own, see requirements-nnunet.txt.

FOLDER/model is then what `nnUNetv2_predict_from_modelfolder` takes, FOLDER/in holds the scan.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

NAME = "Dataset001_sample"
CONFIGURATION = "3d_fullres"


def main(flair: Path, mask: Path, folder: Path) -> None:
    """Plan, build and store a network, and write down what it is."""
    raw, preprocessed = folder / "raw", folder / "preprocessed"
    os.environ |= {
        "nnUNet_raw": str(raw),
        "nnUNet_preprocessed": str(preprocessed),
        "nnUNet_results": str(folder),
    }
    dataset = raw / NAME
    for part, source, name in (("imagesTr", flair, "sample_0000"), ("labelsTr", mask, "sample")):
        (dataset / part).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, dataset / part / f"{name}.nii.gz")
    (folder / "in").mkdir(exist_ok=True)
    shutil.copy(flair, folder / "in" / "sample_0000.nii.gz")
    labels = {"background": 0, "lesion": 1}
    described = {
        "channel_names": {"0": "FLAIR"},
        "labels": labels,
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    (dataset / "dataset.json").write_text(json.dumps(described))

    # Read after the environment is set: nnU-Net looks for its folders while it is imported.
    import torch
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprint_dataset,
        plan_experiment_dataset,
    )
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    extract_fingerprint_dataset(1, num_processes=1)
    plans, _ = plan_experiment_dataset(1)
    manager = PlansManager(plans)
    configuration = manager.get_configuration(CONFIGURATION)
    torch.manual_seed(0)
    network = nnUNetTrainer.build_network_architecture(
        manager, configuration, 1, len(labels), False
    )
    model = folder / "model"
    (model / "fold_0").mkdir(parents=True, exist_ok=True)
    shutil.copy(dataset / "dataset.json", model)
    shutil.copy(preprocessed / NAME / "nnUNetPlans.json", model / "plans.json")
    checkpoint = {
        "network_weights": network.state_dict(),
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": CONFIGURATION},
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    torch.save(checkpoint, model / "fold_0" / "checkpoint_final.pth")
    architecture = configuration.network_arch_init_kwargs
    facts = {
        "network": configuration.network_arch_class_name.rpartition(".")[2],
        "patch": [int(size) for size in configuration.patch_size],
        "features": [int(width) for width in architecture["features_per_stage"]],
        "million_parameters": sum(parameter.numel() for parameter in network.parameters()) / 1e6,
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def run() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("flair", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("folder", type=Path)
    words = parser.parse_args()
    main(words.flair.resolve(), words.mask.resolve(), words.folder.resolve())


if __name__ == "__main__":
    run()
