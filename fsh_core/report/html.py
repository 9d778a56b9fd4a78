"""HTML pages in one style: self-contained and printable, without outside requests."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HOME = Path(__file__).parent


def render(template: Path, **values: Any) -> str:
    """Fill a template, which may extend ``base.html`` beside this file; text is escaped.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not given.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HOME]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values)


def embed(picture: bytes) -> str:
    """Return a PNG as the text of an image's address."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()
