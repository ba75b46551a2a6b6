"""The calls that are interrupted: of every kind, for a team (one sample) and for samples that are shared out, with two threads."""

import numpy as np

_T, _N_X, _N_H = 40, 8, 256


def small_kernel():
    """A kernel whose smallest calls are worth two threads."""
    from symcell import cells
    from symcell.runtime import threads

    for constant in ("_WORTHWHILE", "_WORTH_A_BARRIER", "_WORTH_A_TEAM", "_WORTH_PACKING"):
        setattr(threads, constant, 1)
    return cells.rnn.compile("float32")


def calls_of(kernel):
    """name -> a call, which returns a dict of arrays; for a team (one sample), and for samples that are shared out."""
    params = kernel.init(n_x=_N_X, n_h=_N_H, seed=1)
    frozen = kernel.freeze(params)
    calls = {}
    for B in (1, 64):
        x = np.random.default_rng(B).normal(size=(_T, B, _N_X)).astype("float32")
        lengths = np.arange(B) % _T + 1 if B > 1 else [_T - 3]
        ones = {"a": np.ones((_T, B, _N_H), "float32")}
        run = kernel.forward(params, x, threads=2)
        calls |= {
            f"forward {B}": lambda x=x: kernel.forward(params, x, threads=2).states,
            f"frozen {B}": lambda x=x: kernel.forward(frozen, x, threads=2).states,
            f"backward {B}": lambda run=run, ones=ones: kernel.backward(run, ones).params,
            f"both {B}": lambda x=x, ones=ones: both(kernel, params, x, ones),
            f"ragged {B}": lambda x=x, ones=ones, lengths=lengths: both(kernel, params, x, ones, lengths=lengths),
            f"checkpointed {B}": lambda x=x, ones=ones: both(kernel, params, x, ones, checkpoint=7),
            f"step {B}": lambda x=x: kernel.step(params, x[0]),
            f"stream {B}": streaming(kernel.stream(frozen, batch=B), x),
        }
    return calls


def both(kernel, params, x, ones, **options):
    run = kernel.forward(params, x, threads=2, **options)
    grads = kernel.backward(run, ones)
    return grads.params | grads.inputs | run.final


def streaming(stream, x):
    """A stream that was interrupted goes on; begun again it gives the same."""

    def call():
        for row in x:  # from wherever it was
            stream.step(row)
        stream.reset()
        for row in x:
            state = stream.step(row)
        assert state["a"].base is stream.state["a"].base and np.array_equal(state["a"], stream.state["a"])
        return {name: a.copy() for name, a in state.items()}

    return call
