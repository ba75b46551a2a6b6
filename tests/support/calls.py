"""Calls of a kernel with random arrays, and all that they give."""

import numpy as np

from symcell.trials import random_sizes

# Cells of many kinds: products, readouts, normalisation, heads, matrix states, sub-steps, scans.
VARIED = ("lstm", "gru", "rnn_readout", "layer_norm_lstm", "slstm", "gla", "ctrnn", "qrnn")


def problem(kernel, T, B, scale=1):
    random = np.random.default_rng(7)
    sizes = {name: n * (scale if name != "n_heads" else 1) for name, n in random_sizes(kernel.cell, random).items()}
    shapes = kernel.interface.shapes(**sizes)
    params = kernel.init(seed=1, **sizes)
    inputs = {q.name: random.normal(size=(T, B, *shapes[q.name])) for q in kernel.cell.inputs}
    initial = {s.name: random.normal(size=(B, *shapes[s.name])) for s in kernel.cell.states}
    if "n" in initial:
        initial["n"] = abs(initial["n"]) + 1  # the sLSTM divides by it
    return params, inputs, initial


def outcome(kernel, params, inputs, initial, **options):
    """All that a call makes: (kind, name) -> array."""
    run = kernel.forward(params, inputs, initial, **options)
    found = {("states", name): a for name, a in run.states.items()} | {("final", name): a for name, a in run.final.items()}
    random = np.random.default_rng(8)
    cotangents = {name: random.normal(size=a.shape) for name, a in run.states.items()}
    final = {name: random.normal(size=a.shape) for name, a in run.final.items()}
    grads = kernel.backward(run, cotangents, final)
    for kind in ("params", "inputs", "initial"):
        found |= {(kind, name): a for name, a in getattr(grads, kind).items()}
    return found


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, a in expected.items():
        np.testing.assert_allclose(found[key], a, rtol=1e-10, atol=1e-11, err_msg=str(key))
