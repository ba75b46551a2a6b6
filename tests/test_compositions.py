"""Cells that once failed, or that combine what the catalogue does not: values and all gradients, by `check`."""

import pytest
from sympy import Eq, Max, Rational, coth, exp, log, sech, sin, sinc, sqrt, symbols, tanh

from symcell import (
    Cell,
    Constant,
    Input,
    Param,
    State,
    affine,
    column,
    concat,
    cumsum,
    dot,
    identity,
    matmul,
    mean,
    outer,
    repeat,
    row,
    sigmoid,
    softmax,
    softplus,
    stop_gradient,
    total,
    variance,
)
from symcell.check import check
from symcell.language.sizes import size

x, h, c = Input("x"), State("h"), State("c")
a, b, f, g, i, k, m, n, o, q, s, u, v, y, z = symbols("a b f g i k m n o q s u v y z")
P = Param


def slstm():
    top, norm = State("m"), State("n", initial=1)
    return [
        Eq(i, affine(x, h.prev)),
        Eq(f, log(sigmoid(affine(x, h.prev)))),
        Eq(z, tanh(affine(x, h.prev))),
        Eq(o, sigmoid(affine(x, h.prev))),
        Eq(top, Max(f + top.prev, i)),
        Eq(a, exp(i - top)),
        Eq(b, exp(f + top.prev - top)),
        Eq(c, b * c.prev + a * z),
        Eq(norm, b * norm.prev + a),
        Eq(h, o * c / (1 + norm**2)),
    ]


def memory():
    S = State("S", ("n_h", "n_k"))
    return [
        Eq(k, affine(x, name="k")),
        Eq(v, affine(h.prev)),
        Eq(S, column(sigmoid(affine(x, h.prev, name="al"))) * S.prev * P("d", ()) + outer(v, k)),
        Eq(y, matmul(S.T, h.prev)),
        Eq(h, tanh(S @ Input("q", "n_k") + affine(x, y))),
    ]


def broadcasts():
    S = State("S", ("n_h", "n_k"))
    return [
        Eq(S, column(h.prev) * row(Input("q", "n_k")) + softmax(S.prev, 0)),
        Eq(h, tanh(mean(S, 1) + affine(x)) + total(column(h.prev) * S, 1) / 10),
    ]


def rank_three():
    S = State("S", ("n_h", "n_k"))
    return [Eq(S, matmul(P("T", ("n_h", "n_k", "n_x")), x) + S.prev / 2), Eq(h, tanh(total(S)) + h.prev / 2)]


def projected():
    r = State("r", "n_r")
    return [
        Eq(i, sigmoid(affine(x, r.prev))),
        Eq(g, tanh(affine(x, r.prev))),
        Eq(c, (1 - i) * c.prev + i * g),
        Eq(r, P("P") @ (i * tanh(c))),
    ]


def normed():
    return [
        Eq(z, affine(x, h.prev)),
        Eq(n, (z - mean(z)) / sqrt(variance(z) + Rational(1, 100))),
        Eq(m, cumsum(softmax(affine(x, h.prev)))),
        Eq(f, repeat(m, 2)),
        Eq(c, f * c.prev + (1 - f) * tanh(affine(x))),
        Eq(h, tanh(P("g") * n + P("b")) + c),
    ]


def timed():
    t, dt = Input("t", ()), Input("dt", ())
    return [
        Eq(k, t * P("tau")),
        Eq(s, dot(P("e"), x)),
        Eq(g, tanh(affine(x, stop_gradient(h.prev), t))),
        Eq(h, h.prev * exp(-softplus(P("rate")) * dt**2) + s * g * sin(k)),
    ]


def two_on_one():
    p = State("p", "n_p")
    return [Eq(p, tanh(P("A") @ p.prev + P("C") @ p.prev + P("A3") @ (P("A2").T @ p.prev) + P("W") @ x))]


def chained_products():
    return [
        Eq(z, P("A") @ h.prev - P("A1") @ h.prev),
        Eq(y, P("A2") @ h.prev + P("A3") @ z),
        Eq(k, P("A4") @ y + P("A5") @ z + P("P3") @ (P("P2") @ x)),
        Eq(h, tanh(k + affine(x, Input("w")) / sqrt(size("n_x"))) * y),
    ]


def skew():
    start = State("h", initial=P("h0"))
    A = P("M") - P("M").T - P("gamma", ()) * identity("n_h")
    return [Eq(start, start.prev + tanh(matmul(A, start.prev) + affine(x)) / 10)]


def delay_line():
    past = State("past", "n_x")
    return [Eq(h, c.prev), Eq(c, tanh(affine(x, past.prev)) + P("R", blocks=2) @ h), Eq(past, x)]


def bare_products():
    return [Eq(c, tanh(affine(x, c.prev))), Eq(h, P("V") @ c), Eq(State("u"), P("W") @ x), Eq(State("w"), P("R") @ State("w").prev)]


def states_without_recurrence():
    y, w = Input("y"), State("w", "n_w")
    return [Eq(h, P("A") @ y), Eq(z, P("C") @ h), Eq(w, (P("D") @ z) * (P("E") @ h.prev)), Eq(c, tanh(affine(y)) + h.prev * h)]


def sum_of_parameters():
    return [Eq(h, tanh((P("A") + P("B")) @ h.prev + affine(x)))]


def rewritten_functions():
    return [Eq(h, coth(2 + h.prev**2) + sech(affine(x)) + sinc(h.prev))]


def awkward_names():
    dx, t, T, B, j, real, one = symbols("dx t T B j real one")
    return [
        Eq(dx, x - h.prev),
        Eq(t, tanh(affine(dx))),
        Eq(T, t * Constant("dh", ())),
        Eq(B, T + dx),
        Eq(j, sin(B)),
        Eq(real, j * t),
        Eq(one, 1 - real),
        Eq(h, one * h.prev + tanh(P("W_all") @ concat(h.prev, x, j))),
    ]


BUILDERS = (
    slstm, memory, broadcasts, rank_three, projected, normed, timed, two_on_one, chained_products, skew, delay_line, bare_products, states_without_recurrence,
    sum_of_parameters, rewritten_functions, awkward_names,
)  # fmt: skip


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_values_and_gradients(build):
    check(Cell(build.__name__, build()), cases=1).raise_if_failed()
