"""The command plot: gradient norms of several cells, gates over time, the powers of one weight."""

from __future__ import annotations

from typing import Annotated

from symcell.commands.options import Cells, File, Seed, loaded, needs, typer
from symcell.errors import CellError

TOY_WEIGHTS = (0.5, 0.9, 1.0, 1.1)
MOMENTS = ("at initialisation", "after training")


def plot(
    targets: Cells = None,
    gates: Annotated[bool, typer.Option("--gates", help="A cell's gates over time, before and after training.")] = False,
    toy: Annotated[bool, typer.Option("--toy", help="The powers of the weight of a scalar RNN; takes no target.")] = False,
    output: File = None,
    steps: Annotated[int, typer.Option(min=2, help="How far back.")] = 64,
    hidden: Annotated[int, typer.Option(min=1, help="Every size but the input's.")] = 32,
    forget_bias: Annotated[float | None, typer.Option(help="What the biases of gates that keep a state begin at.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of training, with --gates.")] = 10,
    seed: Seed = 0,
):
    """The gradient's norm against its distance from the loss, for one cell or several in one picture; or gates over time; or w^k.

    Norms are measured at random parameters and inputs (of 8 units). The product of the carousel is drawn beside them.
    Gates are those of a cell that reads a handwritten digit pixel by pixel. With -o, the picture replaces a file of that name.
    Without, it is named after what it shows, and replaces pictures by symcell only.

    Examples:

    - `symcell plot lstm`
    - `symcell plot lstm gru rnn --forget-bias 2 -o flow.png`
    - `symcell plot examples/new_variant.py:variant -o variant.png --steps 100`
    - `symcell plot lstm --gates --epochs 20 -o gates.png`
    - `symcell plot --toy --forget-bias 3 -o toy.png`
    """
    needs("matplotlib")
    chosen = loaded(targets)
    if toy:
        _demand(not (chosen or gates), "--toy takes no target and no --gates: its cell is scalar_rnn")
        path = _place(output, "toy")
        print(draw_toy(path, steps, forget_bias))
    elif gates:
        _demand(len(chosen) == 1, f"--gates takes one target, found {len(chosen)}")
        needs("sklearn")
        path = _place(output, f"{chosen[0].name}_gates")
        print(draw_gates_of(chosen[0], path, hidden, forget_bias, epochs, seed))
    else:
        _demand(chosen, "plot takes a target, such as lstm, or --toy")
        path = _place(output, "_".join(cell.name for cell in chosen))
        print(draw_flow(chosen, path, steps, hidden, forget_bias, seed))


def _demand(condition, words):
    if not condition:
        raise CellError(words)


def _place(output, name):
    """The picture's path; one that the user did not name must not replace another's."""
    from symcell.commands.places import check_default_picture
    from symcell.documents.plots import picture_path

    path = picture_path(output or f"{name}.png")
    if output is None:
        check_default_picture(path)
    return path


def draw_flow(chosen, path, steps=64, hidden=32, forget_bias=None, seed=0):
    """Draw the gradient norms of cells; of one cell all its states, of several the freest state of each."""
    from symcell.commands.targets import distinct
    from symcell.documents.gradient_norms import measure_at_random, sizes_at_random
    from symcell.documents.plots import draw_norms

    chosen = distinct(chosen)
    hooks = {cell.name: _hook(cell, forget_bias) for cell in chosen}
    _demand(forget_bias is None or any(hooks.values()),
            f"{', '.join(hooks)}: no gate with a bias keeps a state, so that --forget-bias changes nothing")  # fmt: skip
    curves = [measure_at_random(cell, steps, hidden, seed, init=hooks[cell.name]) for cell in chosen]
    shown = curves[0] if len(chosen) == 1 else [one[0] for one in curves if one]
    _demand(shown, f"{', '.join(hooks)}: no step reads a state of the step before, so that no error goes back")
    unbroken = "{}\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{}".format
    sizes = dict(pair for cell in chosen for pair in sizes_at_random(cell, hidden).items())
    notes = [f"seed {seed}", ", ".join(unbroken(name, n) for name, n in sizes.items())]
    if forget_bias is not None:
        notes.append(f"{unbroken('forget bias', f'{forget_bias:g}')} of {', '.join(name for name in hooks if hooks[name])}")
    title = f"{', '.join(hooks)}: random parameters, inputs and cotangents ({'; '.join(filter(None, notes))})"
    return draw_norms({"": shown}, path, title)


def _hook(cell, forget_bias):
    """What sets the biases of the cell's gates that keep a state; None if it is not asked for, or there are none."""
    from symcell.train import forget_bias as hook
    from symcell.train import forget_biases

    return hook(cell, forget_bias) if forget_bias is not None and forget_biases(cell) else None


def draw_gates_of(cell, path, hidden=32, forget_bias=None, epochs=10, seed=0):
    """Draw a cell's gates while it reads one digit of the test set, pixel by pixel, before and after training."""
    from symcell.commands.demo import refuse_unfit
    from symcell.documents.gates import gates_of
    from symcell.documents.plots import draw_gates
    from symcell.train import Classifier, digits, train

    refuse_unfit([cell])
    task, gates = digits("pixels", seed), gates_of(cell.derive())
    _demand(gates, f"cell {cell.name}: it has no gate, a quantity that its equations keep between 0 and 1")
    model = Classifier(cell.compile("float32"), task, hidden, seed, init=_hook(cell, forget_bias))
    columns = {MOMENTS[0]: _over_time(cell, gates, model, task)}
    train(model, task, epochs, rate=0.005, limit=1.0, seed=seed)
    columns[MOMENTS[1]] = _over_time(cell, gates, model, task)
    accuracy = model.accuracy(task.test_inputs, task.test_labels)
    bias = "" if forget_bias is None else f", forget bias {forget_bias:g}"
    title = (f"{cell.name} ({hidden} units{bias}) reads a {task.test_labels[0]}; "
             f"after {epochs} epochs it knows {accuracy:.0%} of the test digits")  # fmt: skip
    return draw_gates(columns, path, title)


def _over_time(cell, gates, model, task):
    """What the first test digit makes of the cell's gates."""
    from symcell.documents.gates import gates_over_time

    inputs = {cell.inputs[0].name: task.test_inputs[:, :1]}
    return gates_over_time(cell.derive(), gates, model.kernel, model.cell_params, inputs, task.test_inputs[:, 0, 0])


def draw_toy(path, steps=64, forget_bias=None):
    """Draw the influence that a scalar RNN's state has k steps later, for a few weights; and for a forget gate that its bias
    holds at one value."""
    from symcell.documents.plots import draw_powers

    weights = {f"w = {w:g}": w for w in TOY_WEIGHTS}
    if forget_bias is not None:
        weights |= {f"w = sigmoid({forget_bias:g}), a gate with this bias": _sigmoid(forget_bias)}
    title = "One linear unit with the weight w: measured by its backward pass (marks), and w to the power k (lines)"
    return draw_powers({(label, w): influence(w, steps) for label, w in weights.items()}, path, title)


def influence(w, steps):
    """|d a_t / d a_{t-k}| of the scalar RNN for k = 0, 1 ... steps, by its backward pass."""
    import numpy as np

    from symcell import cells
    from symcell.documents.gradient_norms import adjoints_by_distance

    kernel, one = cells.scalar_rnn.compile("float64"), np.ones(1)
    params = {"v": np.array(1.0), "w": np.array(float(w))}
    adjoints = adjoints_by_distance(kernel, params, {"x": np.ones((steps, 1))}, {"a": one})
    return np.abs(np.concatenate([one, adjoints["a"][:, 0]]))


def _sigmoid(z):
    from math import exp

    return 1 / (1 + exp(-z))
