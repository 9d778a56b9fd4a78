"""Provenance of a result, the last part of its page: version, weights, settings."""

from collections.abc import Mapping
from typing import Any

from fsh_core.record import Record

_ONE_DECIMAL_FROM_ML = 10.0
_UNITS = {"mm": "mm", "mm3": "mm³", "ml": "ml"}

Row = Mapping[str, Any]


def list_facts(record: Record) -> list[tuple[str, str, bool]]:
    """List what made the result: name, value, and whether to set it as code."""
    weights, grid = record.weights, record.grid
    shape = " × ".join(str(size) for size in grid.shape)
    spacing = " × ".join(f"{size:.3g}" for size in grid.spacing_mm)
    facts = [("Version", f"F.sh {record.version}", False)]
    if weights.sha256 is not None:
        facts += [
            ("Weights", str(weights.name), False),
            ("", f"SHA-256 {weights.sha256}", True),
            ("Network", _listed(weights.config or {}), False),
        ]
    facts.append(("Settings", _listed(record.settings.to_json()), False))
    for channel, source in record.input.items():
        title = channel.capitalize() if channel.islower() else channel
        facts += [(title, source.path, True), ("", f"SHA-256 {source.sha256}", True)]
        facts += [("", source.note, False)] if source.note else []
    facts.append(("Grid", f"{shape} voxels of {spacing} mm, {grid.orientation}", False))
    before, after = format_ml(record.raw_lesion_volume_ml), format_ml(record.lesion_volume_ml)
    facts.append(("Post-processing", f"{before} ml of lesion before, {after} ml after", False))
    if growth := describe_growth(record):
        facts.append(("Growth", growth, False))
    run = record.run.to_json()
    made = [f"{record.run.seconds:.1f} s"]
    made += [
        f"{key} {run[key]}" for key in ("device", "arithmetic", "threads", "date") if run.get(key)
    ]
    facts.append(("Run", ", ".join(made), False))
    return facts


def describe_growth(record: Record) -> str | None:
    """Say what lesions grew by, or why they did not; None where nobody asked.

    None too where the threshold is no longer that of the run.
    """
    if record.grown_volume_ml is None:
        asked = record.settings.to_json().get("grow") and record.regions is not None
        return "Not grown: the scan could not be registered to MNI152" if asked else None
    return (
        f"{format_ml(record.grown_volume_ml)} ml were grown into what is as bright beside sure "
        "lesions"
    )


def _listed(settings: Row) -> str:
    """Write settings in words: ``threshold 0.5, minimum volume 3 mm³, smooth no``."""
    words = []
    for key, value in settings.items():
        stem, _, unit = key.rpartition("_")
        name, suffix = (stem, f"\N{NO-BREAK SPACE}{_UNITS[unit]}") if unit in _UNITS else (key, "")
        words.append(f"{name.replace('_', ' ')} {_plain(value)}{suffix}")
    return ", ".join(words)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "–".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def format_ml(value: float) -> str:
    """Write a volume: ``0.27``, ``62.0``."""
    return f"{value:,.1f}" if value >= _ONE_DECIMAL_FROM_ML else f"{value:.2f}"
