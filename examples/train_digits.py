"""Train a cell with its generated kernels and gradient clipping on scikit-learn's handwritten digits, read row by row.

    python examples/train_digits.py            the LSTM
    python examples/train_digits.py gru examples/new_variant.py:variant

The loop itself is symcell/train.py, a page of NumPy: yours to copy.
"""

import sys

from symcell.commands.targets import load_target
from symcell.train import Classifier, digits, forget_bias, train


def accuracy_of(cell, epochs=40, hidden=64, seed=0):
    """The share of test digits that the trained cell reads correctly."""
    task = digits("rows", seed)
    model = Classifier(cell.compile("float32"), task, hidden, seed, init=forget_bias(cell))

    def report(epoch, loss):
        if epoch % 10 == 0:
            print(f"{cell.name}: epoch {epoch}, loss {loss:.4f}")

    train(model, task, epochs, rate=0.005, limit=1.0, seed=seed, report=report)
    return model.accuracy(task.test_inputs, task.test_labels)


def main(targets):
    for target in targets or ["lstm"]:
        cell = load_target(target)
        print(f"{cell.name}: {accuracy_of(cell):.1%} of the test digits")


if __name__ == "__main__":
    main(sys.argv[1:])
