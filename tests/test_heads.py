"""Mapped axes: what is written for one head happens for each, in values, gradients, messages and documents."""

import numpy as np
import pytest
from support.agreement import numpy_module
from support.plain import empty_is_nan, plain_kernel
from support.random_heads import SIZES, RandomHeads, random_call, slopes
from sympy import Eq, exp, sqrt, symbols, tanh

from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    cells,
    column,
    dot,
    merge,
    outer,
    reshape,
    size,
    softmax,
    split,
    swap,
    total,
)
from symcell.interpret import run as interpret

x, h, y = Input("x"), State("h"), State("y")
a, k, o, q, v, z = symbols("a k o q v z")
S = State("S", ("n_k", "n_v"), over="n_heads")
RNG = np.random.default_rng(3)


@pytest.mark.parametrize("seed", range(24))
def test_random_cells_agree_with_a_loop_over_heads(seed):
    """Values of both targets, and derivatives along random directions, with axes that are not in alphabetical order."""
    cell = RandomHeads(seed).cell()
    module, sizes = numpy_module(cell), {n: SIZES[n] for n in cell.sizes}
    params, inputs, initial, cotangents = call = random_call(cell, module, seed)
    states, expected = interpret(cell.declaration, params, inputs, initial, sizes), slopes(cell, *call, seed)
    for kernel in (module, plain_kernel(cell)):
        with empty_is_nan(), np.errstate(all="ignore"):
            run = kernel.forward(params, inputs, initial, sizes=sizes)
            gradients = kernel.backward(run, cotangents)
        for name, value in states.items():
            np.testing.assert_allclose(run.states[name], value, rtol=1e-9, atol=1e-11, err_msg=name)
        for (group, name), (direction, slope) in expected.items():
            found = getattr(gradients, group)
            if name in found:
                assert (found[name] * direction).sum() == pytest.approx(slope, rel=1e-8, abs=1e-9), name


ATTENTION = Cell("attention", [
    Eq(q, split(Param("W_q") @ x, "n_heads")),
    Eq(k, split(Param("W_k") @ x, "n_heads")),
    Eq(v, split(Param("W_v") @ x, "n_heads")),
    Eq(S, Param("gamma", (), over="n_heads") * S.prev + outer(k, v)),
    Eq(y, merge(S.T @ q / sqrt(size("n_k")))),
], outputs=y)  # fmt: skip


def by_einsum(p, x, heads):
    """The outputs of ATTENTION, in NumPy."""
    q, k, v = ((x @ p[f"W_{e}"].T).reshape(*x.shape[:2], heads, -1) for e in "qkv")
    memory, outputs = np.zeros((x.shape[1], heads, k.shape[-1], v.shape[-1])), []
    for t in range(len(x)):
        memory = p["gamma"][:, None, None] * memory + np.einsum("bhk,bhv->bhkv", k[t], v[t])
        outputs.append(np.einsum("bhkv,bhk->bhv", memory, q[t]).reshape(x.shape[1], -1) / np.sqrt(k.shape[-1]))
    return np.array(outputs)


def test_one_kernel_has_any_number_of_heads():
    kernel, inputs = ATTENTION.compile("float64"), RNG.normal(size=(6, 3, 5))
    for heads, n_k, n_v in ((1, 12, 6), (2, 6, 3), (3, 4, 2), (4, 2, 5)):
        params = kernel.init(n_x=5, n_heads=heads, n_k=n_k, n_v=n_v, seed=heads)
        run = kernel.forward(params, inputs)
        assert run.states["S"].shape == (6, 3, heads, n_k, n_v)
        np.testing.assert_allclose(run.outputs["y"], by_einsum(params, inputs, heads), rtol=1e-12, atol=1e-14)
        gradients = kernel.backward(run, {"y": np.ones_like(run.outputs["y"])})
        assert {n: g.shape for n, g in gradients.params.items()} == {n: p.shape for n, p in params.items()}


WITHOUT = Cell("without", [Eq(q, split(Param("W_q") @ x, "n_heads")), Eq(k, softmax(q)), Eq(h, merge(k) * h.prev)])


def test_sizes_that_no_array_tells_are_those_of_init_or_given():
    """Softmaxes of six units: one of six, two of three, or three of two."""
    kernel, inputs = numpy_module(WITHOUT), RNG.normal(size=(2, 1, 4))
    compiled = WITHOUT.compile("float64")
    params = {heads: compiled.init(n_x=4, n_heads=heads, n_h=6, seed=1) for heads in (1, 2, 3)}
    first = {"h": np.ones((1, 6))}
    for heads, p in params.items():
        expected = kernel.forward(p, inputs, first, sizes={"n_heads": heads}).states["h"]
        assert not np.allclose(expected, kernel.forward(p, inputs, first, sizes={"n_heads": heads % 3 + 1}).states["h"])
        for found in (compiled.forward(p, inputs, first), compiled.forward(compiled.freeze(p), inputs, first),
                      compiled.forward({n: a.copy() for n, a in p.items()}, inputs, first, sizes={"n_heads": heads})):  # fmt: skip
            np.testing.assert_allclose(found.states["h"], expected, rtol=1e-12)
        np.testing.assert_allclose(compiled.stream(p).step(inputs[0])["h"], 0)
    with pytest.raises(CellError, match=r"the size n_heads cannot be read off what was given; pass sizes={'n_heads': \.\.\.}"):
        compiled.forward({n: a.copy() for n, a in params[2].items()}, inputs, first)
    with pytest.raises(CellError, match="sizes\\['n_x'\\] is 3, and axis 1 of params\\['W_q'\\] says 4"):
        compiled.forward(params[2], inputs, first, sizes={"n_x": 3})
    with pytest.raises(CellError, match="unknown size 'heads' in sizes; expected n_x, n_h, n_heads"):
        compiled.forward(params[2], inputs, first, sizes={"heads": 3})
    with pytest.raises(ValueError, match="the size n_heads is given by sizes="):
        kernel.forward(params[2], inputs, first)
    with pytest.raises(CellError, match="must be a multiple of 4"):
        compiled.init(n_x=4, n_heads=4, n_h=6)


REFUSED = [
    ([Eq(q, split(affine(x), "n_heads")), Eq(h, q)], "the right side has a value for each of n_heads, and the state h has not"),
    ([Eq(h, merge(affine(x)))], "joins the values of one mapped axis, and it has none"),
    ([Eq(q, split(affine(x), "n_a")), Eq(h, total(q, over="n_b"))], "takes a value for each of n_b, found one with mapped axes n_a"),
    ([Eq(q, split(affine(x), "n_a")), Eq(h, merge(split(q, "n_a")))], "q has a value for each of n_a already"),
    ([Eq(q, split(split(affine(x), "n_a"), "n_b")), Eq(h, merge(q))], "it has n_a, n_b; say which by over="),
    ([Eq(S, S.prev + outer(split(x, "n_heads"), affine(x))), Eq(h, merge(S))], "ranks do not agree"),
    ([Eq(q, reshape(affine(x), "n_a", "n_b")), Eq(h, total(q) + reshape(x, 3, 4))], "ranks do not agree"),
    ([Eq(h, swap(affine(x), 0, 1))], "exchanges two axes of a value that has 1"),
    ([Eq(S, S.prev * Param("p")), Eq(h, affine(x))], "ranks do not agree"),
    ([Eq(State("s", "n_k", initial=Param("s_0", "n_k"), over="n_heads"), affine(x) * Param("s_0", "n_k"))], "the mapped axes"),
]


@pytest.mark.parametrize(("equations", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_what_has_no_meaning_for_heads_is_refused(equations, message):
    with pytest.raises(CellError) as raised:
        Cell("toy", equations)
    assert message in str(raised.value)
    assert "cell toy, equation" in str(raised.value)


def test_axes_are_checked_where_they_are_written():
    with pytest.raises(CellError, match="the state s has the mapped axis n_a twice"):
        State("s", over=("n_a", "n_a"))
    with pytest.raises(CellError, match="blocks and mapped axes"):
        Param("R", blocks="n_heads", over="n_a")
    with pytest.raises(CellError, match="the number of parts of split is no identifier: 'n heads'"):
        split(x, "n heads")
    with pytest.raises(CellError, match=r"swap\(e, j, k\) exchanges two axes given as integers"):
        swap(x, 0, 1.5)


def test_the_usual_size_of_a_state_is_what_its_heads_have_together():
    assert ATTENTION.shape("y") == (size("n_heads") * size("n_v"),)
    mixed = Cell("mixed", [Eq(q, split(affine(x, h.prev), "n_heads", "n_k")), Eq(h, merge(tanh(q)))])
    assert mixed.shape("h") == (size("n_heads") * size("n_k"),) and mixed.shape("U_q") == mixed.shape("h") * 2
    assert Cell("kept", [Eq(q, split(affine(x), "n_heads")), Eq(h, merge(q))]).shape("q") == (size("n_heads"), size("n_h") / size("n_heads"))


def test_shapes_have_mapped_axes_first():
    cell = Cell("two", [
        Eq(State("s", "n_k", over=("n_b", "n_a")), affine(x, over="n_a") * Constant("c", (), over="n_b")),
        Eq(h, affine(x)),
    ])  # fmt: skip
    assert list(map(str, cell.shape("s"))) == ["n_b", "n_a", "n_k"]
    assert list(map(str, cell.shape("W_s"))) == ["n_a", "n_k", "n_x"]
    shape = cell.shapes[cell.states[0]]
    assert (*map(str, shape), *map(str, shape.over)) == ("n_k", "n_b", "n_a")


def test_a_head_is_derived_as_if_it_were_alone():
    """The derivation of a cell with heads is that of one head, but for where vectors are split and joined."""
    alone = [Eq(k, Param("W_k") @ x), Eq(v, Param("W_v") @ x), Eq(a, exp(Param("alpha", ()))),
             Eq(State("S", ("n_k", "n_v")), a * State("S", ("n_k", "n_v")).prev + outer(k, v))]  # fmt: skip
    heads = [Eq(k, Param("W_k", over="n_heads") @ x), Eq(v, Param("W_v", over="n_heads") @ x),
             Eq(a, exp(Param("alpha", (), over="n_heads"))), Eq(S, a * S.prev + outer(k, v))]  # fmt: skip
    one, many = (Cell("memory", equations).derive() for equations in (alone, heads))
    assert str(one.jacobian("S", "S_prev")) == str(many.jacobian("S", "S_prev")) == "a"
    of_one, of_many = ({str(r.target): str(r.rhs) for r in d.adjoint} for d in (one, many))
    of_x = of_one.pop("dx"), of_many.pop("dx")
    assert of_one == of_many
    assert of_x[1] == " + ".join(f"total({term}, over=n_heads)" for term in of_x[0].split(" + "))


def test_latex_says_of_which_space_a_head_is():
    text = ATTENTION.derive().latex()
    assert r"\mathbb{R}^{n_k\times n_v}" in text
    assert r"\operatorname{split}_{n_{\mathrm{heads}}}" in text and r"\operatorname{merge}" in text


@pytest.mark.parametrize("name", ["gla", "mlstm", "deltanet"])
def test_products_of_all_heads_are_done_at_once(name):
    """Projections for all heads are one product, and so is the gradient of the input."""
    structure = cells.get(name).structure
    assert not [p for p in structure.products if "W_" in p]
    assert any("W_q" in p and "W_v" in p for p in structure.hoisted)


def test_block_diagonal_products_of_heads():
    """A recurrent matrix for each head is one product with a block-diagonal matrix; `dot` and column are those of a head."""
    R, s = Param("R", ("n_k", "n_k"), over="n_heads"), State("s", "n_k", over="n_heads")
    cell = Cell("blocks", [
        Eq(z, tanh(split(affine(x), "n_heads") + R @ s.prev)), Eq(s, z / (1 + dot(z, z)) + total(column(z) * R, 0)),
    ], outputs=s)  # fmt: skip
    whole = Cell("whole", [
        Eq(z, tanh(affine(x) + Param("R", blocks="n_heads") @ h.prev)),
        Eq(q, split(z, "n_heads")), Eq(h, z + merge(q * Param("zero", ()))),
    ])  # fmt: skip
    assert len(cell.structure.products) == len(whole.structure.products) == 1
