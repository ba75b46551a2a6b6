"""Which part of an LSTM matters? Every variant of it in the catalogue, and one more, read handwritten digits row by row.

    python examples/ablation.py            prints a table, and draws ablation.png

After Greff et al., LSTM: a search space odyssey, arXiv:1503.04069, on a small scale: 16 units, 20 epochs, 3 seeds. It takes some
20 seconds, and as long again the first time, to compile ten cells.
"""

import sys

from matplotlib.figure import Figure

from symcell import cells, difference
from symcell.train import Classifier, digits, forget_bias, train

LSTM = cells.peephole_lstm
ABLATIONS = [cell for cell in map(cells.get, cells.names()) if f"variant of {LSTM.name}" in cell.reference]
VARIANTS = [LSTM, *ABLATIONS, LSTM.variant("no_gates_lstm", {"i": 1, "f": 1, "o": 1})]


def error_of(cell, task, seed, epochs):
    """The percentage of test digits that the trained cell reads wrongly."""
    model = Classifier(cell.compile("float32"), task, 16, seed, init=forget_bias(cell))
    train(model, task, epochs, rate=0.005, seed=seed)
    return 100 - 100 * model.accuracy(task.test_inputs, task.test_labels)


def changes(cell):
    """The equations that the variant has in place of the LSTM's."""
    rows = [row for row in difference(LSTM, cell).rows if " = " in row.a + row.b]
    return "; ".join(row.b or f"no {row.a.split()[0]}" for row in rows)


def main(path="ablation.png", seeds=3, epochs=20):
    task = digits("rows")
    errors = {cell: [error_of(cell, task, seed, epochs) for seed in range(seeds)] for cell in VARIANTS}
    figure = Figure(figsize=(8, 1 + 0.35 * len(errors)), layout="constrained", dpi=120)
    axes = figure.subplots()
    for cell, found in sorted(errors.items(), key=lambda pair: -sum(pair[1])):
        mean = sum(found) / seeds
        print(f"{cell.name:<26}{mean:>5.1f} %   {changes(cell):.70}")
        axes.plot(found, seeds * [cell.name], "o", color="#56B4E9")
        axes.plot(mean, cell.name, "|", color="#D55E00", markersize=16, markeredgewidth=2.5)
    axes.axvline(sum(errors[LSTM]) / seeds, color="#777777", linestyle="dashed", linewidth=1, zorder=0)
    axes.set(xlabel=f"test error in %: {seeds} seeds, and their mean; dashed, that of {LSTM.name}", xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
