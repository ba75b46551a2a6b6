"""What the examples with PyTorch share: how they train models one after the other, and show what came out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from torch import Tensor

from symcell.cells import lstm
from symcell.torch import Layer, to_torch

SHOWN = 8  # epochs in a table


@dataclass(frozen=True)
class Trained:
    """A trained model: its mean loss in each epoch; the seconds of its first step, which compiles, and of all others."""

    name: str
    model: torch.nn.Module
    losses: list[float]
    first: float
    seconds: float

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def lstms(input_size: int, hidden_size: int) -> tuple[Layer, torch.nn.LSTM]:
    """symcell's LSTM and PyTorch's with the same weights, (T, B, n).

    PyTorch adds two biases. An optimiser would move both, and so their sum twice as far as the one bias of the equations: the
    second one stays 0."""
    ours = Layer(lstm, input_size, hidden_size)
    theirs = to_torch(ours)
    theirs.bias_hh_l0.requires_grad_(False)
    return ours, theirs


def train(
    name: str,
    model: torch.nn.Module,
    losses: Callable[[torch.nn.Module], Iterator[Tensor]],
    epochs: int,
    rate: float,
    progress: Progress,
    limit: float = 1.0,
    seed: int = 0,
) -> Trained:
    """Train a model by Adam. `losses` makes an epoch: what it yields are losses, and after each the parameters take a step.

    Gradients are clipped to the norm `limit`; the rate falls to nothing along half a cosine. With one
    seed, all models get the same random numbers."""
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    bar, means, start, first = progress.add_task(name, total=epochs, loss=""), [], time.perf_counter(), None
    for _ in range(epochs):
        found = []
        for loss in losses(model):
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
            optimiser.step()
            found.append(loss.item())
            first = first or time.perf_counter() - start
        schedule.step()
        means.append(sum(found) / len(found))
        progress.update(bar, advance=1, loss=f"loss {means[-1]:.4f}")
    return Trained(name, model, means, first, time.perf_counter() - start - first)


def progress_bar(console: Console) -> Progress:
    columns = TextColumn("{task.description:<26}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn()
    return Progress(*columns, TextColumn("{task.fields[loss]}"), console=console)


def show(console: Console, title: str, models: list[Trained], scores: dict[str, list[str]]) -> None:
    """A table with a column for each model, and under it what symcell's LSTM and PyTorch's, the first two, have in common."""
    table = Table("", *(m.name for m in models), title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    epochs = len(models[0].losses)
    for k in sorted({round((epochs - 1) * i / (SHOWN - 1)) for i in range(SHOWN)}):
        table.add_row(f"loss in epoch {k + 1}", *(f"{m.losses[k]:.4f}" for m in models))
    table.add_section()
    for name, values in scores.items():
        table.add_row(name, *values)
    table.add_row("parameters", *(f"{m.parameters:,}" for m in models))
    table.add_row("first step, seconds", *(f"{m.first:.1f}" for m in models))
    table.add_row("all others, seconds", *(f"{m.seconds:.1f}" for m in models))
    console.print(table)
    ours, theirs = models[:2]
    console.print(f"The losses of {ours.name} and {theirs.name} differ by {difference(ours, theirs):.1e} at most; "
                  f"{theirs.seconds:.1f} s / {ours.seconds:.1f} s = {theirs.seconds / ours.seconds:.2f}")  # fmt: skip


def difference(a: Trained, b: Trained) -> float:
    """The largest difference of the losses of two models in an epoch."""
    return max(abs(x - y) for x, y in zip(a.losses, b.losses, strict=True))
