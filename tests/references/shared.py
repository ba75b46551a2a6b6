"""The few operations that every hand-derived pass uses.

Notation, in all files of this package: h_ is the previous step's h; z_k is the pre-activation of gate k, so
that k = sigma(z_k); dk is the adjoint dL/dk, and dz_k the adjoint dL/dz_k. Equations are those of one sample,
a column; in code the samples are rows, so W x is written x @ W.T, and W^T dz is written dz @ W.
"""

import numpy as np

Arrays = dict[str, np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z), in the form whose exponential is at most 1: exact in both tails, never an overflow."""
    positive = z.real > 0
    small = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1, small) / (1 + small)


def d_sigmoid(s: np.ndarray) -> np.ndarray:
    """sigma'(z), from s = sigma(z)."""
    return s * (1 - s)


def d_tanh(y: np.ndarray) -> np.ndarray:
    """tanh'(z), from y = tanh(z)."""
    return 1 - y * y


def softmax(z: np.ndarray) -> np.ndarray:
    """e^z / sum(e^z) over the last axis; the shift by the largest entry cancels and prevents an overflow."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def affine(params: Arrays, gate: str, x: np.ndarray, h_: np.ndarray) -> np.ndarray:
    """z = W x + U h_ + b of one gate."""
    return x @ params[f"W_{gate}"].T + h_ @ params[f"U_{gate}"].T + params[f"b_{gate}"]


def affine_gradients(gate: str, dz: np.ndarray, x: np.ndarray, h_: np.ndarray) -> Arrays:
    """The adjoints of W, U and b in z = W x + U h_ + b, from whole sequences (T, B, n)."""
    return {f"W_{gate}": outer_sum(dz, x), f"U_{gate}": outer_sum(dz, h_), f"b_{gate}": total(dz)}


def outer_sum(dz: np.ndarray, x: np.ndarray) -> np.ndarray:
    """sum over t and samples of dz_t x_t^T: the adjoint of W in z_t = W x_t, the same W at every step."""
    return np.einsum("tbi,tbj->ij", dz, x)


def total(dz: np.ndarray) -> np.ndarray:
    """sum over t and samples of dz_t: the adjoint of b in z_t = b."""
    return dz.sum(axis=(0, 1))


def sequences(count: int, length: int, like: np.ndarray) -> list[np.ndarray]:
    """Arrays (T, B, n) to be filled step by step, for quantities of the shape and dtype of a state (B, n)."""
    return [np.empty((length, *like.shape), like.dtype) for _ in range(count)]


def previous(initial: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    """h_0 .. h_(T-1): the sequence that the steps 1 .. T read, from h_0 and h_1 .. h_T."""
    return np.concatenate([initial[None], sequence])[: len(sequence)]


def split_columns(params: Arrays) -> Arrays:
    """Every joint W as its two blocks, W [h_; x] = U h_ + W x, where h_ has as many entries as z has."""
    split = dict(params)
    for name, joint in params.items():
        if name.startswith("W_"):
            n = len(joint)
            split[f"U_{name[2:]}"], split[name] = joint[:, :n], joint[:, n:]
    return split


def join_columns(dparams: Arrays) -> Arrays:
    """The adjoint of every joint W from those of its blocks: the inverse of split_columns."""
    joined = {name: d for name, d in dparams.items() if not name.startswith("U_")}
    for name in joined:
        if name.startswith("W_"):
            joined[name] = np.concatenate([dparams[f"U_{name[2:]}"], dparams[name]], axis=1)
    return joined
