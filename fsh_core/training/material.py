"""What a training learns from and is validated on, from a dataset or from a pack."""

from fsh_core.cases import Case
from fsh_core.config import TrainConfig
from fsh_core.errors import InputError
from fsh_core.preprocess.brain_mask import BrainSegmenter
from fsh_core.training.pack import PackedCase
from fsh_core.training.run_inputs import Learnable
from fsh_core.training.training_case import (
    TrainingCase,
    WholeScan,
    load_lesion_free,
    load_training_case,
    load_whole,
)


def learned(case: Learnable, config: TrainConfig, finder: BrainSegmenter | None) -> TrainingCase:
    """Prepare a case to be learned from; see `load_training_case`."""
    if isinstance(case, PackedCase):
        return case.learned
    return load_training_case(_read(case), config.model, finder)


def lesion_filled(
    case: Learnable, config: TrainConfig, finder: BrainSegmenter | None
) -> TrainingCase:
    """Prepare a case as a body without lesions; see `load_lesion_free`."""
    if isinstance(case, PackedCase):
        return case.learned
    return load_lesion_free(_read(case), config.model, finder, config.seed)


def validated(case: Learnable, config: TrainConfig, finder: BrainSegmenter | None) -> WholeScan:
    """Prepare a case to be validated on; see `load_whole`.

    Raises
    ------
    InputError
        If it comes from a pack.
    """
    if isinstance(case, PackedCase):
        raise InputError(
            f"{case.pack}: a training pack holds no whole scans to validate on; add "
            "--validation-fraction 0, and measure the weights with fsh evaluate afterwards"
        )
    return load_whole(_read(case), config.model, finder)


def _read(case: Learnable) -> Case:
    if not isinstance(case, Case):
        raise TypeError(f"expected a Case or a PackedCase, got {type(case).__name__}")
    return case
