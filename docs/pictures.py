"""Draw the pictures of the lessons again: python docs/pictures.py, or with the names of some of them.

Those that `symcell plot` draws are drawn as it draws them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs.refresh import refreshed
from symcell import cells
from symcell.commands.plotting import draw_flow, draw_gates_of, draw_toy
from symcell.documents.gradient_norms import measure_at_random
from symcell.documents.plots import draw_norms

FOLDER = Path(__file__).parent / "lessons"
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"


def backpropagation(path):
    """Gradient norms of the RNN for recurrent matrices of three spectral radii."""
    curves = []
    for radius in (0.7, 1.5, 4.0):
        (curve,) = measure_at_random(cells.rnn, 64, 32, init=lambda params, radius=radius: _with_radius(params, radius))
        curves.append(replace(curve, cell=f"radius {radius:g}"))
    draw_norms({"": curves}, path, "rnn: the same random inputs, recurrent matrices of three spectral radii")


def _with_radius(params, radius):
    U = params["U_a"]
    return params | {"U_a": U * radius / np.abs(np.linalg.eigvals(U)).max()}


def clipping(path):
    """A loss with a cliff, and its slope as it is and clipped."""
    names = {}
    refreshed(FOLDER / "clipping.md", names)  # whose code has the unit
    w = np.sort(np.concatenate([np.linspace(4.5, 5.5, 300), 4.8187 + np.linspace(-0.005, 0.005, 200)]))
    loss, slope = np.array([names["loss_and_slope"](one) for one in w]).T
    figure, (upper, lower) = _figure(7.5, 5, 2, sharex=True)
    upper.plot(w, loss, color=BLUE)
    lower.plot(w, np.abs(slope), color=BLUE, label="|dL/dw|")
    lower.plot(w, np.minimum(np.abs(slope), 1), color=RED, linestyle="dashed", label="clipped at 1")
    upper.set(ylabel="loss L", title="50 steps of one unit: the loss has a cliff")
    lower.set(yscale="log", xlabel="weight w", ylabel="slope")
    lower.legend(frameon=False)
    figure.savefig(path)


def forget_gate(path):
    """The logistic function with the two units of the worked example, and the misprint."""
    figure, (ax,) = _figure(7, 3.6, 1)
    z = np.linspace(-5, 5, 200)
    ax.plot(z, 1 / (1 + np.exp(-z)), color=GREY)
    for z, label in ((3.59, "sigma(3.59) = 0.9731"), (-2.13, "sigma(-2.13) = 0.1062")):
        ax.plot(z, 1 / (1 + np.exp(-z)), "o", color=BLUE, label=label)
    ax.plot(3.59, 0.7941, "x", color=RED, markersize=9, markeredgewidth=2.5, label="the misprint, 0.7941")
    ax.set(xlabel="z = W a + b", ylabel="gate", title="The worked forget gate")
    ax.legend(frameon=False, loc="upper left")
    figure.savefig(path)


def softmax(path):
    """The gradient of two losses by the logit of the right class, of two classes of which the other has logit 0."""
    figure, (ax,) = _figure(7, 3.6, 1)
    z = np.linspace(-8, 8, 300)
    y = 1 / (1 + np.exp(-z))
    ax.plot(z, 1 - y, color=BLUE, label="cross-entropy: 1 - y")
    ax.plot(z, 2 * (1 - y) ** 2 * y, color=RED, linestyle="dashed", label="half the squared error: 2 (1 - y)² y")
    ax.set(xlabel="logit of the right class: on the left, the network is sure and wrong", ylabel="|dL/dz|")
    ax.set_title("What a readout learns from")
    ax.legend(frameon=False)
    figure.savefig(path)


def truncation(path):
    """The share of a gradient that segments keep, measured and as a formula."""
    names = {}
    refreshed(FOLDER / "truncation.md", names)  # whose code measures it
    figure, (ax,) = _figure(7, 3.6, 1)
    steps = np.arange(1, 61)
    for w, color in ((0.5, GREY), (0.9, BLUE), (0.98, RED)):
        ax.plot(steps, 1 - w**steps, color=color, label=f"w = {w}")
        ax.plot(steps[::6], [names["share"](w, int(s)) for s in steps[::6]], "o", color=color, markersize=4)
    ax.set(xlabel="steps of a segment, s", ylabel="share of dL/dw", title="Truncated gradients: lines 1 - w^s, marks measured")
    ax.legend(frameon=False, loc="lower right")
    figure.savefig(path)


def _figure(width, height, rows, **options):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=100)
    axes = figure.subplots(rows, 1, squeeze=False, **options)[:, 0]
    for ax in axes:
        ax.grid(True, color="#dddddd", linewidth=0.6)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


PICTURES = {
    "backpropagation": backpropagation,
    "powers": lambda path: draw_toy(path, forget_bias=3),
    "carousel": lambda path: draw_flow([cells.lstm_1997, cells.lstm], path),
    "gru-factor": lambda path: draw_flow([cells.gru_one_gate, cells.gru], path),
    "gradient-flow": lambda path: draw_flow([cells.lstm, cells.gru_reset_after, cells.rnn], path, forget_bias=2),
    "clipping": clipping,
    "gru-beside-lstm": lambda path: draw_gates_of(cells.gru, path, hidden=24, epochs=20),
    "gate-shapes": lambda path: draw_gates_of(cells.lstm, path, hidden=16, epochs=20, forget_bias=1),
    "forget-gate": forget_gate,
    "softmax": softmax,
    "truncation": truncation,
}


def main(names):
    for name in names or PICTURES:
        PICTURES[name](FOLDER / f"{name}.png")
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
