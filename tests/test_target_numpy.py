"""The NumPy target: readable modules, which compute what the interpreter does, and the derivatives that the complex step finds."""

import ast
from dataclasses import replace
from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from support.own_primitives import convolution, corner, cumsum_of_square, frobenius, greatest, leading, ramp, shifted
from sympy import And, Eq, Or, Piecewise, Symbol, sqrt, symbols, tanh

from symcell import Cell, CellError, Constant, Input, Param, State, affine, cells, dot, mish, row, sigmoid, total
from symcell.compiler import source_of
from symcell.interpret import run as interpret
from symcell.language import primitives
from symcell.language.primitives.blocks import block_diagonal, diagonal_blocks
from symcell.language.primitives.layout import unflat
from symcell.language.primitives.scans import cumsum_back
from symcell.language.sizes import size
from symcell.targets.arrays import functions as of_shapes
from symcell.targets.numpy import functions
from symcell.trials import random_cases

TOLERANCE = 1e-10
STEP = 1e-50  # of the complex step


@cache
def source_for(cell):
    return source_of(cell.declaration, "numpy")


@cache
def module_for(cell):
    module = ModuleType(cell.name)
    exec(compile(source_for(cell), f"<{cell.name}>", "exec"), module.__dict__)
    return module


def random_case(cell, edge=""):
    """Arrays of unequal sizes, within the cell's domain, and cotangents."""
    kernel = SimpleNamespace(cell=cell, declaration=cell.declaration, dtype="float64", module=module_for(cell))
    return next((c for c in random_cases(kernel, np.random.default_rng(5), 1) if c.edge == edge), None)


def states_of(cell, case, lengths):
    """The states of each sample by itself, as the interpreter finds them, zeros behind its end; and those after its last step."""
    states, final = {}, {}
    for b, n in enumerate(lengths):
        initial = case.initial and {name: a[b : b + 1] for name, a in case.initial.items()}
        found = interpret(cell, case.params, {name: a[:n, b : b + 1] for name, a in case.inputs.items()}, initial)
        for name, a in found.items():
            T, B = case.cotangents[name].shape[:2]
            states.setdefault(name, np.zeros((T, B, *a.shape[2:]), a.dtype))[:n, b] = a[:, 0]
            last = a[-1, 0] if n else initial[name][0]
            final.setdefault(name, np.zeros((B, *a.shape[2:]), a.dtype))[b] = last
    return states, final


def slope(cell, case, lengths, direction):
    """The derivative of the loss along a direction, (kind, name) -> array, by the complex step."""

    def moved(kind, group):
        return group and {name: a + 1j * STEP * direction.get((kind, name), 0) for name, a in group.items()}

    there = replace(
        case, params=moved("params", case.params), inputs=moved("inputs", case.inputs), initial=moved("initial", case.initial)
    )
    states, final = states_of(cell, there, lengths)
    losses = [(case.cotangents[name] * a).sum() for name, a in states.items()] + [(case.final[name] * a).sum() for name, a in final.items()]
    return sum(losses).imag / STEP


def of_own_primitives():
    """What NumPy has no function for: primitives of a user, known by their entries alone."""
    x, h, S, s, y = Input("x"), State("h"), State("S", ("n_h", "n_k")), State("s", ()), Symbol("y")
    return Cell("of_own_primitives", [
        Eq(y, convolution(affine(x), shifted(h.prev)) / 3),
        Eq(s, tanh(greatest(y * Param("w")) + s.prev + frobenius(S.prev, Param("A", ("n_h", "n_k"))) / 9)),
        Eq(S, ramp(tanh(Param("A", ("n_h", "n_k")) * total(y) + S.prev / 2)) + s),
        Eq(h, tanh(y) + cumsum_of_square(total(S)) / 10 + leading(h.prev) * corner(S)),
    ])  # fmt: skip


def of_all_ranks():
    """A parameter of rank three, a matrix state, a scalar one that begins at a parameter, and what they make of one another."""
    x, S, s, y = Input("x"), State("S", ("n_h", "n_k")), State("s", (), initial=Param("s0", ())), Symbol("y")
    return Cell("of_all_ranks", [
        Eq(y, Param("A", ("n_h", "n_k", "n_x")) @ x),
        Eq(S, tanh(y) * S.prev + s.prev * row(Param("q", "n_k"))),
        Eq(s, s.prev / 2 + total(total(S)) / 10 + dot(Param("v"), x)),
    ])  # fmt: skip


CELLS = [*map(cells.get, cells.names()), of_all_ranks(), of_own_primitives()]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_states_and_gradients_of_samples_of_several_lengths(cell):
    module, case = module_for(cell), random_case(cell)
    T, B = next(iter(case.cotangents.values())).shape[:2]
    lengths = np.array([T, 0, T - 2, 2][:B])
    run = module.forward(case.params, case.inputs, case.initial, lengths)
    states, final = states_of(cell, case, lengths)
    for state in states:
        np.testing.assert_allclose(run.states[state], states[state], TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(run.final[state], final[state], TOLERANCE, TOLERANCE)
    assert run.outputs.keys() == {s.name for s in cell.outputs}
    gradients, random = module.backward(run, case.cotangents, case.final), np.random.default_rng(6)
    constants = {c.name for c in cell.constants}
    direction = {(kind, q): random.normal(size=a.shape) for (kind, q), a in case.arrays().items() if q not in constants}
    terms = {(kind, q): getattr(gradients, kind)[q] * d for (kind, q), d in direction.items()}
    bound = TOLERANCE * (1 + sum(abs(a).sum() for a in terms.values()))
    if abs(sum(a.sum() for a in terms.values()) - slope(cell, case, lengths, direction)) > bound:  # of all at once: which is it?
        assert not [q for q, d in direction.items() if abs(terms[q].sum() - slope(cell, case, lengths, {q: d})) > bound]
        raise AssertionError("the gradients are wrong together")


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_states_begin_at_their_declared_values(cell):
    module, case = module_for(cell), random_case(cell, "declared initial")
    if case is None:
        pytest.skip("nothing but an initial state tells a size, or the cell is not defined for its declared ones")
    T, B = next(iter(case.cotangents.values())).shape[:2]
    run = module.forward(case.params, case.inputs)
    for state, a in interpret(cell, case.params, case.inputs).items():
        np.testing.assert_allclose(run.states[state], a, TOLERANCE, TOLERANCE)
    gradients, random = module.backward(run, case.cotangents, case.final), np.random.default_rng(6)
    direction = {("params", q.name): random.normal(size=case.params[q.name].shape) for q in cell.params}
    terms = [gradients.params[q] * a for (_, q), a in direction.items()]
    expected = slope(cell, case, [T] * B, direction)
    assert abs(sum(a.sum() for a in terms) - expected) <= TOLERANCE * (1 + sum(abs(a).sum() for a in terms))


def test_what_lies_behind_the_end_of_a_sample_has_no_influence():
    module, case = module_for(cells.lstm), random_case(cells.lstm)
    T, B = case.cotangents["h"].shape[:2]
    lengths = [T, *range(1, B)]
    outcomes = []
    for behind in (0.0, np.nan):
        hidden = np.arange(T)[:, None] >= lengths
        inputs, cotangents = ({name: a.copy() for name, a in group.items()} for group in (case.inputs, case.cotangents))
        for a in (*inputs.values(), *cotangents.values()):
            a[hidden] = behind
        run = module.forward(case.params, inputs, case.initial, lengths)
        gradients = module.backward(run, cotangents, case.final)
        outcomes.append([*run.states.values(), *run.final.values(), *gradients.params.values(), *gradients.inputs.values()])
    for a, b in zip(*outcomes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_steps_and_no_samples():
    module = module_for(cells.lstm)
    params, ones = module.init(n_x=3, n_h=4), np.ones((2, 4))
    run = module.forward(params, np.zeros((0, 2, 3)), {"h": ones, "c": ones})
    np.testing.assert_array_equal(run.final["h"], ones)
    np.testing.assert_array_equal(module.backward(run, final={"h": 2 * ones}).initial["h"], 2 * ones)
    run = module.forward(params, np.zeros((5, 0, 3)))
    assert run.states["h"].shape == (5, 0, 4) and not module.backward(run).params["W_i"].any()


def test_a_step_is_a_sequence_of_one():
    module, case = module_for(cells.lstm), random_case(cells.lstm)
    state, final = case.initial, module.forward(case.params, case.inputs["x"], case.initial).final
    for x in case.inputs["x"]:
        state = module.step(case.params, x, state)
    for name, a in final.items():
        np.testing.assert_allclose(state[name], a, TOLERANCE)


def test_the_precision_is_that_of_the_arrays():
    module = module_for(cells.lstm)
    params = module.init(seed=1, dtype="float32", n_x=3, n_h=4)
    run = module.forward(params, np.ones((5, 2, 3), "float32"))
    gradients = module.backward(run, {"h": np.ones((5, 2, 4))})
    assert {a.dtype for a in (*params.values(), *run.states.values(), *run.final.values())} == {np.dtype("float32")}
    assert {a.dtype for a in (*gradients.params.values(), *gradients.inputs.values())} == {np.dtype("float32")}


def test_branches_that_are_not_taken_pass_no_nan_on():
    x, h = Input("x", "n_h"), State("h")
    a, b = symbols("a b")
    cell = Cell("branches", [
        Eq(a, Param("w") * x + h.prev),
        Eq(b, Piecewise((sqrt(a), a > 0), (a, True))),
        Eq(h, tanh(b)),
    ])  # fmt: skip
    module = module_for(cell)
    x = np.array([[[1.0, -2.0]], [[-3.0, 2.0]]])
    run = module.forward({"w": np.ones(2)}, x, {"h": np.zeros((1, 2))})
    gradients = module.backward(run, {"h": np.ones((2, 1, 2))})
    assert all(np.isfinite(a).all() for a in (*run.states.values(), *gradients.params.values(), *gradients.inputs.values()))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, p, x: m.init(n_x=3), "missing ['n_h']"),
        (lambda m, p, x: m.init(n_x=3, n_h=4, n_z=5), "unknown ['n_z']"),
        (lambda m, p, x: m.forward(p | {"W": 1}, x), "unknown ['W']"),
        (lambda m, p, x: m.forward({"W_i": p["W_i"]}, x), "missing ['U_i', 'b_i'"),
        (lambda m, p, x: m.forward(p | {"b_i": np.zeros(5)}, x), "params['b_i'] has shape (5,), expected (4,)"),
        (lambda m, p, x: m.forward(p | {"W_i": np.zeros(4)}, x), "params['W_i'] has shape (4,), expected 2 axes"),
        (lambda m, p, x: m.forward(p, x[0]), "inputs['x'] has shape (3, 3), expected 3 axes"),
        (lambda m, p, x: m.forward(p, x, {"c": np.zeros((1, 4))}), "initial['c'] has shape (1, 4), expected (3, 4)"),
        (lambda m, p, x: m.forward(p, x, lengths=[1, 2, 9]), "lengths must be 3 integers from 0 to T = 2"),
        (lambda m, p, x: m.forward(p, x, lengths=[1.0, 2.0, 2.0]), "lengths must be 3 integers"),
        (lambda m, p, x: m.backward(m.forward(p, x), {"x": x}), "cotangents takes c, h; unknown ['x']"),
        (lambda m, p, x: m.backward(m.forward(p, x), {"h": x}), "cotangents['h'] has shape (2, 3, 3), expected (2, 3, 4)"),
    ],
)
def test_wrong_names_and_shapes_are_told(call, words):
    module = module_for(cells.lstm)
    with pytest.raises(ValueError, match="lstm: ") as raised:
        call(module, module.init(n_x=3, n_h=4), np.ones((2, 3, 3)))
    assert words in str(raised.value)


@pytest.mark.parametrize("name", cells.names())
def test_modules_import_numpy_alone_and_say_each_equation(name):
    cell, text = cells.get(name), source_for(cells.get(name))
    imported = {a.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert imported == {"numpy", "math", "types"}
    forward = text.partition("def forward_pass")[2].partition("def backward_pass")[0]
    assert all(f"({e.number})" in forward for e in cell.equations)
    assert all(len(line) <= 132 for line in text.split("\n"))


def test_names_give_way_to_those_of_python_and_of_the_module():
    x, len_, T = Input("x"), State("len"), State("T", "n_h")
    i, sigmoid_ = symbols("math sigmoid")
    cell = Cell("odd_names", [
        Eq(i, sigmoid(affine(x, T.prev))),
        Eq(sigmoid_, Param("np") * i),
        Eq(len_, tanh(sigmoid_) * len_.prev),
        Eq(T, len_ + Constant("t", shape=()) * T.prev),
    ])  # fmt: skip
    case = random_case(cell)
    run = module_for(cell).forward(case.params, case.inputs, case.initial)
    for state, a in interpret(cell, case.params, case.inputs, case.initial).items():
        np.testing.assert_allclose(run.states[state], a, TOLERANCE)


def test_conditions_are_those_of_arrays():
    x, h, y = Input("x", "n_h"), State("h"), Symbol("y")
    cell = Cell("conditions", [
        Eq(y, Piecewise((x, And(x > 0, Or(x < 1, h.prev > 2))), (h.prev, True))),
        Eq(h, y + x),
    ])  # fmt: skip
    assert "np.where((((h_prev > 2) | (x < 1)) & (x > 0)), x, h_prev)" in source_for(cell).replace("[t]", "")


def test_a_function_of_a_size_is_a_value():
    n, s = size("n_x"), State("s")
    cell = Cell("toy", [Eq(State("h"), mish(n) * n), Eq(s, affine(Input("x")) + s.prev)], outputs=[s])
    case = random_case(cell)
    states, _ = states_of(cell, case, [len(next(iter(case.inputs.values())))])
    run = module_for(cell).forward(case.params, case.inputs, case.initial)
    np.testing.assert_allclose(run.states["h"][:, :1], states["h"][:, :1], rtol=1e-12)


def test_an_unknown_target_is_named():
    with pytest.raises(CellError, match="numba, numpy, torch, found 'fortran'"):
        source_of(cells.rnn.declaration, "fortran")


ARRAYS = [
    ("outer", primitives.outer, ((3,), (4,))),
    ("broadcast", primitives.broadcast, ((3,), -2, 4)),
    ("fill", primitives.fill, ((), 2, 3)),
    ("concat", primitives.concat, ((2,), (3,), (1,))),
    ("place", primitives.place, ((3,), 2, 6)),
    ("fold", primitives.fold, ((6,), 2)),
    ("flat", primitives.flat, ((2, 3),)),
    ("unflat", unflat, ((6,), 2, 3)),
    ("block_diagonal", block_diagonal, ((2, 3, 4),)),
    ("diagonal_blocks", diagonal_blocks, ((6, 8), 2, 3, 4)),
    ("cumsum_back", cumsum_back, ((2, 5), -1)),
]


@pytest.mark.parametrize(("name", "primitive", "arguments"), ARRAYS, ids=lambda a: a if isinstance(a, str) else "")
@pytest.mark.parametrize("lead", [(), (2,), (3, 2)])
def test_functions_of_arrays_take_steps_and_samples(name, primitive, arguments, lead):
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(*lead, *a)) if isinstance(a, tuple) else a for a in arguments]
    found = (vars(of_shapes) | vars(functions))[name](*arrays)
    for at in np.ndindex(lead):
        expected = primitive.evaluate(None, *(a[at] if isinstance(a, np.ndarray) else a for a in arrays))
        np.testing.assert_array_equal(found[at], expected)
