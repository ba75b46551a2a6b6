"""Published cells that the catalogue does not have: the language is general enough if they need no change to symcell."""

import pytest
from sympy import Abs, Eq, Max, exp, sqrt, symbols, tanh

from symcell import Cell, Input, Param, State, affine, dot, log_sigmoid, outer, sigmoid, size, softmax
from symcell.check import check

P = Param
x, h, c = Input("x"), State("h"), State("c")
a, b, f, g, i, k, o, q, r, t1, t2, u, v, w, z = symbols("a b f g i k o q r t1 t2 u v w z")


def mlstm():
    """Beck et al., arXiv:2405.04517: a matrix memory with exponential gates."""
    C, n, m, out = State("C", ("n_d", "n_d")), State("n", "n_d"), State("m", ()), State("h", "n_d")
    return [
        Eq(q, affine(x)),
        Eq(k, affine(x) / sqrt(size("n_d"))),
        Eq(v, affine(x)),
        Eq(i, dot(P("w_i"), x) + P("b_i", ())),
        Eq(f, log_sigmoid(dot(P("w_f"), x) + P("b_f", ()))),
        Eq(o, sigmoid(affine(x))),
        Eq(m, Max(f + m.prev, i)),
        Eq(a, exp(i - m)),
        Eq(b, exp(f + m.prev - m)),
        Eq(C, b * C.prev + a * outer(v, k)),
        Eq(n, b * n.prev + a * k),
        Eq(out, o * (C @ q) / Max(Abs(dot(n, q)), 1)),
    ]


def lem():
    """Rusch et al., arXiv:2110.04744: two states, each with a time step of its own."""
    y, slow = State("y"), State("z")
    return [
        Eq(t1, P("dt", ()) * sigmoid(affine(x, y.prev))),
        Eq(t2, P("dt", ()) * sigmoid(affine(x, y.prev))),
        Eq(slow, (1 - t1) * slow.prev + t1 * tanh(affine(x, y.prev))),
        Eq(y, (1 - t2) * y.prev + t2 * tanh(affine(x, slow))),
    ]


def deltanet():
    """Schlag, Irie, Schmidhuber, arXiv:2102.11174: fast weights that are corrected, not only added to."""
    S = State("S", ("n_v", "n_k"))
    return [
        Eq(q, P("W_q") @ x),
        Eq(u, P("W_k") @ x),
        Eq(k, u / sqrt(dot(u, u) + 1)),
        Eq(v, P("W_v") @ x),
        Eq(b, sigmoid(dot(P("w_b"), x))),
        Eq(S, S.prev + b * outer(v - S.prev @ k, k)),
        Eq(State("y", "n_v"), S @ q),
    ]


def mogrifier():
    """Melis, Kocisky, Blunsom, arXiv:1909.01792: x and h gate each other before an LSTM's step."""
    x1, h1, x2 = symbols("x1 h1 x2")
    return [
        Eq(x1, 2 * sigmoid(P("Q1") @ h.prev) * x),
        Eq(h1, 2 * sigmoid(P("R1") @ x1) * h.prev),
        Eq(x2, 2 * sigmoid(P("Q2") @ h1) * x1),
        Eq(i, sigmoid(affine(x2, h1))),
        Eq(f, sigmoid(affine(x2, h1))),
        Eq(g, tanh(affine(x2, h1))),
        Eq(o, sigmoid(affine(x2, h1))),
        Eq(c, f * c.prev + i * g),
        Eq(h, o * tanh(c)),
    ]


def memory_machine():
    """After Graves, Wayne, Danihelka, arXiv:1410.5401: a memory read and written by content, its rows n_s slots."""
    M = State("M", ("n_s", "n_k"))
    return [
        Eq(k, affine(x, h.prev)),
        Eq(w, softmax(M.prev @ k)),
        Eq(r, M.prev.T @ w),
        Eq(u, sigmoid(affine(x, r))),
        Eq(M, M.prev * (1 - outer(w, u)) + outer(w, tanh(affine(h.prev)))),
        Eq(h, tanh(affine(x, r))),
    ]


@pytest.mark.parametrize("build", [mlstm, lem, deltanet, mogrifier, memory_machine], ids=lambda build: build.__name__)
def test_values_and_gradients(build):
    check(Cell(build.__name__, build()), cases=1).raise_if_failed()


def test_what_is_a_scan_among_them():
    scans = {build.__name__: [s.name for s in Cell(build.__name__, build()).structure.scans] for build in (mlstm, deltanet)}
    assert scans == {"mlstm": ["C", "n"], "deltanet": ["S"]}
