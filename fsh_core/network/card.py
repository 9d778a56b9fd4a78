"""The card of weights: the JSON beside a safetensors file.

This file alone knows the keys of that JSON. Everything else uses the attributes of
`WeightsCard`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from fsh_core.config import ModelConfig
from fsh_core.errors import InputError
from fsh_core.files import write_atomically
from fsh_core.strict_json import first_problem, parse_json

FORMAT = "fsh-checkpoint-1"
_LONGEST_REASON = 200  # characters
_Names = Annotated[tuple[str, ...], Field(strict=False)]


class _CardPart(BaseModel):
    """A part of a card. Its author may say more: every key is kept, in its place."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    _keys: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _remember_the_order(cls, content: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        part = handler(content)
        if isinstance(content, dict):
            part._keys = tuple(content)
        return part

    @model_serializer(mode="wrap")
    def _in_order(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        return {key: plain[key] for key in self._keys if key in plain}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON: what was read, in the order in which it was."""
        return self.model_dump(mode="json", exclude_unset=True)


class TrainingFacts(_CardPart):
    """How weights were trained.

    Attributes
    ----------
    subjects, validated_on : tuple of str
        Patients they were trained on, and those held out, without ``sub-``.
    """

    subjects: _Names = ()
    validated_on: _Names = ()


class WeightsCard(_CardPart):
    """What is known of weights; a predictor that is no network of F.sh may have an empty one.

    Attributes
    ----------
    format : str or None
        `FORMAT`.
    sha256 : str or None
        Of the safetensors file.
    config : dict or None
        The `ModelConfig` of the network, see `network_config`.
    name, licence, documentation : str or None
        For people.
    training : TrainingFacts
        Empty where nobody said.
    calibration : JSON
        See `fsh_core.lesions.confidence.Calibration`.
    members : tuple of WeightsCard
        The networks of an ensemble; empty for a network alone.
    kernels : str or None
        ``float16`` where convolution kernels are stored in 16 bits; None = float32.
    """

    format: str | None = None
    sha256: str | None = None
    config: dict[str, Any] | None = None
    name: str | None = None
    licence: str | None = None
    documentation: str | None = None
    training: TrainingFacts = TrainingFacts()
    calibration: Any = None
    members: Annotated[tuple["WeightsCard", ...], Field(strict=False)] = ()
    kernels: str | None = None

    @classmethod
    def of(cls, predictor: object) -> "WeightsCard":
        """Return the card of a predictor: its attribute ``card``, or an empty one.

        Raises
        ------
        InputError
            If its card is a mapping that is no card.
        """
        card = getattr(predictor, "card", None) or {}
        if isinstance(card, WeightsCard):
            return card
        try:
            return cls.model_validate(dict(card))
        except ValidationError as error:
            raise InputError(
                f"the predictor's card: {first_problem(error)}; leave it out or correct it"
            ) from None

    def network_config(self) -> ModelConfig:
        """Return what the network is; of an ensemble the first one.

        Raises
        ------
        pydantic.ValidationError
            If the card does not say it.
        """
        return ModelConfig.model_validate(self.config)

    def part(self, keys: tuple[str, ...]) -> dict[str, Any]:
        """Return some keys of the JSON, as far as the card has them."""
        content = self.to_json()
        return {key: content[key] for key in keys if key in content}

    def said(self) -> dict[str, Any]:
        """Return what the author says of the weights, without what identifies them."""
        own = ("format", "sha256", "config")
        return {key: value for key, value in self.to_json().items() if key not in own}


NO_CARD = WeightsCard()
"""Of a network in memory, of which nothing is known."""


def read_card(path: Path) -> WeightsCard:
    """Read the JSON beside weights.

    Raises
    ------
    InputError
        If it cannot be read, or is another JSON.
    """
    try:
        # Measured results may hold NaN: the metric of a case without lesions.
        content = parse_json(path.read_bytes(), allow_nan=True)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: expected the JSON of a checkpoint, cannot be read ({error}); copy it again"
        ) from None
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or not isinstance(content.get("sha256"), str)
    ):
        raise InputError(
            f"{path}: expected a {FORMAT} description, found another JSON; "
            "use one written by fsh train"
        )
    try:
        return WeightsCard.model_validate(content)
    except ValidationError as error:
        raise not_as_described(path.with_suffix(".safetensors"), first_problem(error)) from None


def write_card(path: Path, facts: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    """Write the JSON beside weights.

    Parameters
    ----------
    path : Path
        Ends in ``.json``.
    facts : mapping
        What identifies the weights; comes first, and nothing may say otherwise.
    said : mapping
        What the author says of them.
    """
    facts = {"format": FORMAT, **facts}
    write_atomically(path, json.dumps({**facts, **said, **facts}, indent=2) + "\n")


def not_as_described(path: Path, reason: str) -> InputError:
    """Say that weights are not those of the network that their JSON describes, and why."""
    # The first line of torch and pydantic names only the class; the second says what is wrong.
    words = " ".join(line.strip() for line in reason.splitlines()[:3])[:_LONGEST_REASON]
    return InputError(
        f"{path}: expected weights of the network that {path.with_suffix('.json').name} "
        f"describes, found others ({words}); use a checkpoint written by fsh train"
    )
