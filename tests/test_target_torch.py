"""The PyTorch target: modules that compute what the NumPy target's do, with autograd's gradients, twice, on any device."""

import ast
from functools import cache
from types import ModuleType

import numpy as np
import pytest
from sympy import Eq, Max, Piecewise, exp, symbols, tanh
from test_target_numpy import CELLS, module_for, random_case

from symcell import Cell, Constant, Input, Param, State, affine, cells, sigmoid
from symcell.compiler import source_of

torch = pytest.importorskip("torch")
TOLERANCE = 1e-9
TWICE = ("lstm", "gru_reset_after", "mingru", "gla", "mlstm", "qrnn")


@cache
def torch_source(cell):
    return source_of(cell.declaration, "torch")


@cache
def torch_module(cell):
    module = ModuleType(cell.name)
    exec(compile(torch_source(cell), f"<{cell.name}>", "exec"), module.__dict__)
    return module


def leaves(group):
    return {name: torch.tensor(np.asarray(a, float), requires_grad=True) for name, a in (group or {}).items()}


def random_call(module, sizes, T=3, B=2, dtype=None):
    """Random params, inputs and initial states, each name -> tensor."""
    torch.manual_seed(3)
    leads = ((module.PARAMS, ()), (module.INPUTS, (T, B)), (module.STATES, (B,)))
    found = module.shapes(*sizes)
    return [{q: (torch.randn((*lead, *found[q]), dtype=dtype) / 2).requires_grad_() for q in group} for group, lead in leads]


def hide(a, ended):
    """NaN behind the end of each sample."""
    return torch.where(ended.reshape(*ended.shape, *(1 for _ in a.shape[2:])), torch.nan, a)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_values_and_gradients_are_those_of_the_numpy_module(cell):
    """Of samples of several lengths, behind whose end there is NaN."""
    plain, case = module_for(cell), random_case(cell)
    T, B = next(iter(case.cotangents.values())).shape[:2]
    lengths = np.array([T, 0, T - 2, 2][:B])
    run = plain.forward(case.params, case.inputs, case.initial, lengths)
    expected = plain.backward(run, case.cotangents, case.final)
    params, inputs, initial = map(leaves, (case.params, case.inputs, case.initial))
    ended = torch.arange(T)[:, None] >= torch.tensor(lengths)
    found = torch_module(cell).forward(params, {q: hide(a, ended) for q, a in inputs.items()}, initial or None, torch.tensor(lengths))
    loss = 0
    for s in run.states:
        np.testing.assert_allclose(found.states[s].detach(), run.states[s], TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(found.final[s].detach(), run.final[s], TOLERANCE, TOLERANCE)
        loss = loss + (found.states[s] * torch.tensor(case.cotangents[s])).sum() + (found.final[s] * torch.tensor(case.final[s])).sum()
    loss.backward()
    for kind, group in (("params", params), ("inputs", inputs), ("initial", initial)):
        for q in group.keys() - {c.name for c in cell.constants}:
            grad = 0 if group[q].grad is None else group[q].grad
            scale = 1 + abs(np.asarray(getattr(expected, kind)[q])).max()
            np.testing.assert_allclose(grad, np.broadcast_to(getattr(expected, kind)[q], group[q].shape), 1e-8, 1e-8 * scale)


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("lengths", [None, [3, 1]], ids=["whole", "lengths"])
def test_derivatives_of_both_orders(name, lengths):
    module = torch_module(cells.get(name))
    groups = random_call(module, [2 if "n_heads" in module.SIZES else k + 2 for k, _ in enumerate(module.SIZES)], dtype=torch.float64)

    def states(*tensors):
        given = iter(tensors)
        run = module.forward(*({q: next(given) for q in group} for group in groups), lengths)
        return *run.states.values(), *run.final.values()

    tensors = [a for group in groups for a in group.values()]
    assert torch.autograd.gradcheck(states, tensors, fast_mode=True)
    assert torch.autograd.gradgradcheck(states, tensors, fast_mode=True)


def test_second_derivatives_are_those_of_values_before_an_end():
    """Which would overflow behind it: a square of a square, and a product of a scan's factors."""
    x, h, s = Input("x"), State("h"), State("s", "n_h")
    w, W, V, U = Param("w"), Param("W"), Param("V"), Param("U")
    module = torch_module(Cell("growing", [Eq(h, exp(W @ x) * h.prev + V @ x), Eq(s, w * s.prev**2 + U @ h)]))
    groups = random_call(module, [3 if n == "n_x" else 2 for n in module.SIZES], 14, 2, torch.float64)
    groups[1]["x"].data[:, 0] = 20 * groups[0]["W"].detach()[0].sign()  # h grows by e^20 and more a step

    def derivatives(groups, lengths):
        tensors = [a for group in groups for a in group.values()]
        run = module.forward(*groups, lengths)
        first = torch.autograd.grad(sum((1e-9 * a).sum() for a in run.final.values()), tensors, create_graph=True)
        return torch.autograd.grad(sum((1e-9 * a**2).sum() for a in first), tensors)

    found = derivatives(groups, [2, 2])
    expected = derivatives([groups[0], {"x": groups[1]["x"][:2]}, groups[2]], None)
    padded = [torch.nn.functional.pad(b, (0,) * (2 * a.ndim - 1) + (len(a) - len(b),)) for a, b in zip(found, expected, strict=True)]
    torch.testing.assert_close(list(found), padded)


@pytest.mark.parametrize("cell", CELLS[:-2], ids=lambda cell: cell.name)
def test_tensors_stay_on_their_device(cell):
    """On the device without numbers, which tensors of another one do not mix with."""
    module = torch_module(cell)
    sizes = dict.fromkeys(module.SIZES, 4)
    groups = [{q: a.detach().to("meta").requires_grad_() for q, a in group.items()} for group in random_call(module, sizes.values())]
    run = module.forward(*groups, sizes=sizes)
    sum(a.sum() for a in (*run.states.values(), *run.final.values())).backward()
    assert all(a.device.type == "meta" for a in (*run.states.values(), *(a.grad for a in groups[1].values() if a.grad is not None)))


@pytest.mark.parametrize("T", [1, 2, 7, 40])
@pytest.mark.parametrize("units", [2, 300], ids=["doubling", "loop"])
def test_scans_of_any_length(T, units):
    module = torch_module(cells.mingru)
    params, inputs, initial = random_call(module, (3, units), T, 2, torch.float64)
    x, h, expected = inputs["x"], initial["h"], []
    for x_t in x:
        z = torch.sigmoid(x_t @ params["W_z"].T)
        h = (1 - z) * h + z * (x_t @ params["W_g"].T)
        expected.append(h)
    found, tensors = module.forward(params, inputs, initial).states["h"], [*params.values(), x, initial["h"]]
    torch.testing.assert_close(found, torch.stack(expected))
    weights = torch.randn_like(found)
    ours, plain = (torch.autograd.grad((a * weights).sum(), tensors) for a in (found, torch.stack(expected)))
    torch.testing.assert_close(ours, plain)


def test_large_steps_are_kept_in_one_tensor_each():
    module = torch_module(cells.lstm)
    groups = random_call(module, (3, 600), 4, 2)
    run, sample = module.forward(*groups), [{q: a[:, :1] if k == 1 else a[:1] for q, a in group.items()} for k, group in enumerate(groups)]
    torch.testing.assert_close(run.states["h"][:, :1], module.forward(groups[0], *sample[1:]).states["h"])
    gradients = torch.autograd.grad((run.states["h"] ** 2).sum(), groups[0]["U_f"], create_graph=True)[0]
    torch.testing.assert_close(gradients, torch.autograd.grad((module.forward(*groups).states["h"] ** 2).sum(), groups[0]["U_f"])[0])


def test_one_precision():
    module = torch_module(cells.lstm)
    params, inputs, _ = random_call(module, (3, 4))
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        run = module.forward({q: a.to(dtype) for q, a in params.items()}, inputs["x"].to(dtype))
        assert {a.dtype for a in (*run.states.values(), *run.final.values())} == {dtype}
    with torch.autocast("cpu", torch.bfloat16):
        low = module.forward(params, inputs).states["h"]
    high = module.forward(params, inputs).states["h"]
    assert low.dtype == torch.bfloat16 and high.dtype == torch.float32
    torch.testing.assert_close(low.float(), high, rtol=0.03, atol=0.03)
    ours, plain = (torch.autograd.grad(a.float().sum(), params["U_i"])[0] for a in (low, high))
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, plain, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("units", [4, 600])
def test_transforms_of_functions(units):
    module = torch_module(cells.gru_reset_after)
    params, inputs, _ = ({q: a.detach() / units**0.5 for q, a in group.items()} for group in random_call(module, (3, units)))
    xs = torch.stack([inputs["x"], 2 * inputs["x"]])

    def loss(params, x):
        return (module.forward(params, x).states["h"] ** 2).sum()

    found = torch.func.vmap(torch.func.grad(loss), (None, 0))(params, xs)
    leaves = {q: a.clone().requires_grad_() for q, a in params.items()}
    loss(leaves, xs[1]).backward()
    torch.testing.assert_close({q: a[1] for q, a in found.items()}, {q: a.grad for q, a in leaves.items()})


def test_gradients_of_inputs_are_made_where_they_are_wanted():
    module = torch_module(cells.lstm)
    params, inputs, _ = random_call(module, (3, 4))
    module.forward(params, inputs["x"].detach()).states["h"].sum().backward()
    expected = torch.autograd.grad(module.forward(params, inputs).states["h"].sum(), list(params.values()))
    torch.testing.assert_close([a.grad for a in params.values()], list(expected))


def test_a_change_in_place_before_the_backward_pass_is_noticed():
    module = torch_module(cells.lstm)
    groups = random_call(module, (3, 4))
    h = module.forward(*groups).states["h"]
    with torch.no_grad():
        groups[0]["U_i"].add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        h.sum().backward()


def test_no_steps_and_no_samples():
    module = torch_module(cells.lstm)
    params, _, initial = random_call(module, (3, 4))
    run = module.forward(params, torch.zeros(0, 2, 3), initial)
    run.final["h"].sum().backward()
    assert run.states["h"].shape == (0, 2, 4) and (initial["h"].grad == 1).all()
    none = module.forward(params, torch.full((5, 2, 3), torch.nan), initial, lengths=[0, 0])
    assert not any(a.any() for a in torch.autograd.grad(sum(a.sum() for a in none.final.values()), list(params.values())))
    assert not none.states["h"].any() and torch.equal(none.final["c"], initial["c"])
    empty = module.forward(params, torch.zeros(5, 0, 3))
    empty.states["h"].sum().backward()
    assert empty.states["h"].shape == (5, 0, 4) and not params["W_i"].grad.any()


def test_random_parameters_to_begin_with():
    module = torch_module(cells.lmu)
    sizes = {name: k + 3 for k, name in enumerate(module.SIZES)}
    params, again = (module.init(torch.Generator().manual_seed(1), torch.float64, **sizes) for _ in range(2))
    assert {q: tuple(a.shape) for q, a in params.items()} == {q: module.shapes(*sizes.values())[q] for q in module.PARAMS}
    for q, a in params.items():
        assert a.requires_grad == (q not in module.CONSTANTS) and torch.equal(a, again[q]) and a.dtype == torch.float64
        assert 0 < abs(a).max() <= (a.shape[-1] if a.ndim else 1) ** -0.5
    assert module.forward(params, torch.ones(4, 2, *module.shapes(*sizes.values())["x"]), sizes=sizes).outputs


def test_a_step_is_a_sequence_of_one():
    module = torch_module(cells.lstm)
    params, inputs, state = random_call(module, (3, 4))
    final = module.forward(params, inputs, state).final
    for x in inputs["x"]:
        state = module.step(params, x, state)
    torch.testing.assert_close(state, final)


def test_parts_of_a_stacked_product_that_meet_in_one_statement():
    """In one sum, which has its other terms once, and in two of one equation."""
    x, h, s = Input("x"), State("h"), State("s", "n_h")
    A, B, C, D = (Param(name, ("n_h", "n_h")) for name in "ABCD")
    cell = Cell("meeting", [
        Eq(h, tanh(A @ h.prev + B @ h.prev + Param("W") @ x + Param("b"))),
        Eq(s, tanh(C @ s.prev + affine(x)) * sigmoid(D @ s.prev + Param("V") @ x + h)),
    ])  # fmt: skip
    plain, case = module_for(cell), random_case(cell)
    run, call = plain.forward(case.params, case.inputs, case.initial), [*map(leaves, (case.params, case.inputs, case.initial))]
    found, expected = torch_module(cell).forward(*call), plain.backward(run, case.cotangents).params
    sum((found.states[q] * torch.tensor(a)).sum() for q, a in case.cotangents.items()).backward()
    for q, a in run.states.items():
        np.testing.assert_allclose(found.states[q].detach(), a, TOLERANCE)
    for q, a in call[0].items():
        np.testing.assert_allclose(a.grad, expected[q], TOLERANCE, TOLERANCE)


def test_numbers_choices_and_odd_names():
    x, h, saved, T = Input("x", "n_h"), State("h"), State("saved", "n_h"), State("T", "n_h")
    sweep, torch_ = symbols("sweep torch")
    cell = Cell("odd_names", [
        Eq(sweep, Piecewise((0.1, x > 0), (0.7, True)) + Max(h.prev, 0.3) + Constant("states", ()) * T.prev),
        Eq(torch_, sigmoid(Param("like") * sweep + affine(x))),
        Eq(h, tanh(torch_) * h.prev),
        Eq(saved, h + saved.prev),
        Eq(T, 2 * saved),
    ])  # fmt: skip
    plain, case = module_for(cell), random_case(cell)
    found = torch_module(cell).forward(*map(leaves, (case.params, case.inputs, case.initial))).states
    for state, a in plain.forward(case.params, case.inputs, case.initial).states.items():
        np.testing.assert_allclose(found[state].detach(), a, TOLERANCE)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, p, x: m.forward(p | {"W": x}, x), "unknown ['W']"),
        (lambda m, p, x: m.init(n_x=3), "missing ['n_h']"),
        (lambda m, p, x: m.forward({"W_i": p["W_i"]}, x), "missing ['U_i', 'b_i'"),
        (lambda m, p, x: m.forward(p | {"b_i": torch.zeros(5)}, x), "params['b_i'] has shape (5,), expected (4,)"),
        (lambda m, p, x: m.forward(p, x[0]), "inputs['x'] has shape (2, 3), expected 3 axes"),
        (lambda m, p, x: m.forward(p, x, {"c": torch.zeros(1, 4)}), "initial['c'] has shape (1, 4), expected (2, 4)"),
        (lambda m, p, x: m.forward(p, x, lengths=[1, 9]), "lengths must be 2 integers from 0 to T = 3"),
        (lambda m, p, x: m.forward(p, x, lengths=[1.0, 2.0]), "lengths must be 2 integers"),
    ],
)
def test_wrong_names_and_shapes_are_told(call, words):
    module = torch_module(cells.lstm)
    params, inputs, _ = random_call(module, (3, 4))
    with pytest.raises(ValueError, match="lstm: ") as raised:
        call(module, params, inputs["x"])
    assert words in str(raised.value)


@pytest.mark.parametrize("cell", CELLS[:-2], ids=lambda cell: cell.name)
def test_modules_import_torch_alone_and_say_each_equation(cell):
    text = torch_source(cell)
    tree = ast.parse(text)
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    assert imported | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} == {"torch", "math", "collections", "contextlib"}
    forward = text.partition("def backward_")[0]
    assert all(f"({e.number})" in forward for e in cell.equations)
    assert all(len(line) <= 132 for line in text.partition('"""\n\nimport')[2].split("\n"))


def test_recurrences_that_are_no_scans_leave_out_what_is_known():
    functions = {node.name: ast.unparse(node) for node in ast.parse(torch_source(cells.sru)).body if isinstance(node, ast.FunctionDef)}
    assert "b_f" not in functions["forward_step"] and "backward_step" not in functions
    assert functions["backward_pass"].count("= scan(") == 1


def test_products_are_stacked_and_outside_of_the_step():
    functions = {node.name: ast.unparse(node) for node in ast.parse(torch_source(cells.lstm)).body if isinstance(node, ast.FunctionDef)}
    assert functions["forward_step"].count("addmm") == 1 and "@" not in functions["forward_step"]
    assert functions["forward_pass"].count("linear(") == 1
    assert functions["backward_step"].count("@") == 1 and "outer_sum" not in functions["backward_step"]
    assert functions["backward_pass"].count("outer_sum(") == 2  # of all input matrices, and of all recurrent ones
    assert functions["backward_pass"].count("@") == 1
    scan = torch_source(cells.mingru)
    assert "_step" not in scan and scan.partition("def scan")[0].count("= scan(") == 2


