"""Models with a Layer, trained by several processes as by one, with DistributedDataParallel and with FSDP2: for torchrun."""

import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from rich.console import Console
from torch.distributed.fsdp import fully_shard

import symcell.torch
from symcell.cells import lstm

F64 = torch.float64
STEPS, SAMPLES = 10, 8


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = symcell.torch.Layer(lstm, 4, 6, 2, dtype=F64)
        self.readout = torch.nn.Linear(6, 1, dtype=F64)

    def forward(self, x):
        return self.readout(self.layer(x)[0][-1])


def shared(kind, model):
    """The model as several processes train it."""
    if kind == "ddp":
        return torch.nn.parallel.DistributedDataParallel(model)
    fully_shard(model.layer)
    return fully_shard(model)


def whole(t):
    return t.full_tensor() if hasattr(t, "full_tensor") else t


def compare(kind):
    """The largest differences of gradients and of parameters from those of one process with all samples, after all steps."""
    rank, count = dist.get_rank(), dist.get_world_size()
    alone, part = Model(), Model()
    model = shared(kind, part)
    optimisers = [torch.optim.Adam(m.parameters(), 1e-2) for m in (alone, part)]
    random = torch.Generator().manual_seed(1)
    own = slice(rank * SAMPLES // count, (rank + 1) * SAMPLES // count)
    for _ in range(STEPS):
        x = torch.randn(7, SAMPLES, 4, generator=random, dtype=F64)
        y = torch.randn(SAMPLES, 1, generator=random, dtype=F64)
        for optimiser, m, samples in zip(optimisers, (alone, model), (slice(None), own), strict=True):
            optimiser.zero_grad()
            (m(x[:, samples]) - y[samples]).square().mean().backward()
        pairs = list(zip(part.parameters(), alone.parameters(), strict=True))
        of_gradients = max((whole(a.grad) - b.grad).abs().max().item() for a, b in pairs)
        for optimiser in optimisers:
            optimiser.step()
    return of_gradients, max((whole(a) - b).abs().max().item() for a, b in pairs)


def compare_example():
    """The same for examples/characters.py, which carries states from step to step and clips gradients."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    import characters
    from training import progress_bar, train

    characters.EMBEDDED, characters.HIDDEN, characters.WINDOW = 4, 6, 7
    read, following = torch.randint(9, (2, STEPS * characters.WINDOW, SAMPLES), generator=torch.Generator().manual_seed(2))
    torch.manual_seed(0)
    alone = characters.Model(9, symcell.torch.Layer(lstm, 4, 6)).to(F64)
    part = deepcopy(alone)
    characters.train_a_part(part, read, following, 1)
    train("alone", alone, partial(characters.losses, read, following), 1, characters.RATE, progress_bar(Console(quiet=True)))
    pairs = list(zip(part.parameters(), alone.parameters(), strict=True))
    return max((a.grad - b.grad).abs().max().item() for a, b in pairs), max((a - b).abs().max().item() for a, b in pairs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for kind in ("ddp", "fsdp", "example"):
        found = compare_example() if kind == "example" else compare(kind)
        if dist.get_rank() == 0:
            print(kind, *found)
    dist.destroy_process_group()
