"""What the pictures of the examples with PyTorch have in common. Models are training.py's Trained."""

from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito's, which differ for every kind of colour vision


def panels(widths: tuple[float, ...], height: float = 3.6) -> tuple[Figure, list]:
    """A figure, and axes side by side."""
    figure = Figure(figsize=(11, height), layout="constrained", dpi=120)
    axes = figure.subplots(1, len(widths), width_ratios=widths)
    for a in axes:
        a.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def save(figure: Figure, path: str | Path, console: Console) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    console.print(f"The picture is {path}")


def draw_losses(axes, models: list, label: str) -> None:
    """Losses by epoch. PyTorch's LSTM, the second model, is dotted on top of symcell's."""
    for k, (m, colour) in enumerate(zip(models, COLOURS, strict=False)):
        style = {"linestyle": (0, (1, 1.5)), "linewidth": 3} if k == 1 else {"linewidth": 1.8}
        axes.plot(range(1, len(m.losses) + 1), m.losses, color=colour, label=f"{m.name}, {m.seconds:.1f} s", **style)
    axes.set(xlabel="epoch", ylabel=label)
    axes.legend(frameon=False)


def draw_seconds(axes, models: list) -> None:
    """What training took, without the first step."""
    for m, colour in zip(reversed(models), reversed(COLOURS[:len(models)]), strict=True):
        bars = axes.barh(m.name, m.seconds, color=colour)
        axes.bar_label(bars, [f" {m.seconds:.1f}"])
    axes.set(xlabel="seconds of training")
    axes.margins(x=0.15)
