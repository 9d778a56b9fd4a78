"""Every setting, once: frozen, validated, and kept beside what it produced.

Command-line flags and widget fields are generated from these classes, so a setting's
name, default, limits and explanation are written here and nowhere else.
"""

from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from fsh_core.errors import InputError

Size3 = tuple[int, int, int]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "bf16", "fp32"]
Arithmetic = Literal["int8", "bf16", "fp32"]
"""In which numbers a network multiplies."""

_SMALLEST_WIDTH = 2  # attention gates work on half as many channels
_PATCH_STEP = 16  # voxels: the network halves each axis four times


class Config(BaseModel):
    """Settings: frozen, and checked when they are made."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def from_options(cls, **options: Any) -> Self:
        """Build from user-given values; the error is one sentence.

        Raises
        ------
        InputError
            If a name is unknown or a value is out of range.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            first = error.errors()[0]
            flag = f"--{str(first['loc'][0]).replace('_', '-')}"
            if first["type"] == "value_error":  # one of the checks below, which say what they got
                raise InputError(f"{flag}: {first['ctx']['error']}") from None
            raise InputError(f"{flag}: {first['msg']}, got {first['input']!r}") from None


class ModelConfig(Config):
    """What a network is, and what it expects of an image. Travels with the weights."""

    channels: tuple[str, ...] = Field(
        ("FLAIR",), min_length=1, description="input images, in this order"
    )
    widths: tuple[int, int, int, int, int] = Field(
        (16, 32, 64, 128, 256), description="feature channels from the first level to the bridge"
    )
    recurrence: int = Field(
        2, ge=0, le=8, description="t: times a shared convolution is applied again; 0 = plain"
    )
    attention: bool = Field(True, description="attention gates on the skip connections")
    norm: Literal["instance", "batch"] = Field(
        "instance", description="normalisation (paper: batch)"
    )
    target: Literal["lesion", "brain"] = Field("lesion", description="what the network finds")
    spacing_mm: float = Field(
        1.0, gt=0.2, le=8.0, description="isotropic voxel size the network works on, in mm"
    )
    intensity: Literal["tissue", "percentile", "minmax"] = Field(
        "percentile",
        description="scaling to [0, 1]: by level and contrast of tissue, by level, "
        "or minmax (paper)",
    )

    @field_validator("channels")
    @classmethod
    def _flair_comes_first(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if channels[0] != "FLAIR" or len(set(channels)) < len(channels):
            raise ValueError(
                f"channels must begin with FLAIR and name each image once, got {channels}"
            )
        return channels

    @field_validator("widths")
    @classmethod
    def _widths_are_even(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if any(width < _SMALLEST_WIDTH or width % 2 for width in widths):
            raise ValueError(f"widths must be even numbers of at least 2, got {widths}")
        return widths


ABLATIONS: dict[str, dict[str, Any]] = {
    "unet": {"recurrence": 0, "attention": False},
    "attention-unet": {"recurrence": 0, "attention": True},
    "r2unet": {"recurrence": 2, "attention": False},
    "fsh": {"recurrence": 2, "attention": True},
}
"""The paper's baseline methods and F.sh itself: one class, four configurations."""


class TrainConfig(Config):
    """How a network is trained. Stored in the run folder."""

    model: ModelConfig = ModelConfig()
    epochs: int = Field(40, ge=1, description="epochs; with --resume more than the run had")
    minutes: float = Field(
        0.0, ge=0, description="as many epochs as fit into so many minutes; 0 = as many as asked"
    )
    steps_per_epoch: int = Field(
        50, ge=0, description="optimiser steps per epoch; 0 = every grid patch once (paper)"
    )
    batch_size: int = Field(2, ge=1, le=64, description="patches per step")
    patch_size: Size3 = Field(
        (64, 64, 64), description="patch size in voxels, each divisible by 16"
    )
    sampling: Literal["lesion", "grid"] = Field(
        "lesion",
        description="patches around lesions (default), or lesion-containing patches of a stride-32 "
        "grid (paper)",
    )
    lesion_fraction: float = Field(
        0.6, ge=0, le=1, description="share of patches centred near a lesion"
    )
    balance: bool = Field(
        True, description="draw scans with thin and with thick slices equally often"
    )
    simulate_fraction: float = Field(
        0.0, ge=0, le=1, description="share of patches with a few simulated lesions more"
    )
    simulated_copies: int = Field(
        0,
        ge=0,
        description="copies of every thin-slice scan, each with the lesions of another patient",
    )
    augmentation: Literal["wide", "default", "paper", "none"] = Field(
        "default", description="augmentation recipe; wide = default and random contrast of tissues"
    )
    lesion_free_fraction: float = Field(
        0.25, ge=0, lt=1, description="share of patches from the scans of --lesion-free"
    )
    lesion_free_copies: int = Field(
        0,
        ge=0,
        description="copies of every scan of --lesion-free, each with the lesions of a patient; "
        "half of its patches are theirs",
    )
    bce_weight: float = Field(0.5, ge=0, le=1, description="weight of BCE; Dice has the rest")
    lesion_weight: float = Field(
        0.0, ge=0, le=1, description="weight of the loss around each lesion by itself; 0 = none"
    )
    optimiser: Literal["adam", "adamw"] = Field("adamw", description="optimiser")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="peak learning rate")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's weight decay")
    schedule: Literal["poly", "cosine", "plateau"] = Field(
        "poly", description="learning-rate schedule; plateau halves when the validation loss stalls"
    )
    warmup_steps: int = Field(50, ge=0, description="steps of linear warm-up")
    plateau_patience: int = Field(
        5, ge=0, description="validations without improvement before plateau halves the rate"
    )
    gradient_clip: float = Field(1.0, ge=0, description="largest gradient norm; 0 = no clipping")
    ema: float = Field(
        0.99, ge=0, lt=1, description="decay of the weights' moving average; 0 = none"
    )
    precision: Precision = Field(
        "auto", description="auto = bfloat16 where the processor multiplies it natively"
    )
    validation_fraction: float = Field(
        0.2, ge=0, lt=1, description="share of subjects held out for validation"
    )
    validate_every: int = Field(8, ge=1, description="epochs between whole-volume validations")
    samples: bool = Field(
        True, description="keep a slice of a validation scan, as predicted, at a few validations"
    )
    seed: int = Field(0, ge=0, description="seed of the split, the weights and the patches")

    @field_validator("patch_size")
    @classmethod
    def _patch_fits_network(cls, size: Size3) -> Size3:
        check_patch_size(size)
        return size

    @classmethod
    def preset(cls, name: str) -> "TrainConfig":
        """Return the settings called ``name``: ``paper`` or ``default``.

        Raises
        ------
        InputError
            If there is no such preset.
        """
        if name == "default":
            return cls(
                model=ModelConfig(recurrence=0, norm="batch", intensity="tissue"),
                epochs=90,
                simulate_fraction=0.2,
                simulated_copies=10,
            )
        if name == "paper":
            return cls(
                model=ModelConfig(norm="batch", intensity="minmax"),
                epochs=70,
                steps_per_epoch=0,
                sampling="grid",
                augmentation="paper",
                optimiser="adam",
                learning_rate=1e-4,
                weight_decay=0.0,
                schedule="plateau",
                warmup_steps=0,
                gradient_clip=0.0,
                precision="fp32",
                ema=0.0,
                validate_every=1,
            )
        raise InputError(f"--preset must be 'default' or 'paper', got {name!r}")


class SegmentConfig(Config):
    """How a scan becomes lesions. Stored in the record."""

    threshold: float = Field(
        0.5, gt=0, lt=1, description="probability from which a voxel is lesion"
    )
    minimum_volume_mm3: float = Field(3.0, ge=0, description="smaller lesions are dropped, in mm3")
    regions: bool = Field(
        True, description="find the anatomical region of every lesion (registration to MNI152)"
    )
    grow: bool = Field(
        False,
        description="let sure lesions grow into what is as bright beside them; for scanners that "
        "the networks do not know",
    )
    split: bool = Field(
        False, description="count the parts of confluent lesions too (up to 3 s more)"
    )
    smooth: bool = Field(
        False, description="smooth lesion boundaries (the paper's processed prediction)"
    )
    overlap: float = Field(
        0.25, ge=0, lt=1, description="fraction by which neighbouring patches overlap"
    )
    patch_size: Size3 = Field(
        (64, 64, 96), description="patch size in voxels, each divisible by 16"
    )
    batch_size: int = Field(1, ge=1, le=64, description="patches per forward pass")
    mirror: bool = Field(False, description="average over left-right mirroring (twice the time)")
    precision: Literal["auto", Arithmetic] = Field(
        "auto",
        description="auto = eight bits (int8) or bfloat16 where weights and processor can",
    )
    device: Device = Field(
        "cpu", description="where the network runs; auto = on a graphics card if torch finds one"
    )

    @field_validator("grow")
    @classmethod
    def _knows_the_place(cls, grow: bool, others: ValidationInfo) -> bool:
        if grow and not others.data.get("regions", True):
            raise ValueError(
                "growth needs to know where in the brain a voxel lies, got --no-regions; "
                "leave one of the two out"
            )
        return grow

    @field_validator("patch_size")
    @classmethod
    def _patch_fits_network(cls, size: Size3) -> Size3:
        check_patch_size(size)
        return size


def check_patch_size(size: Size3) -> None:
    """Check that every axis can be halved four times.

    Raises
    ------
    ValueError
        If an axis is not a positive multiple of 16, or if the bridge would be a
        single voxel, over which instance normalisation is undefined.
    """
    if any(axis < _PATCH_STEP or axis % _PATCH_STEP for axis in size):
        nearest = tuple(max(_PATCH_STEP, round(axis / _PATCH_STEP) * _PATCH_STEP) for axis in size)
        nearest = (32, 32, 32) if nearest == (16, 16, 16) else nearest
        raise ValueError(f"patch size must be divisible by 16, got {tuple(size)}; try {nearest}")
    if all(axis == _PATCH_STEP for axis in size):
        raise ValueError("patch size (16, 16, 16) leaves a bridge of one voxel; try (32, 32, 32)")
