"""The tables of docs/benchmarks.md, from what `benchmarks.speed` has measured."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.clock import BUSY_FRACTION

PARTS = {
    "segment": "fsh segment on the sample, as it is, with mirroring, without regions (2 min)",
    "network": "a tile a core through the network, and the rate of a matrix product (1 min)",
    "training": "a training step (1 min)",
    "monai": "the network over the sample, and MONAI's sliding window around it (2 min)",
    "sizes": "the sample's head in 128, 256, 384 and 512 voxels along each axis (4 min)",
    "cohort": "folders of 1 and 10 cases (2 min)",
    "nnunet": "nnU-Net's predictor, one fold, without mirroring (2 min)",
    "nnunet-mirror": "nnU-Net's predictor, one fold, with mirroring, its default (8 min)",
    "samseg": "SAMSEG's lesion mode (8 min)",
}
"""Every part: what it measures, and about how long it takes on two idle cores; the longest last."""

Results = Mapping[str, Mapping[str, Any]]
Row = Sequence[str]

LARGEST_S = 5.0
LARGEST_MB = 1500.0
LEAST_RATIOS = {"nnunet": 15.0, "nnunet-mirror": 100.0, "samseg": 100.0}
LEAST_CEILING_FRACTION = 0.85
LEAST_TRAINING_RATIO = 4.0
LARGEST_AUGMENTATION_FRACTION = 0.1
TOOLS = {
    "nnunet": "nnU-Net v2, one fold, no mirroring",
    "nnunet-mirror": "nnU-Net v2, one fold, mirroring (its default)",
    "samseg": "SAMSEG, lesion mode",
}
_WHOLE_RUN = ("", "seconds", "processor s", "peak MB", "Dice", "F.sh is faster by")


def write_section(results: Results) -> str:
    """Return the tables as Markdown; what is missing is named with the reason."""
    values = {part: found["values"] for part, found in results.items() if "values" in found}
    pieces = [
        _circumstances(results),
        "## Against the targets\n\n"
        + _table(("", "measured", "target", ""), [*_targets(values, results)])
        + "\n\nTimes are medians; ratios are clock times, F.sh's median against the other tool's.",
        "## Whole runs on the sample, file to files\n\n"
        + _table(_WHOLE_RUN, [*_whole_runs(values, results)]),
    ]
    if "network" in values or "monai" in values:
        pieces.append(
            "## The network alone\n\n"
            + _table(("", "ms or s", "GFLOP/s", "against"), [*_network(values)])
        )
    if "training" in values:
        pieces.append(
            "## Training\n\n"
            + _table(("", "s", "share of a step"), [*_training(values["training"])])
        )
    for part, title, unit in (
        ("sizes", "Larger files: the sample's head in more voxels", "voxels"),
        ("cohort", "Cohorts", "cases"),
    ):
        if part in values:
            rows = [*_growth(values[part], unit)]
            pieces.append(
                f"## {title}\n\n" + _table((unit, "seconds", "processor s", "peak MB"), rows)
            )
    return "\n\n".join(pieces) + "\n"


def _circumstances(results: Results) -> str:
    """Say where, when and of what all this was measured, and what speaks against it."""
    lines = []
    measured = [found for found in results.values() if "values" in found]
    if measured:
        machine, known = measured[0]["machine"], sorted({found["commit"] for found in measured})
        threads = sorted({found["identity"]["threads"] for found in measured})
        weights = {found["identity"].get("weights_sha256", "")[:12] for found in measured} - {""}
        lines.append(
            f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
            f"{machine['system']}, Python {machine['python']}; {' and '.join(map(str, threads))} "
            f"threads; {min(found['date'] for found in measured)[:10]}, commit {', '.join(known)}, "
            f"weights {', '.join(sorted(weights))}; "
            f"{sum(found['took_s'] for found in measured) / 60:.0f} minutes in all."
        )
        if len(known) > 1 or len(weights) > 1:
            lines.append(
                "**Not one run**: the parts were measured at different commits or with different "
                "weights."
            )
    if busy := [
        part for part, found in results.items() if found.get("others_fraction", 0.0) > BUSY_FRACTION
    ]:
        shares = ", ".join(
            f"{part} {100 * results[part]['others_fraction']:.0f} %" for part in busy
        )
        lines.append(
            f"**The machine was not idle**; others used of it during {shares}. "
            "These times mean nothing."
        )
    return "\n\n".join(lines)


def _targets(values: Mapping[str, Any], results: Results) -> Iterator[Row]:
    """Measured beside wanted, and whether it was reached."""
    sample_s = median(values["segment"]["default"]["seconds"]) if "segment" in values else None
    if sample_s is None:
        yield (
            "the sample, file to files",
            _why("segment", results),
            f"at most {LARGEST_S:.0f} s",
            "",
        )
    else:
        peak = values["segment"]["default"]["peak_mb"]
        yield (
            "the sample, file to files",
            f"{sample_s:.1f} s",
            f"at most {LARGEST_S:.0f} s",
            _met(sample_s <= LARGEST_S),
        )
        yield (
            "its peak memory",
            f"{peak:,.0f} MB",
            f"at most {LARGEST_MB:,.0f} MB",
            _met(peak <= LARGEST_MB),
        )
    for part, least in LEAST_RATIOS.items():
        if part in values and sample_s is not None:
            ratio = median(values[part]["seconds"]) / sample_s
            yield (
                f"{TOOLS[part]}: times F.sh's",
                f"{ratio:.1f}",
                f"at least {least:.0f}",
                _met(ratio >= least),
            )
        else:
            yield f"{TOOLS[part]}: times F.sh's", _why(part, results), f"at least {least:.0f}", ""
    wanted = f"at least {100 * LEAST_CEILING_FRACTION:.0f} %"
    if "network" in values:
        share = _rate(values["network"]["bundled"]) / _rate(values["network"]["ceiling"])
        yield (
            "forward pass, of the bf16 rate",
            f"{100 * share:.0f} %",
            wanted,
            _met(share >= LEAST_CEILING_FRACTION),
        )
    else:
        yield "forward pass, of the bf16 rate", _why("network", results), wanted, ""
    wanted = f"at least {LEAST_TRAINING_RATIO:.0f}"
    if "training" in values:
        step = median(values["training"]["seconds"])
        ratio = median(values["training"]["plain_seconds"]) / step
        share = median(values["training"]["augmentation_seconds"]) / step
        yield (
            "training, times the float32 rate",
            f"{ratio:.1f}",
            wanted,
            _met(ratio >= LEAST_TRAINING_RATIO),
        )
        wanted = f"at most {100 * LARGEST_AUGMENTATION_FRACTION:.0f} %"
        yield (
            "augmentation, of a step",
            f"{100 * share:.0f} %",
            wanted,
            _met(share <= LARGEST_AUGMENTATION_FRACTION),
        )
    else:
        yield "training, times the float32 rate", _why("training", results), wanted, ""


def _whole_runs(values: Mapping[str, Any], results: Results) -> Iterator[Row]:
    segment = values.get("segment", {})
    sample_s = median(segment["default"]["seconds"]) if segment else None
    for cost in segment.values():
        yield (
            f"F.sh `{cost['options']}`" if cost["options"] else "F.sh",
            *_cost(cost),
            f"{cost['dice']:.3f}",
            "",
        )
    for part, name in TOOLS.items():
        if part not in values:
            yield name, _why(part, results), "", "", "", ""
            continue
        cost = values[part]
        faster = f"{median(cost['seconds']) / sample_s:.1f} x" if sample_s else ""
        dice = f"{cost['dice']:.3f}" if "dice" in cost else "random weights"
        yield f"{name}{_architecture(cost)}", *_cost(cost), dice, faster


def _architecture(cost: Mapping[str, Any]) -> str:
    if "patch" not in cost:
        return ""
    patch, widths = (
        " x ".join(map(str, cost["patch"])),
        f"{cost['features'][0]} to {cost['features'][-1]}",
    )
    return (
        f"; {cost['network']}, {len(cost['features'])} stages of {widths} features, patch {patch}"
    )


def _network(values: Mapping[str, Any]) -> Iterator[Row]:
    if "network" in values:
        found = values["network"]
        yield "bf16 product of two 4096 x 4096 matrices: the ceiling", *_tile(found["ceiling"]), ""
        for key, network in found.items():
            if key == "ceiling":
                continue
            plain = {"seconds": network["plain_seconds"], "gflop": network["gflop"]}
            times = median(plain["seconds"]) / median(network["seconds"])
            remark = (
                f"{times:.1f} x the plain way, "
                f"{100 * _rate(network) / _rate(found['ceiling']):.0f} % of the ceiling"
            )
            yield (
                f"{network['name']}, a tile of 64 x 64 x 96 a core, as the predictor runs it",
                *_tile(network),
                remark,
            )
            yield f"{network['name']}, the plain way", *_tile(plain), ""
    if "monai" in values:
        found, fsh_s = values["monai"], median(values["monai"]["seconds"])
        yield (
            f"the whole sample, {found['tiles']} tiles: F.sh's sweep",
            _seconds(found["seconds"]),
            "",
            "",
        )
        for key, name in (
            ("monai_seconds", "the same network in the same precision"),
            ("monai_plain_seconds", "float32, contiguous"),
        ):
            remark = f"{median(found[key]) / fsh_s:.2f} x F.sh's time"
            remark += (
                f"; {100 * found['alike_fraction']:.3f} % of the brain alike"
                if key == "monai_seconds"
                else ""
            )
            yield f"MONAI's `sliding_window_inference`, {name}", _seconds(found[key]), "", remark


def _training(found: Mapping[str, Any]) -> Iterator[Row]:
    step = median(found["seconds"])
    yield (
        f"a step of {found['batch']} patches of 64 x 64 x 64, as `fsh train` takes it",
        _seconds(found["seconds"]),
        "",
    )
    share = f"{100 * median(found['augmentation_seconds']) / step:.1f} %"
    yield (
        "of it, cutting and augmenting the patches",
        _seconds(found["augmentation_seconds"]),
        share,
    )
    yield "the same step in float32, contiguous", _seconds(found["plain_seconds"]), ""


def _growth(found: Mapping[str, Any], unit: str) -> Iterator[Row]:
    for count, cost in found.items():
        yield (f"{count} x {count} x {count}" if unit == "voxels" else count, *_cost(cost))


def _cost(cost: Mapping[str, Any]) -> tuple[str, str, str]:
    return _seconds(cost["seconds"]), f"{cost['cpu_s']:.1f}", f"{cost['peak_mb']:,.0f}"


def _tile(found: Mapping[str, Any]) -> tuple[str, str]:
    best, middle = 1000 * min(found["seconds"]), 1000 * median(found["seconds"])
    return f"{middle:.0f} ms (least {best:.0f}, {_runs(found['seconds'])})", f"{_rate(found):,.0f}"


def _rate(found: Mapping[str, Any]) -> float:
    """GFLOP a second, of the median."""
    return float(found["gflop"] / median(found["seconds"]))


def _seconds(seconds: Sequence[float]) -> str:
    digits = 1 if median(seconds) >= 2 else 2
    least = f"least {min(seconds):.{digits}f}, " if len(seconds) > 1 else ""
    return f"{median(seconds):.{digits}f} ({least}{_runs(seconds)})"


def _runs(seconds: Sequence[float]) -> str:
    return f"{len(seconds)} run{'s' if len(seconds) > 1 else ''}"


def _why(part: str, results: Results) -> str:
    return f"not run: {results.get(part, {}).get('not_run', 'left out')}"


def _met(reached: bool) -> str:
    return "met" if reached else "**missed**"


def _table(headings: Row, rows: Sequence[Row]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines
    )
