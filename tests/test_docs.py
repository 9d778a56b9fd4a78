"""The documentation says what the program does."""

from pathlib import Path

import pytest

from fsh_core.config import ABLATIONS, ModelConfig
from fsh_core.derivatives.cohort_tables import CASE_COLUMNS
from fsh_core.lesions.describe import DESCRIBED_COLUMNS
from fsh_core.network.model import R2AttentionUNet3d, flops, parameter_count

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_usage_explains_every_column() -> None:
    text = (DOCS / "usage.md").read_text()
    for name, meaning in [*DESCRIBED_COLUMNS.items(), *CASE_COLUMNS.items()]:
        assert f"| `{name}` | {meaning} |" in text


@pytest.mark.parametrize("name", ABLATIONS)
def test_network_states_the_size_of_every_variant(name: str) -> None:
    config = ModelConfig(**ABLATIONS[name])
    row = f"| {parameter_count(R2AttentionUNet3d(config)):,} | {flops(config) / 1e9:.1f} |"
    line = next(
        line
        for line in (DOCS / "network.md").read_text().splitlines()
        if line.startswith(f"| `{name}`")
    )
    assert line.endswith(row)
