"""Settings: frozen, validated, kept as JSON; and the two presets, value by value."""

import pytest
from pydantic import BaseModel, ValidationError

from fsh_core.config import ABLATIONS, ModelConfig, SegmentConfig, TrainConfig, check_patch_size
from fsh_core.errors import InputError

CONFIGS = [ModelConfig, TrainConfig, SegmentConfig]


def changed(config: BaseModel) -> dict:
    """Return the fields that are not at their default."""
    return {
        name: value for name, value in config if value != type(config).model_fields[name].default
    }


@pytest.mark.parametrize("kind", CONFIGS)
def test_settings_are_frozen(kind):
    config = kind()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(config, next(iter(kind.model_fields)), 1)


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(
            channels=("FLAIR", "T1w"),
            widths=(4, 4, 8, 8, 8),
            norm="batch",
            spacing_mm=0.8,
            target="brain",
        ),
        TrainConfig.preset("paper"),
        SegmentConfig(threshold=0.3, patch_size=(32, 48, 64), smooth=True),
    ],
)
def test_json_round_trip(config):
    assert type(config).model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_setting_explains_itself(kind):
    unexplained = [
        name
        for name, field in kind.model_fields.items()
        if name != "model" and not field.description
    ]
    assert unexplained == []


def test_the_paper_preset_is_the_papers_protocol():
    paper = TrainConfig.preset("paper")
    assert changed(paper.model) == {"norm": "batch", "intensity": "minmax"}
    assert paper.model.widths == (16, 32, 64, 128, 256)
    assert paper.model.recurrence == 2
    assert paper.model.attention
    assert paper.patch_size == (64, 64, 64)
    assert paper.sampling == "grid"  # its stride of 32 is held in test_dataset
    assert paper.steps_per_epoch == 0  # every patch of the grid once
    assert paper.augmentation == "paper"
    assert paper.bce_weight == 0.5
    assert (paper.optimiser, paper.learning_rate, paper.weight_decay) == ("adam", 1e-4, 0.0)
    assert (paper.schedule, paper.warmup_steps) == ("plateau", 0)
    assert paper.epochs == 70
    assert paper.validate_every == 1
    assert (paper.gradient_clip, paper.ema, paper.precision) == (0.0, 0.0, "fp32")


def test_the_default_preset_is_lean_and_simulates():
    default = TrainConfig.preset("default")
    assert (default.model.recurrence, default.model.attention, default.model.intensity) == (
        0,
        True,
        "tissue",
    )
    assert default.simulate_fraction > 0
    assert default.simulated_copies > 0


def test_ablations_differ_from_fsh_in_two_settings_at_most():
    assert {name: changed(ModelConfig(**settings)) for name, settings in ABLATIONS.items()} == {
        "unet": {"recurrence": 0, "attention": False},
        "attention-unet": {"recurrence": 0},
        "r2unet": {"attention": False},
        "fsh": {},
    }


@pytest.mark.parametrize("size", [(16, 16, 32), (64, 64, 64), (32, 48, 160)])
def test_patches_that_fit(size):
    check_patch_size(size)


@pytest.mark.parametrize(
    ("size", "suggestion"),
    [
        ((60, 64, 64), (64, 64, 64)),
        ((64, 1, 39), (64, 16, 32)),
        ((64, 64, 41), (64, 64, 48)),
        ((0, -16, 33), (16, 16, 32)),
        ((10, 12, 20), (32, 32, 32)),
        ((16, 16, 16), (32, 32, 32)),
    ],
)
def test_a_patch_that_does_not_fit_is_refused_and_the_suggestion_fits(size, suggestion):
    with pytest.raises(ValueError, match=r"patch size") as caught:
        check_patch_size(size)
    assert str(caught.value).endswith(f"try {suggestion}")
    check_patch_size(suggestion)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (
            TrainConfig,
            {"patch_size": (60, 64, 64), "epochs": 3},
            "--patch-size: patch size must be divisible by 16, got (60, 64, 64); try (64, 64, 64)",
        ),
        (
            SegmentConfig,
            {"patch_size": ("60", "64", "64")},
            "--patch-size: patch size must be divisible by 16, got (60, 64, 64); try (64, 64, 64)",
        ),
        (
            ModelConfig,
            {"widths": (3, 4, 4, 4, 4)},
            "--widths: widths must be even numbers of at least 2, got (3, 4, 4, 4, 4)",
        ),
        (
            ModelConfig,
            {"channels": ("T1w", "FLAIR")},
            "--channels: channels must begin with FLAIR and name each image once, got ('T1w', "
            "'FLAIR')",
        ),
        (
            ModelConfig,
            {"channels": ("FLAIR", "FLAIR")},
            "--channels: channels must begin with FLAIR and name each image once, got ('FLAIR', "
            "'FLAIR')",
        ),
        (ModelConfig, {"widths": ("4", "4", "4")}, "--widths: Field required, got ('4', '4', '4')"),
        (TrainConfig, {"epochs": 0}, "--epochs: Input should be greater than or equal to 1, got 0"),
        (TrainConfig, {"colour": 1}, "--colour: Extra inputs are not permitted, got 1"),
    ],
)
def test_an_option_error_names_the_option_once_and_nothing_else(kind, options, sentence):
    with pytest.raises(InputError, match=r"^--") as caught:
        kind.from_options(**options)
    assert str(caught.value) == sentence
