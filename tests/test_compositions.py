"""Cells that once failed, or that combine what the catalogue does not: values and all gradients, by `check`."""

from functools import cache

import pytest
from support.plain import plain_kernel
from support.representatives import compiled_of
from sympy import ITE, And, Eq, Max, Piecewise, Rational, cos, coth, exp, log, sech, sin, sinc, sqrt, symbols, tanh

from symcell import (
    Cell,
    Constant,
    Input,
    Param,
    State,
    affine,
    chunk,
    column,
    concat,
    cumsum,
    dot,
    flat,
    identity,
    leaky_relu,
    matmul,
    mean,
    outer,
    part,
    relu,
    repeat,
    row,
    sigmoid,
    softmax,
    softplus,
    stop_gradient,
    total,
    variance,
)
from symcell.cells.compositions import layer_norm
from symcell.check import check_kernel
from symcell.compiler import source_of
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


def weights_of_weights():
    """Products with parameters alone, beside products over steps: by affine, and as a part of a concatenation."""
    r = State("r", "n_r")
    return [
        Eq(f, sigmoid(P("W_f") @ concat(P("p", "n_p"), x, r.prev))),
        Eq(r, r.prev * f + (1 - f) * exp(tanh(P("V", ("n_p", "n_r")).T @ P("q", "n_p")))),
        Eq(h, tanh(affine(x, P("k", "n_k"), h.prev)) + P("A") @ r),
    ]


def decays_of_parameters():
    s, decay = State("s", ()), exp(-exp(P("rate", ())))
    return [
        Eq(z, mean(x)),
        Eq(s, decay * s.prev + (1 - decay) * P("goal", ())),
        Eq(u, Piecewise((z / 2, P("a", ()) > P("b", ()) + Rational(1, 7)), (tanh(P("a", ())), True))),
        Eq(h, tanh(h.prev) * s + u),
    ]


def low_rank_beside_shared():
    """A sum over rows that two products want beside different others."""
    M = State("M", ("n_p", "n_q"))
    return [
        Eq(h, P("d") * (P("C", ("n_x", "n_h")).T @ x) - matmul(P("A", ("n_h", 2)) @ P("B", (2, "n_x")), x)),
        Eq(M, outer(P("D", ("n_p", "n_h")) @ h, P("E", ("n_q", "n_x")) @ x)),
    ]


def a_scalar_fills_a_matrix():
    S, w = State("S", ("n_h", "n_k")), State("w")
    return [Eq(S, tanh(dot(x, x))), Eq(w, tanh(mean(x))), Eq(h, tanh(h.prev) + total(S * S.prev, 1) + w)]


def folded_conditions():
    kinked = Piecewise((x, And(h.prev > 0, x < 1)), (h.prev, True))
    return [Eq(h, leaky_relu(kinked) / 2 + sinc(kinked) + Piecewise((x, ITE(x > 0, x < 1, x > -2)), (h.prev, True)))]


def scans_among_steps():
    """A scan that frees a product, a scan behind the step, a delay, and an elementwise loop that is not linear."""
    slow, late, past, bent = State("slow"), State("late"), State("past", "n_x"), State("bent")
    return [
        Eq(slow, sigmoid(affine(past.prev)) * slow.prev + affine(x, name="v")),
        Eq(c, tanh(affine(slow, c.prev))),
        Eq(late, sigmoid(affine(c)) * late.prev + c * slow.prev),
        Eq(past, x),
        Eq(bent, relu(bent.prev * P("u") + late)),
        Eq(h, bent + late.prev),
    ]


def a_state_that_owes_nothing():
    """Its last value is read, but nothing that has a gradient makes it."""
    M = State("M", ("n_p", "n_p"))
    return [
        Eq(f, sigmoid(outer(P("A") @ h.prev, P("B", ("n_p", "n_h")) @ h.prev) * column(P("p", "n_p")))),
        Eq(M, M.prev * f + f * (1 - f) * Input("t", ())),
        Eq(h, tanh(Constant("k", "n_h"))),
    ]


def sums_of_what_was_laid_out_anew():
    """Adjoints that are the same along an axis, passed on through a transposition, a product of matrices, a vector of a matrix."""
    return [
        Eq(f, mean(P("A", ("n_k", "n_h")).T, 1) + total(outer(x, x) @ P("W", ("n_x", "n_h")), 0)),
        Eq(h, tanh(h.prev * f) + mean(outer(h.prev, x) @ P("B", ("n_x", "n_k")), 1) + total(flat(outer(x, h.prev)))),
    ]


def matrix_scans():
    """A matrix that forgets along its rows, and one that is corrected towards what it should recall (the delta rule)."""
    S, M = State("S", ("n_k", "n_v")), State("M", ("n_v", "n_k"))
    return [
        Eq(k, softmax(affine(x))),
        Eq(v, affine(x)),
        Eq(S, column(sigmoid(affine(x, name="a"))) * S.prev + outer(k, v)),
        Eq(M, M.prev + sigmoid(dot(P("w"), x)) * outer(v - M.prev @ k, k)),
        Eq(h, P("A") @ (S.T @ k + M @ k)),
    ]


def complex_pair():
    re, im = State("re"), State("im")
    turn, decay = P("theta"), exp(-exp(P("nu")))
    return [
        Eq(re, decay * (cos(turn) * re.prev - sin(turn) * im.prev) + affine(x, name="r")),
        Eq(im, decay * (sin(turn) * re.prev + cos(turn) * im.prev) + affine(x, name="i")),
        Eq(h, P("C") @ re - P("D") @ im),
    ]


def pieces():
    """Runs of vectors, a matrix laid out as a vector, numbers and signs before products."""
    M = State("M", (3, "n_h"))
    return [
        Eq(v, 2 * (P("W", (4 * size("n_h"), "n_x")) @ x) - layer_norm(P("U") @ h.prev)),
        Eq(z, -softplus(-(P("G_2") @ (P("G_1", ("n_r", "n_x")) @ x)) - P("b_g"))),
        Eq(M, M.prev / 2 + outer(P("t", 3), chunk(v, 1, 4))),
        Eq(h, tanh(chunk(v, 3, 4) * z + P("F") @ flat(M) + part(v, 1, "n_h"))),
    ]


BUILDERS = (
    slstm, memory, broadcasts, rank_three, projected, normed, timed, two_on_one, chained_products, skew, delay_line, bare_products, states_without_recurrence,
    sum_of_parameters, rewritten_functions, awkward_names, weights_of_weights, decays_of_parameters, low_rank_beside_shared,
    a_scalar_fills_a_matrix, folded_conditions, scans_among_steps, a_state_that_owes_nothing, sums_of_what_was_laid_out_anew, matrix_scans, complex_pair, pieces,
)  # fmt: skip


@cache
def compositions():
    """Each cell, and the text of its module."""
    made = {build.__name__: Cell(build.__name__, build()) for build in BUILDERS}
    return made, {name: source_of(cell.declaration) for name, cell in made.items()}


@pytest.mark.parametrize("name", [build.__name__ for build in BUILDERS])
def test_values_and_gradients(name):
    made, sources = compositions()
    compiled = name in compiled_of(sources)
    kernel = made[name].compile("float64") if compiled else plain_kernel(made[name], source=sources[name])
    check_kernel(kernel, cases=1).raise_if_failed()
