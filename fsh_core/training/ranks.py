"""One training on several processes: ``torchrun --nproc-per-node 2 -m fsh_core.cli train …``.

Every process has the network and draws its share of each batch; the loss is that of the whole
batch, and the gradients are averaged (`torch.nn.parallel.DistributedDataParallel`). So a step is
that of one process, but for rounding. The first process alone writes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from fsh_core.config import TrainConfig
from fsh_core.errors import InputError

_PATIENCE = timedelta(hours=12)  # the others wait while the first one validates


@dataclass(frozen=True)
class Ranks:
    """One process among those of a training.

    Attributes
    ----------
    rank, count : int
        Its number, from 0, and how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def share_of(self, batch_size: int) -> range:
        """Return the items of a batch that this process draws."""
        size = batch_size // self.count
        return range(self.rank * size, (self.rank + 1) * size)

    def spread(self, model: nn.Module) -> nn.Module:
        """Return what runs the network, and averages its gradients over all processes."""
        if self.count == 1:
            return model
        synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return nn.parallel.DistributedDataParallel(synchronised)

    def whole(self, share: Tensor) -> Tensor:
        """Return the whole batch of every process's share; gradients flow back.

        Parameters
        ----------
        share : (B / count, ...)
            Of this process.

        Returns
        -------
        (B, ...) float32
            In the order of the items. The gradient of a share is that of the sum over all
            processes: averaged by `spread`, that of one process with the whole batch.
        """
        if self.count == 1:
            return share
        from torch.distributed.nn.functional import all_gather

        return torch.cat(all_gather(share.float().contiguous()))

    def told(self, message: Any) -> Any:
        """Return what the first process has to say to all."""
        if self.count == 1:
            return message
        box = [message]
        distributed.broadcast_object_list(box)
        return box[0]


def process_count() -> int:
    """Return how many processes ``torchrun`` started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def ranks(config: TrainConfig) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` started; without it, one stands alone.

    Raises
    ------
    InputError
        If the batch cannot be shared, or its normalisation needs a device that is not there.
    """
    count = process_count()
    if count == 1:
        yield Ranks()
        return
    if config.batch_size % count:
        raise InputError(
            f"--batch-size {config.batch_size}: must be divisible by the {count} processes; "
            f"try {count * max(1, config.batch_size // count)}"
        )
    has_cuda = torch.cuda.is_available()
    if config.model.norm == "batch" and not has_cuda:
        raise InputError(
            f"--norm batch: {count} processes cannot normalise a batch together without CUDA; "
            "choose --norm instance, or train in one process"
        )
    if has_cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if has_cuda else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
