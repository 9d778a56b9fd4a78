"""``fsh ensemble``: join several networks into one file of weights."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from fsh_core.errors import InputError
from fsh_core.inference.predict import load_predictor
from fsh_core.network.checkpoint import save_ensemble

_FEWEST_MEMBERS = 2


def ensemble_command(members: Sequence[Path], out: Path, name: str | None, half: bool) -> None:
    """Join weights.

    Parameters
    ----------
    members : sequence of Path
        At least two checkpoints that want the same of an image.
    out : Path
        The ``.safetensors`` file to write, its JSON beside it.
    name : str, optional
        For the JSON.
    half : bool
        Store the convolution kernels in 16 bits.

    Raises
    ------
    InputError
        If there are fewer than two members, one is no single network, or ``out`` is of
        another kind or exists already.
    """
    if len(members) < _FEWEST_MEMBERS:
        raise InputError(f"fsh ensemble joins two or more files of weights, got {len(members)}")
    if out.suffix != ".safetensors":
        raise InputError(f"--out: expected a name that ends in .safetensors, got {out}")
    if out.exists():
        raise InputError(f"{out}: exists already; remove it or choose another name")
    for member in members:
        load_predictor(member)  # refuses weights that are not of the network they claim
    sha256 = save_ensemble(members, out, {"name": name} if name else {}, half=half)
    Console().print(f"Written: {out}, {len(members)} networks, SHA-256 {sha256}", soft_wrap=True)
