"""The smallest decent training loop on top of a Kernel: minibatches, cross-entropy, clipping by norm, Adam.

A sequence is classified by a linear softmax readout of the cell's output state after the last step. What one wants other than the
kernel's own initial parameters, an `init` hook says.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from symcell.cell import Cell
from symcell.derivation import roles
from symcell.kernel import Kernel
from symcell.language.declaration import Declaration

Params = dict[str, np.ndarray]  # name -> array


@dataclass(frozen=True)
class Task:
    """Sequences to classify: inputs (T, N, n_x), labels (N,), for training and for testing."""

    name: str
    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray

    @property
    def classes(self) -> int:
        return int(self.train_labels.max()) + 1


def digits(by: str = "rows", seed: int = 0) -> Task:
    """scikit-learn's 1797 handwritten digits of 8 x 8 pixels, a quarter of them for testing.

    Read by "rows" they are 8 steps of 8 inputs, by "pixels" 64 steps of one. Pixels are scaled to [-1, 1]."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    shape = {"rows": (8, 8), "pixels": (64, 1)}[by]
    inputs = (images / 8 - 1).astype("float32").reshape(-1, *shape)
    train_x, test_x, train_y, test_y = train_test_split(inputs, labels, test_size=0.25, random_state=seed, stratify=labels)
    return Task(by, _time_first(train_x), train_y, _time_first(test_x), test_y)


def _time_first(inputs):
    return np.ascontiguousarray(inputs.swapaxes(0, 1))


def forget_bias(cell: Cell, value: float = 1.0) -> Callable[[Params], Params]:
    """An `init` hook: the cell remembers before it has learned. The biases of gates that keep a state, such as f in
    c = f * c_prev + i * g, begin at `value`; all else is as it was.

    Jozefowicz, Zaremba, Sutskever, An empirical exploration of recurrent network architectures, ICML 2015: 1 for an LSTM."""
    biases = forget_biases(cell)
    return lambda params: params | {name: np.full_like(params[name], value) for name in biases}


def forget_biases(cell: Cell) -> set[str]:
    """The names of the biases of gates that keep a state."""
    return {*roles.forget_biases(cell.derive())}


class Classifier:
    """A cell and a linear softmax readout of its first output state. `params` holds the cell's parameters and the readout's.

    `hidden` is every size but the input's; `init` maps the kernel's initial parameters to those wanted."""

    def __init__(
        self, kernel: Kernel, task: Task, hidden: int, seed: int = 0, init: Callable[[Params], Params] | None = None
    ) -> None:
        self.kernel = kernel
        self.output = kernel.declaration.outputs[0].name
        params = kernel.init(seed, **sizes_of(kernel.declaration, task.train_inputs.shape[-1], hidden))
        self.params = init(params) if init else params
        self._cell_names = tuple(self.params)
        _, features = self._features(task.train_inputs[:, :1])
        bound = 1 / np.sqrt(features.shape[1])
        weights = np.random.default_rng(seed).uniform(-bound, bound, (task.classes, features.shape[1]))
        self.params |= {"readout.W": weights.astype("float32"), "readout.b": np.zeros(task.classes, "float32")}

    @property
    def cell_params(self) -> Params:
        return {name: self.params[name] for name in self._cell_names}

    def _features(self, inputs):
        """The run, and its last output as (B, n)."""
        run = self.kernel.forward(self.cell_params, inputs)
        return run, run.final[self.output].reshape(inputs.shape[1], -1)

    def _logits(self, features):
        return features @ self.params["readout.W"].T + self.params["readout.b"]

    def loss_and_grads(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, Params]:
        """The mean cross-entropy of a minibatch, and its gradient by the generated backward pass, name -> array."""
        run, features = self._features(inputs)
        loss, dlogits = cross_entropy(self._logits(features), labels)
        grads = self.kernel.backward(run, final=self._final(run, dlogits))
        return loss, grads.params | {"readout.W": dlogits.T @ features, "readout.b": dlogits.sum(axis=0)}

    def final_cotangent(self, inputs: np.ndarray, labels: np.ndarray) -> Params:
        """The derivative of the mean cross-entropy with respect to the output state after the last step: state -> array."""
        run, features = self._features(inputs)
        return self._final(run, cross_entropy(self._logits(features), labels)[1])

    def _final(self, run, dlogits):
        return {self.output: (dlogits @ self.params["readout.W"]).reshape(run.final[self.output].shape)}

    def accuracy(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        _, features = self._features(inputs)
        return float((self._logits(features).argmax(axis=1) == labels).mean())


def sizes_of(cell: Cell | Declaration, n_x: int, hidden: int) -> dict[str, int]:
    """Every size of a cell by its symbol: its input's is `n_x`, also where states share it, and all others are `hidden`."""
    of_inputs = {n.name for x in cell.inputs for n in cell.shape(x) if n.is_Symbol}
    return {name: n_x if name in of_inputs else hidden for name in cell.sizes}


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy of softmax(logits), (B, classes), and its derivative with respect to the logits."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), dlogits / len(labels)


def clip_by_norm(grads: Params, limit: float) -> tuple[Params, float]:
    """Gradients scaled down together so that their joint norm is at most `limit`; and the norm that they had.

    Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks, ICML 2013. The direction stays."""
    norm = math.sqrt(sum(np.square(g, dtype=float).sum() for g in grads.values()))
    if norm <= limit:
        return grads, norm
    return {name: g * g.dtype.type(limit / norm) for name, g in grads.items()}, norm


class Adam:
    """Adam: Kingma, Ba, arXiv:1412.6980."""

    def __init__(self, rate: float = 0.003, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.steps = 0
        self.first: Params = {}
        self.second: Params = {}

    def update(self, params: Params, grads: Params) -> Params:
        """The parameters after one step; those without a gradient stay as they are."""
        self.steps += 1
        return params | {name: (params[name] - self._change(name, g)).astype(g.dtype) for name, g in grads.items()}

    def _change(self, name, g):
        m = self.first[name] = self.beta1 * self.first.get(name, 0) + (1 - self.beta1) * g
        v = self.second[name] = self.beta2 * self.second.get(name, 0) + (1 - self.beta2) * g * g
        m, v = m / (1 - self.beta1 ** self.steps), v / (1 - self.beta2 ** self.steps)
        return self.rate * m / (np.sqrt(v) + self.epsilon)


@dataclass(frozen=True)
class History:
    """The mean loss of each epoch, and the gradient's norm before clipping of each minibatch."""

    losses: list[float]
    norms: list[float]

    def clipped(self, limit: float) -> float:
        """The share of minibatches whose gradient was clipped to `limit`."""
        return float(np.mean(np.array(self.norms) > limit))


def train(
    model: Classifier,
    task: Task,
    epochs: int,
    batch: int = 32,
    rate: float = 0.003,
    limit: float = 1.0,
    seed: int = 0,
    report: Callable[[int, float], object] | None = None,
) -> History:
    """Train a Classifier; `report(epoch, loss)` is called after every epoch. Returns a History.

    Gradients are clipped to the norm `limit`; the rate falls to nothing along half a cosine."""
    random, adam, history = np.random.default_rng(seed), Adam(rate), History([], [])
    with one_blas_thread():
        for epoch in range(epochs):
            adam.rate = rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
            history.losses.append(_epoch(model, task, adam, batch, limit, random, history.norms))
            if report:
                report(epoch + 1, history.losses[-1])
    return history


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which BLAS keeps to one thread, if threadpoolctl is there: products this small only wait for a second one."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, "blas")


def _epoch(model, task, adam, batch, limit, random, norms):
    """One pass over the training sequences in a new order; their mean loss."""
    order, total = random.permutation(len(task.train_labels)), 0.0
    for chosen in (order[k:k + batch] for k in range(0, len(order), batch)):
        loss, grads = model.loss_and_grads(task.train_inputs[:, chosen], task.train_labels[chosen])
        grads, norm = clip_by_norm(grads, limit)
        norms.append(norm)
        model.params = adam.update(model.params, grads)
        total += loss * len(chosen)
    return total / len(order)
