"""Block-diagonal matrices in PyTorch modules: products read their blocks alone, and those of one size are one product."""

import ast
from collections import Counter

import pytest
from sympy import Eq, exp, symbols, tanh
from test_target_numpy import module_for
from test_target_torch import random_call, torch_module, torch_source

from symcell import Cell, CellError, Input, Param, State, affine, cells, concat, merge, sigmoid, size, split
from symcell.language.primitives.blocks import block_diagonal

torch = pytest.importorskip("torch")
x, h, y = Input("x"), State("h"), State("y", "n_y")
z, r, g = symbols("z r g")


def blocks(name, shape=None, count="n_b"):
    return Param(name, shape, blocks=count)


def of_many_kinds():
    """Beside other products of the same vector; of two sizes, two numbers of blocks, and a concatenation; transposed; of heads;
    twice the same matrix; and one that is made of a parameter."""
    s, shared = State("s", "n_k", over="n_heads"), blocks("S")
    A, B = (Param(name, ("n_k", "n_k"), over="n_heads") for name in "AB")
    made = block_diagonal(-exp(Param("L", ("n_b", size("n_h") / size("n_b"), size("n_h") / size("n_b")))))
    return Cell("of_many_kinds", [
        Eq(z, sigmoid(affine(x, h.prev) + blocks("R_z") @ h.prev)),
        Eq(r, sigmoid(affine(x) + blocks("R_r") @ h.prev + blocks("Q_r", ("n_h", "n_y")) @ y.prev)),
        Eq(g, tanh(affine(x) + blocks("R_g", count=2) @ (r * h.prev) + blocks("Q_g", ("n_y", "n_h")).T @ y.prev + shared @ r)),
        Eq(h, z * h.prev + (1 - z) * g + made @ tanh(h.prev)),
        Eq(y, tanh(blocks("R_y", ("n_y", "n_h")) @ h + blocks("P_y", ("n_y", size("n_x") + size("n_y"))) @ concat(x, y.prev))),
        Eq(s, tanh(A @ s.prev + B @ s.prev + split(Param("W_s") @ x + Param("V_s") @ (shared @ h), "n_heads"))),
    ], outputs=(h, y, s))  # fmt: skip


def of_merged_heads():
    """Blocks of what the heads of a state have side by side."""
    H = State("H", size("n_h") / size("n_heads"), over="n_heads")
    return Cell("of_merged_heads", [
        Eq(H, tanh(split(affine(x) + blocks("R_1") @ h.prev + blocks("R_2") @ h.prev, "n_heads"))),
        Eq(h, merge(H) * sigmoid(blocks("R_3") @ merge(H) + blocks("R_4") @ merge(H))),
    ])  # fmt: skip


CELLS = {cell.name: cell for cell in (of_many_kinds(), of_merged_heads())}
SIZES = {"n_x": 9, "n_h": 12, "n_y": 6, "n_b": 3, "n_heads": 2, "n_k": 3}


def calls(cell):
    """function -> how often each function of products stands in it."""
    names = ("blockwise", "blockwise_back", "blockwise_outer_sum", "block_diagonal", "diagonal_blocks", "addmm", "linear", "outer_sum")
    found = {}
    for function in ast.parse(torch_source(cell)).body:
        if isinstance(function, ast.FunctionDef):
            nodes = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            called = [getattr(node.func, "id", getattr(node.func, "attr", "")) for node in nodes]
            matmuls = ["@" for node in ast.walk(function) if isinstance(getattr(node, "op", None), ast.MatMult)]
            found[function.name] = Counter([name for name in called if name in names] + matmuls)
    return found


def test_all_gates_have_one_product_of_blocks():
    found = calls(cells.slstm)
    assert found["forward_step"] == {"blockwise": 1}
    assert found["backward_step"] == {"blockwise_back": 1}
    assert found["shared_values"] == {}
    assert found["forward_pass"] == {"linear": 1}
    assert found["backward_pass"] == {"blockwise_outer_sum": 1, "outer_sum": 1, "@": 1}
    assert calls(cells.rg_lru)["forward_pass"] == {"blockwise": 1}
    assert "blockwise" not in torch_source(cells.lstm)


def test_blocks_of_several_sizes_have_products_of_their_own():
    found = calls(CELLS["of_merged_heads"])
    assert found["forward_step"] == found["backward_step"] == {"blockwise": 2}
    assert found["backward_pass"] == {"blockwise_outer_sum": 4, "outer_sum": 1, "@": 1}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_values_and_gradients_are_those_of_whole_matrices(cell):
    module, plain = torch_module(cell), module_for(cell)
    groups = random_call(module, [SIZES[n] for n in module.SIZES], dtype=torch.float64)
    found = module.forward(*groups)
    run = plain.forward(*({q: a.detach().numpy() for q, a in group.items()} for group in groups))
    cotangents = {s: torch.randn_like(a) for s, a in found.states.items()}
    torch.autograd.backward([*found.states.values()], [*cotangents.values()])
    expected = plain.backward(run, {s: a.numpy() for s, a in cotangents.items()})
    for s, a in run.states.items():
        torch.testing.assert_close(found.states[s].detach(), torch.tensor(a), rtol=1e-11, atol=1e-11)
    for kind, group in zip(("params", "inputs", "initial"), groups, strict=True):
        for q, a in group.items():
            grad = torch.zeros_like(a) if a.grad is None else a.grad  # no step reads a state of merged_heads
            torch.testing.assert_close(grad, torch.tensor(getattr(expected, kind)[q]), rtol=1e-10, atol=1e-10)


def test_derivatives_of_both_orders_and_of_several_parameters_at_once():
    module = torch_module(CELLS["of_merged_heads"])
    groups = random_call(module, [SIZES[n] for n in module.SIZES], dtype=torch.float64)

    def states(*tensors):
        given = iter(tensors)
        return *module.forward(*({q: next(given) for q in group} for group in groups), [3, 1]).states.values(),

    tensors = [a for group in groups for a in group.values()]
    assert torch.autograd.gradgradcheck(states, tensors, fast_mode=True)
    params, *others = ({q: a.detach() for q, a in group.items()} for group in groups)
    several = {q: torch.stack([a, -a]) for q, a in params.items()}
    gradient = torch.func.grad(lambda p: module.forward(p, *others).states["h"].sum())
    found = torch.func.vmap(gradient)(several)
    torch.testing.assert_close({q: a[1] for q, a in found.items()}, gradient({q: -a for q, a in params.items()}))


def test_units_that_blocks_do_not_divide_are_refused():
    module, sizes = torch_module(cells.slstm), {"n_x": 3, "n_h": 7, "n_heads": 2}
    for samples in (1, 6, 7):
        with pytest.raises(RuntimeError, match="invalid for input of size"):
            module.forward(module.init(**sizes), torch.randn(2, samples, 3))
    from symcell.torch import Layer

    with pytest.raises(CellError, match="n_h = 7 must be a multiple of 2"):
        Layer(cells.slstm, sizes=sizes, engine="torch")
