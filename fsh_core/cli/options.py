"""Command-line options generated from the configuration classes."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def with_options(*configs: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per field of some configuration classes.

    The command receives in its argument ``options`` the values that the user set, and no
    others, so that presets keep their own. Fields that are configurations themselves get
    no option.

    Parameters
    ----------
    *configs : subclasses of BaseModel
        Names, types, defaults and explanations.
    """
    fields = {
        name: (field, config.__name__.removesuffix("Config"))
        for config in configs
        for name, field in config.model_fields.items()
        if not _is_config(field)
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != "options"
        ]
        generated = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_option(field, panel)
            )
            for name, (field, panel) in fields.items()
        ]

        def call(**values: Any) -> None:
            options = {name: values.pop(name) for name in fields}
            chosen = {
                name: _parsed(fields[name][0], value)
                for name, value in options.items()
                if value is not None
            }
            command(**values, options=chosen)

        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__signature__ = inspect.Signature([*own, *generated])  # type: ignore[attr-defined]
        return call

    return decorate


def _option(field: FieldInfo, panel: str) -> Any:
    """Make the annotation of one option."""
    kind: Any = str if _is_tuple(field) else field.annotation
    default = ",".join(map(str, field.default)) if _is_tuple(field) else field.default
    note = f"{field.description} (default {default})"
    return Annotated[
        kind | None,
        typer.Option(help=note, show_default=False, rich_help_panel=f"{panel} settings"),
    ]


def _parsed(field: FieldInfo, value: Any) -> Any:
    """Cut ``64,64,64`` into its parts; the configuration checks them."""
    return tuple(part.strip() for part in value.split(",")) if _is_tuple(field) else value


def _is_tuple(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _is_config(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
