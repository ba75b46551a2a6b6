"""Complex values: what a declaration makes of them, against NumPy's complex arithmetic, and what is refused."""

import pickle

import numpy as np
import pytest
from sympy import Abs, Eq, I, Max, Piecewise, Rational, conjugate, exp, im, re, sqrt, symbols

from symcell import (
    Cell,
    CellError,
    Input,
    Param,
    State,
    affine,
    column,
    concat,
    outer,
    relu,
    size,
    softmax,
    stop_gradient,
    total,
    window,
)
from symcell.interpret import run

x, y = Input("x"), State("y")
h, B, C = State("h", dtype=complex), Param("B", dtype=complex), Param("C", dtype=complex)
u, v = symbols("u v")
T, N_BATCH = 5, 2
SIZES = {"n_x": 3, "n_h": 4, "n_k": 2}
SIZES_BY_SYMBOL = {size(n): length for n, length in SIZES.items()}
RNG = np.random.default_rng(11)


def complex_run(cell, initial):
    """(parameters, inputs, states): random arrays; whatever has a real and an imaginary part as one complex array."""
    shapes = {q.name: tuple(int(n.subs(SIZES_BY_SYMBOL)) for n in cell.shape(q)) for q in (*cell.params, *cell.states)}
    params = {q.name: RNG.normal(size=shapes[q.name]) for q in cell.params}
    inputs = {"x": RNG.normal(size=(T, N_BATCH, SIZES["n_x"]))}
    first = {s.name: RNG.normal(size=(N_BATCH, *shapes[s.name])) for s in cell.states if initial}
    states = run(cell.declaration, params, inputs, first)
    return joined(params), inputs["x"], joined(states), joined(first)


def joined(arrays):
    whole = {name[:-3]: a + 1j * arrays[f"{name[:-3]}_im"] for name, a in arrays.items() if name.endswith("_re")}
    return whole | {name: a for name, a in arrays.items() if name[-3:] not in ("_re", "_im")}


def steps(step, xs, first):
    """The states of each step, name -> (T, B, n)."""
    found, old = [], first
    for now in xs:
        old = [step(now[b], {name: a[b] for name, a in old.items()}) for b in range(N_BATCH)]
        old = {name: np.stack([new[name] for new in old]) for name in old[0]}
        found.append(old)
    return {name: np.stack([new[name] for new in found]) for name in found[0]}


def test_a_diagonal_recurrence_reads_as_in_complex_numbers():
    nu, theta = Param("nu"), Param("theta")
    cell = Cell("c", [Eq(h, exp(-exp(nu) + I * theta) * h.prev + (B @ x) / (1 + I * nu)), Eq(y, re(C @ h) + im(h))])
    p, xs, found, first = complex_run(cell, initial=True)

    def step(now, old):
        new = np.exp(-np.exp(p["nu"]) + 1j * p["theta"]) * old["h"] + (p["B"] @ now) / (1 + 1j * p["nu"])
        return {"h": new, "y": (p["C"] @ new).real + new.imag}

    expected = steps(step, xs, first)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12)
    assert [s.name for s in cell.outputs] == ["h_re", "h_im"]


def test_powers_cases_and_sums_over_units():
    S = State("S", ("n_h", "n_k"), dtype=complex)
    cell = Cell("c", [
        Eq(u, (Param("A", ("n_h", "n_x")) @ x - I) ** 2 / (2 + I * Param("b")) ** 3),
        Eq(v, Piecewise((conjugate(u), re(u) > 0), (I * u, True))),
        Eq(S, S.prev / 2 + outer(v, Param("k", "n_k", dtype=complex)) * column(stop_gradient(u)) + 2 ** (I * S.prev)),
        Eq(y, Abs(total(S)) + im(u) * Abs(Param("b"))),
    ])  # fmt: skip
    p, xs, found, first = complex_run(cell, initial=True)

    def step(now, old):
        u = (p["A"] @ now - 1j) ** 2 / (2 + 1j * p["b"]) ** 3
        v = np.where(u.real > 0, u.conj(), 1j * u)
        S = old["S"] / 2 + np.outer(v, p["k"]) * u[:, None] + 2 ** (1j * old["S"])
        return {"S": S, "y": abs(S.sum(axis=1)) + u.imag * abs(p["b"])}

    expected = steps(step, xs, first)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10)


def test_blocks_initial_values_and_windows():
    s = State("s", "n_h", initial=1 + 2 * I, dtype=complex)
    cell = Cell("c", [Eq(s, Param("R", blocks=2, dtype=complex) @ window(s, 3)[2] + B @ x)])
    p, xs, found, _ = complex_run(cell, initial=False)
    R = np.zeros((4, 4), complex)
    R[:2, :2], R[2:, 2:] = p["R"]
    history = [np.zeros((N_BATCH, 4)), np.full((N_BATCH, 4), 1 + 2j)]
    for now in xs:
        history.append(history[-2] @ R.T + now @ p["B"].T)
    np.testing.assert_allclose(found["s"], history[2:])
    assert [q.name for q in cell.states] == ["s_re", "s_im", "s_im_2", "s_re_2"]


def test_a_window_of_a_complex_intermediate():
    cell = Cell("c", [Eq(u, exp(I * affine(x))), Eq(y, im(window(u, 2)[1]) + re(u))])
    assert [str(e) for e in cell.equations[1:]] == ["u_re = cos(z_u)", "u_im = sin(z_u)", "y = u_im_1_prev + u_re", "u_im_1 = u_im"]


def test_both_parts_read_one_affine():
    cell = Cell("c", [Eq(h, (affine(x) + I * affine(x, name="q", bias=False)) * exp(I * h.prev))])
    assert [q.name for q in cell.params] == ["W_h", "b_h", "W_q"]
    assert [str(e.target) for e in cell.equations] == ["z_h", "z_q", "h_re", "h_im"]


def test_complex_quantities_are_values():
    for q in (h, h.prev, B, State("h", "n_h", 1, dtype=complex), Param("R", blocks="n", dtype=complex), window(h, 3)[2]):
        again = pickle.loads(pickle.dumps(q))
        assert again == q and again.complex and hash(again) == hash(q)
    assert h != State("h") and Param("B") != B and h.part("im") == State("h_im")


A_COMPLEX = "re(...), im(...) and Abs(...) of it are real"


@pytest.mark.parametrize(("equations", "words"), [
    ([Eq(y, I * x)], ("equation 1 (y = ...)", "the state y is real", "State('y', dtype=complex)", "re(...)")),
    ([Eq(h, relu(h.prev) + x)], ("relu takes real values", "the complex h.prev", A_COMPLEX)),
    ([Eq(h, Max(h.prev, x))], ("Max takes real values", A_COMPLEX)),
    ([Eq(h, softmax(h.prev) + x)], ("softmax takes real values",)),
    ([Eq(y, Piecewise((x, h.prev > 0), (0, True))), Eq(h, h.prev)], ("a comparison takes real values", "h.prev > 0")),
    ([Eq(h, sqrt(h.prev) + x)], ("whole powers only", "sqrt(h.prev)")),
    ([Eq(h, h.prev ** Rational(3, 2) + x)], ("whole powers only",)),
    ([Eq(h, affine(x, h.prev))], ("affine takes real values", "the complex h.prev", "Param('U', dtype=complex) @ u")),
    ([Eq(h, h.prev + x), Eq(u, v + h), Eq(v, I * h)], ("equation 2", "v is used before its definition")),
    ([Eq(h, h.prev + x + Param("h_re"))], ("'h_re' stands for two things", "the complex h")),
    ([Eq(h, concat(h.prev, x))], ("concat takes real values",)),
], ids=str)  # fmt: skip
def test_what_is_refused(equations, words):
    with pytest.raises(CellError) as error:
        Cell("c", equations)
    assert all(word in str(error.value) for word in words), error.value


def test_a_dtype_is_float_or_complex():
    with pytest.raises(CellError, match="dtype of the state s is float or complex"):
        State("s", dtype="float32")


def test_the_parts_of_a_complex_input_have_one_size():
    z = Input("z", dtype=complex)
    alone = Cell("c", [Eq(h, h.prev + B @ z)])
    assert alone.sizes == ("n_h", "n_x") and [q.name for q in alone.inputs] == ["z_im", "z_re"]
    assert Cell("c", [Eq(h, h.prev + B @ z + C @ x)]).shape("z_im") == (size("n_z"),)
