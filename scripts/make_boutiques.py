"""Write cluster/boutiques.json, the Boutiques descriptor of ``fsh-bids``, from its arguments.

``python scripts/make_boutiques.py``; ``bosh validate cluster/boutiques.json`` validates it.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fsh_core.cli.bids import parser

DESCRIPTOR = Path(__file__).parents[1] / "cluster" / "boutiques.json"
_NOT_FOR_TASKS = ("help", "version")


def descriptor() -> dict[str, Any]:
    """Describe the command as Boutiques 0.5 does."""
    made = parser()
    actions = [action for action in made._actions if action.dest not in _NOT_FOR_TASKS]
    return {
        "name": "fsh-bids",
        "description": made.description,
        "tool-version": version("fsh-ms"),
        "schema-version": "0.5",
        "command-line": " ".join(["fsh-bids", *(_key(action) for action in actions)]),
        "inputs": [_input(action) for action in actions],
        "output-files": [
            {
                "id": "output",
                "name": "BIDS derivatives",
                "description": "Masks, probabilities, tables, pictures, reports and records",
                "path-template": "[OUTPUT_DIR]",
            }
        ],
        "error-codes": [
            {"code": 1, "description": "Some scans failed; the others are done"},
            {"code": 2, "description": "No scan worked, or the arguments cannot be used"},
        ],
        "suggested-resources": {"cpu-cores": 2, "ram": 4, "walltime-estimate": 120},
        "tags": {"domain": ["neuroinformatics", "mri"]},
    }


def _key(action: argparse.Action) -> str:
    return f"[{action.dest.upper()}]"


def _input(action: argparse.Action) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": action.dest,
        "name": action.dest.replace("_", " "),
        "description": action.help,
        "type": _type(action),
        "value-key": _key(action),
        "optional": bool(action.option_strings),
    }
    if action.option_strings:
        made["command-line-flag"] = next(
            word for word in action.option_strings if word.startswith("--")
        )
    if action.nargs == "+":
        made["list"] = True
    if action.choices:
        made["value-choices"] = list(action.choices)
    return made


def _type(action: argparse.Action) -> str:
    if action.nargs == 0:
        return "Flag"
    if action.dest in ("bids_dir", "bids_filter_file", "weights"):
        return "File"
    return "Number" if action.type not in (None, Path) else "String"


def main() -> int:
    """Write the descriptor."""
    argparse.ArgumentParser(prog="make_boutiques.py", description=__doc__).parse_args()
    DESCRIPTOR.write_text(json.dumps(descriptor(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
