"""State of a training: weights, their average and the optimiser's moments, by name."""

import torch
from torch import Tensor

from fsh_core.errors import InputError
from fsh_core.training.runs import RunFolder


def pack(
    model: torch.nn.Module, average: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """State of a training: every tensor that the next step depends on, by name."""
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in average.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {
            f"optimiser/{index}/{name}": torch.as_tensor(moment) for name, moment in moments.items()
        }
    return tensors


def restore(
    run: RunFolder,
    model: torch.nn.Module,
    average: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
) -> int:
    """Load the state that `pack` made into model, average and optimiser.

    Returns
    -------
    int
        Epochs that were finished.

    Raises
    ------
    InputError
        If the state is damaged or that of another network.
    """
    tensors, epochs = run.load_state()
    like = pack(model, average, optimiser)
    for index, parameter in enumerate(model.parameters()):
        moments = {"step": torch.zeros(()), "exp_avg": parameter, "exp_avg_sq": parameter}
        like |= {f"optimiser/{index}/{name}": tensor for name, tensor in moments.items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != {
        name: tensor.shape for name, tensor in like.items()
    }:
        raise InputError(
            f"{run.state}: expected the state of a run, found that of another network; "
            "start a new run"
        )
    state: dict[int, dict[str, Tensor]] = {}
    with torch.no_grad():
        for name, tensor in tensors.items():
            # Over another memory layout torch might round differently: each gets that of its
            # parameter.
            laid_out = torch.empty_like(like[name]).copy_(tensor)
            owner, _, rest = name.partition("/")
            if owner == "optimiser":
                number, moment = rest.split("/")
                state.setdefault(int(number), {})[moment] = laid_out
            else:
                like[name].copy_(laid_out)
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
    return epochs
