"""What two processes make of a batch, and one: ``torchrun --nproc-per-node 2 two_ranks.py``.

Prints the largest difference of the gradients, and the largest gradient, as JSON.
"""

import copy
import json

import torch

from fsh_core.config import ModelConfig, TrainConfig
from fsh_core.network.build import build_module
from fsh_core.network.losses import composite_loss
from fsh_core.training.ranks import ranks

MODEL = ModelConfig(widths=(4, 6, 4, 4, 4), norm="instance")
SIZE = (32, 32, 16)

with ranks(TrainConfig(model=MODEL, batch_size=2)) as team:
    torch.manual_seed(0)
    model = build_module(MODEL)
    alone = copy.deepcopy(model)
    images = torch.rand(2, 1, *SIZE)
    references = (torch.rand(2, 1, *SIZE) > 0.9).float()
    share = team.share_of(2)
    own = slice(share.start, share.stop)
    spread = team.spread(model)
    logits = team.whole(spread(images[own]))
    composite_loss(logits, team.whole(references[own])).total.backward()
    # One by one here too: torch rounds otherwise in a batch of two.
    parts = [alone(image) for image in images.split(1)]
    composite_loss(torch.cat(parts), references).total.backward()
    pairs = [(a.grad, b.grad) for a, b in zip(model.parameters(), alone.parameters(), strict=True)]
    if team.is_first:
        difference = max((one - other).abs().max().item() for one, other in pairs)
        print(json.dumps([difference, max(one.abs().max().item() for one, _ in pairs)]))
