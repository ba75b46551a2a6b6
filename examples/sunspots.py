"""A forecast of the yearly number of sunspots: symcell's LSTM, PyTorch's, and a variant of one's own, beside simple forecasts.

    pip install "symcell[examples]"        the series, 1700 to 2008, comes with statsmodels
    python examples/sunspots.py            prints progress and a table; draws output/sunspots.png

The models learn the years up to 1949 and forecast each one since from those before it. The variant is an LSTM whose cell state is
complex and turns every year, each unit by an angle of its own, so that a unit can keep a phase.
"""

import sys
from functools import partial

import numpy as np
import torch
from pictures import COLOURS, draw_losses, panels, save
from rich.console import Console
from statsmodels.datasets import sunspots
from sympy import I, exp, re, symbols, tanh
from training import lstms, progress_bar, show, train

from symcell import Param, State
from symcell.cells import lstm
from symcell.torch import Layer

HIDDEN, WINDOW, BATCH, UPDATES = 16, 66, 16, 10  # years of a window, windows of an update, updates of an epoch
FIRST, TESTED, LAGS, CYCLE = 1700, 1950, 9, 11
f, g, i, o = symbols("f g i o")
c, h = State("c", dtype=complex), State("h")

turning = lstm.variant("turning_lstm", {
    c: f * exp(I * Param("theta")) * c.prev + i * g,
    h: o * tanh(re(c)),
})


def turning_layer():
    """The variant, whose units begin with periods from 4 to 44 years."""
    layer = Layer(turning, 1, HIDDEN)
    with torch.no_grad():
        layer.weight("theta").copy_(2 * torch.pi / torch.linspace(4, 44, HIDDEN))
    return layer


class Model(torch.nn.Module):
    """The next year's value after each, (T, B): the last one, and a change that the layer computes."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent, self.dropout, self.readout = recurrent, torch.nn.Dropout(0.3), torch.nn.Linear(HIDDEN, 1)

    def forward(self, x):
        return x + self.readout(self.dropout(self.recurrent(x[..., None])[0]))[..., 0]


def scaled(numbers):
    """Square roots, whose noise is about the same everywhere, from some -1 to 1."""
    return torch.from_numpy(np.sqrt(numbers).astype("float32")) / 5 - 1


def losses(series, model):
    """An epoch of windows that begin in random years. Of each, the first cycle is read and not forecast."""
    for _ in range(UPDATES):
        begins = torch.randint(len(series) - WINDOW, (BATCH,))
        x = series[begins + torch.arange(WINDOW + 1)[:, None]]
        yield (model(x[:-1]) - x[1:])[CYCLE:].square().mean()


@torch.no_grad()
def forecasts(model, numbers):
    """The number of each tested year, from those before it."""
    found = model.eval()(scaled(numbers)[:-1, None])[TESTED - FIRST - 1:, 0]
    return (5 * (found + 1)).clamp(min=0).square().numpy()


def simple_forecasts(numbers):
    """What needs no network: last year's number; the one 11 years before; a linear model of the square roots of 9 years."""
    tested, roots = TESTED - FIRST, np.sqrt(numbers)
    rows = np.stack([roots[LAGS - k:len(roots) - k] for k in range(1, LAGS + 1)] + [np.ones(len(roots) - LAGS)], axis=1)
    weights = np.linalg.lstsq(rows[:tested - LAGS], roots[LAGS:tested], rcond=None)[0]
    return {"last year's": numbers[tested - 1:-1], "11 years before": numbers[tested - CYCLE:-CYCLE],
            "linear, 9 years": np.maximum(rows[tested - LAGS:] @ weights, 0) ** 2}  # fmt: skip


def draw(years, numbers, shown, trained, errors, path, console):
    """The forecasts, the errors of all, and the losses."""
    figure, (left, middle, right) = panels((2, 1, 1))
    left.plot(years, numbers, "o", color="black", markersize=4, label="observed")
    for (name, values), colour in zip(shown.items(), (COLOURS[0], COLOURS[2]), strict=True):
        left.plot(years, values, color=colour, label=name)
    left.set(xlabel="year", ylabel="sunspots", ylim=(0, 240), title="forecasts, one year ahead")
    left.legend(frameon=False, ncols=3, loc="upper right")
    for k, (name, values) in enumerate(reversed(errors.items())):
        middle.barh(name, np.mean(values), color="#BBBBBB")
        middle.plot(values, len(values) * [k], "o", color="black", markersize=3)
    middle.set(xlabel=f"error from {TESTED} on (RMSE)")
    draw_losses(right, trained, "mean squared error in training")
    save(figure, path, console)


def models(seed):
    """Models whose common weights are the same."""
    torch.manual_seed(seed)
    ours, theirs = lstms(1, HIDDEN)
    for name, recurrent in ("LSTM, symcell", ours), ("LSTM, PyTorch", theirs), ("turning LSTM", turning_layer()):
        torch.manual_seed(seed)
        yield name, Model(recurrent)


def main(path="output/sunspots.png", epochs=15, seeds=3):
    console, data = Console(), sunspots.load_pandas().data
    numbers, years = data["SUNACTIVITY"].to_numpy(), data["YEAR"].to_numpy()[TESTED - FIRST:]
    torch.set_num_threads(1)  # a second one would only wait: products are small
    with progress_bar(console) as progress:
        epoch = partial(losses, scaled(numbers[:TESTED - FIRST]))
        runs = [
            [train(name, model, epoch, epochs, 0.005, progress, seed=seed) for name, model in models(seed)]
            for seed in range(seeds)
        ]
    found = {ms[0].name: [forecasts(m.model, numbers) for m in ms] for ms in zip(*runs, strict=True)}
    simple = {name: [values] for name, values in simple_forecasts(numbers).items()}
    observed = numbers[TESTED - FIRST:]
    errors = {name: [np.sqrt(np.mean((p - observed) ** 2)) for p in of] for name, of in (found | simple).items()}
    show(console, f"Sunspots, one year ahead: the first of {seeds} seeds", runs[0],
         {f"error since {TESTED}, mean": [f"{np.mean(errors[m.name]):.1f}" for m in runs[0]]})
    console.print("Error of simple forecasts: " + "; ".join(f"{name} {errors[name][0]:.1f}" for name in simple))
    shown = {name: np.mean(found[name], axis=0) for name in ("LSTM, symcell", "turning LSTM")}
    draw(years, observed, shown, runs[0], errors, path, console)


if __name__ == "__main__":
    main(*sys.argv[1:])
