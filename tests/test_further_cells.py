"""Published cells that the catalogue does not have: the language is general enough if they need no change to symcell."""

import pytest
from sympy import Abs, Eq, Max, exp, sqrt, symbols, tanh

from symcell import Cell, Input, Param, State, affine, dot, log_sigmoid, outer, sigmoid, size, softmax
from symcell.check import check

P = Param
x, h = Input("x"), State("h")
a, b, f, g, i, k, o, q, r, u, v, w, z = symbols("a b f g i k o q r u v w z")


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


def rwkv():
    """Peng et al., arXiv:2305.13048: the time mixing of RWKV-4, with its running maximum."""
    top, above, below, decay, bonus = State("p"), State("A"), State("B"), exp(P("w")), P("u")
    return [
        Eq(k, P("W_k") @ x),
        Eq(v, P("W_v") @ x),
        Eq(r, sigmoid(P("W_r") @ x)),
        Eq(q, Max(top.prev, bonus + k)),
        Eq(a, exp(top.prev - q)),
        Eq(b, exp(bonus + k - q)),
        Eq(h, r * (a * above.prev + b * v) / (a * below.prev + b)),
        Eq(top, Max(top.prev - decay, k)),
        Eq(above, exp(top.prev - decay - top) * above.prev + exp(k - top) * v),
        Eq(below, exp(top.prev - decay - top) * below.prev + exp(k - top)),
    ]


def nbrc():
    """Vecoven et al., arXiv:2006.05252: neuromodulated bistable units."""
    return [
        Eq(a, 1 + tanh(affine(x, h.prev))),
        Eq(z, sigmoid(affine(x, h.prev))),
        Eq(h, z * h.prev + (1 - z) * tanh(P("U") @ x + a * h.prev)),
    ]


def cfc():
    """Hasani et al., arXiv:2106.13898: the closed form of a liquid network, the time between steps an input."""
    return [
        Eq(u, tanh(affine(x, h.prev))),
        Eq(f, affine(u)),
        Eq(g, tanh(affine(u))),
        Eq(o, tanh(affine(u))),
        Eq(a, sigmoid(P("b") - f * Input("dt", ()))),
        Eq(h, a * g + (1 - a) * o),
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


@pytest.mark.parametrize("build", [mlstm, rwkv, nbrc, cfc, deltanet, memory_machine], ids=lambda build: build.__name__)
def test_values_and_gradients(build):
    check(Cell(build.__name__, build()), cases=1).raise_if_failed()


def test_what_is_a_scan_among_them():
    scans = {build.__name__: [s.name for s in Cell(build.__name__, build()).structure.scans] for build in (mlstm, rwkv, deltanet)}
    assert scans == {"mlstm": ["C", "n"], "rwkv": ["A", "B"], "deltanet": ["S"]}
