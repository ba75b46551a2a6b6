"""The kernels as PyTorch operators: gradients, torch.library's checks, compilers, function transforms, memory, threads."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
from sympy import Eq, tanh

torch = pytest.importorskip("torch")

from torch.utils.checkpoint import checkpoint  # noqa: E402

import symcell.torch as st  # noqa: E402
from symcell import Cell, CellError, Input, State, affine, cells  # noqa: E402
from symcell.torch.compiled import by_key  # noqa: E402
from symcell.torch.eager import run  # noqa: E402
from symcell.torch.operators import backward, forward  # noqa: E402

F64 = torch.float64
# A cell of vectors; heads, a matrix state, a size that no axis has; constants; a state that begins at a parameter, scalars.
KINDS = ("lstm", "gla", "lmu", "slstm")
SIZES = {"n_x": 4, "n_h": 6, "n_heads": 2, "n_k": 2, "n_v": 3, "n_r": 2, "n_m": 3}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(4)


def layer_of(name, dtype=F64):
    cell = cells.get(name)
    return st.Layer(cell, sizes={n: SIZES.get(n, 2) for n in cell.sizes}, dtype=dtype)


def arguments(name, steps=3, samples=2, lengths=None, dtype=F64):
    """What `symcell::forward` takes, with random numbers."""
    layer = layer_of(name, dtype)
    known, sizes = layer._compiled, [layer.sizes[n] for n in layer._compiled.interface.sizes]
    shapes = known.interface.shapes(*sizes)
    params = [t.detach() + 0.1 * torch.randn_like(t) for t in layer._stacks("_l0").values()]
    inputs = [torch.randn(steps, samples, *shapes[n], dtype=dtype) for n in known.interface.inputs]
    initial = [torch.rand(samples, *shapes[n], dtype=dtype) + 0.5 for n in known.interface.states]
    for t in (*params[: len(known.stacks)], *inputs, *initial):
        t.requires_grad_()
    return known.key, sizes, params, inputs, initial, lengths


def differentiable(key, sizes, params, inputs, initial, lengths):
    """The same as a function of tensors alone, and these."""
    counts = np.cumsum([len(params), len(inputs)])

    def function(*tensors):
        found = run(by_key(key), sizes, tensors[: counts[0]], tensors[counts[0] : counts[1]],
                    [t.unsqueeze(0) for t in tensors[counts[1] :]], lengths, tuple(by_key(key).interface.states))  # fmt: skip
        return tuple(t for group in found for t in group if t.requires_grad)

    return function, (*params, *inputs, *initial)


@pytest.mark.parametrize("lengths", (None, [3, 1]), ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_those_of_differences(name, lengths):
    function, tensors = differentiable(*arguments(name, lengths=None if lengths is None else torch.tensor(lengths)))
    assert len(function(*tensors)) > 1
    assert torch.autograd.gradcheck(function, tensors)


@pytest.mark.parametrize("name", KINDS)
def test_operators_pass_the_checks_of_torch(name):
    for lengths in (None, torch.tensor([2, 3])):
        given = arguments(name, lengths=lengths)
        torch.library.opcheck(forward, given)
        key, sizes, params, inputs, initial, _ = given
        with torch.no_grad():
            n, (*found, packed) = len(initial), forward(*given)
        cotangents = [None, *(torch.randn_like(t[1:]) for t in found[1:n])]
        final = [torch.randn_like(t) for t in found[n : 2 * n]]
        rest = [t.detach() for t in params], [t.detach() for t in inputs], found[:n], found[2 * n :], packed, lengths
        torch.library.opcheck(backward, (key, sizes, *rest, cotangents, final, lengths is None))  # with inputs' gradients, and without


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # PyTorch's own use, at the first jvp
def test_a_second_derivative_is_refused_by_name():
    function, tensors = differentiable(*arguments("lstm"))
    (first,) = torch.autograd.grad(sum(t.sum() for t in function(*tensors)), tensors[:1], create_graph=True)
    with pytest.raises(CellError, match="lstm: symcell's kernels have no second derivative"):
        first.sum().backward()
    layer, x = layer_of("lstm"), torch.randn(3, 2, 4, dtype=F64)
    with pytest.raises(CellError, match="no second derivative"):
        torch.func.grad(lambda x: torch.func.grad(lambda x: layer(x)[0].sum())(x).sum())(x)
    with pytest.raises(CellError, match="no derivative in forward mode"):
        torch.func.jvp(lambda x: layer(x)[0], (x,), (x,))
    with torch.no_grad(), torch.autograd.forward_ad.dual_level(), pytest.raises(CellError, match="forward mode"):
        layer(torch.autograd.forward_ad.make_dual(x, x))


def test_a_change_in_place_before_backward_is_noticed():
    layer, x = layer_of("lstm"), torch.randn(3, 2, 4, dtype=F64)
    changes = {
        "input": lambda out, h: x.add_(1),
        "parameter": lambda out, h: layer.weight("U_f").add_(1),
        "output": lambda out, h: out.detach().add_(1),
    }
    for name, change in changes.items():
        out, (h, _) = layer(x)
        with torch.no_grad():
            change(out, h)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.sum().backward()
        assert name
    out, (h, _) = layer(x)
    h.mul_(2)  # which is the user's own
    (out.sum() + h.sum()).backward()


def test_compiled_whole_it_gives_the_same():
    layer = st.Layer(cells.lstm, 3, 5, 2, bidirectional=True, dtype=F64)

    def loss(x, h, **options):
        out, (h, c) = layer(x, (h, h), **options)
        return (out * out.detach().cos()).sum() + (h * c).sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for steps, samples in ((4, 2), (7, 3), (9, 5)):  # from the second on, sizes are symbols
        x, h = torch.randn(steps, samples, 3, dtype=F64), torch.randn(4, samples, 5, dtype=F64)
        for options in ({}, {"lengths": torch.tensor([steps, 1, 2, 3, 4][:samples])}, {"resets": torch.rand(steps, samples) > 0.5}):
            grads = []
            for function in (loss, compiled):
                layer.zero_grad()
                function(x, h, **options).backward()
                grads.append([p.grad for p in layer.parameters()])
            for a, b in zip(*grads, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def test_an_exported_program_finds_its_cell_in_another_process(tmp_path):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = st.Layer(cells.lstm, 3, 5, 2)

        def forward(self, x):
            return self.layer(x)[0].sum(-1)

    model, x = Model(), torch.randn(4, 2, 3)
    dims = {0: torch.export.Dim("T"), 1: torch.export.Dim("B")}
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=(dims,)), tmp_path / "model.pt2")
    x = torch.randn(6, 5, 3)
    torch.save((x, model(x).detach()), tmp_path / "call.pt")
    code = """if True:
        import sys, torch, symcell.torch
        x, expected = torch.load(sys.argv[2])
        torch.testing.assert_close(torch.export.load(sys.argv[1]).module()(x), expected, check_stride=False)"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "model.pt2", tmp_path / "call.pt"], check=True)


def test_export_compiles_a_kernel_that_nothing_has_called(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path))
    cell, x = Cell("exported_first", [Eq(State("h"), tanh(affine(Input("x"), State("h").prev)))]), torch.randn(4, 2, 3)
    layer = st.Layer(cell, 3, 5)
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(exported(x)[0], layer(x)[0], check_stride=False)


def test_functional_gradients_and_ensembles():
    layers = [layer_of("lstm") for _ in range(3)]
    x = torch.randn(3, 2, 4, dtype=F64)

    def loss(params, x):
        out, (_, c) = torch.func.functional_call(layers[0], params, (x,))
        return out.sin().sum() + c.square().sum()

    params, _ = torch.func.stack_module_state(layers)
    found = torch.func.vmap(torch.func.grad(loss), (0, None))(params, x)
    for k, layer in enumerate(layers):
        own = dict(layer.named_parameters())
        expected = torch.autograd.grad(loss(own, x), own.values())
        for name, a in zip(own, expected, strict=True):
            torch.testing.assert_close(found[name][k], a, rtol=1e-12, atol=1e-13)
            torch.testing.assert_close(torch.func.grad(loss)({n: t.detach() for n, t in own.items()}, x)[name], a)


def test_results_own_their_memory():
    layer = st.Layer(cells.lstm, 16, 128)
    x = torch.randn(50, 8, 16)
    out, (h, _) = layer(x)
    out.sum().backward()
    kept = [out.detach(), h.detach(), *(p.grad for p in layer.parameters())]
    before = [t.clone() for t in kept]
    del out, h
    layer.zero_grad()
    gc.collect()
    for _ in range(3):  # which lends the blocks that are free
        layer(torch.randn(50, 8, 16))[0].square().sum().backward()
        layer.zero_grad()
    for a, b in zip(kept, before, strict=True):
        assert torch.equal(a, b)


def test_what_backward_needs_lives_as_long_as_what_torch_saves():
    layer, x = layer_of("lstm"), torch.randn(3, 2, 4, dtype=F64)
    params, (out, _) = [*layer.parameters()], layer(x)
    first = torch.autograd.grad(out.sin().sum(), params, retain_graph=True)
    tape = weakref.ref(out.grad_fn.kept[2]["f_seq"])
    second = torch.autograd.grad(out.sin().sum(), params)
    gc.collect()
    assert tape() is None
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        out.sum().backward()
    seen = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t.shape) or t, lambda t: t):
        layer(x)
    assert (3, 2, 6) in seen  # the tape, for what moves it elsewhere
    third = torch.autograd.grad(checkpoint(layer, x, use_reentrant=False)[0].sin().sum(), params)
    for a, b, c in zip(first, second, third, strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)


def test_gradients_of_stacks_are_in_order_whether_copied_or_not():
    layer, x = st.Layer(cells.lstm, 3, 5), torch.randn(700, 20, 3)  # so many rows that sums have several layers
    twin = st.Layer(cells.lstm, 3, 5, engine="torch")
    twin.load_state_dict(layer.state_dict())
    for given in (x[:4], x):
        grads = [torch.autograd.grad(m(given)[0].sin().sum(), [*m.parameters()]) for m in (layer, twin)]
        for a, b in zip(*grads, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


def test_layouts_and_threads_make_no_difference():
    layer, x = layer_of("lstm"), torch.randn(2, 3, 4, dtype=F64)
    expected = layer(x.transpose(0, 1).contiguous())[0]
    torch.testing.assert_close(layer(x.transpose(0, 1))[0], expected, rtol=0, atol=0)
    torch.testing.assert_close(layer(x[:, :1].expand(2, 3, 4).transpose(0, 1))[0][0], expected[0], rtol=0, atol=0)
    expected.expand(3, 2, 6).sum().backward()
    before = torch.get_num_threads()
    try:
        wide = st.Layer(cells.lstm, 8, 128)
        x = torch.randn(20, 16, 8)
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(wide(x)[0])
        torch.testing.assert_close(*results)
    finally:
        torch.set_num_threads(before)


def test_tensors_that_are_no_plain_memory_are_refused_or_resolved():
    layer, x = layer_of("lstm"), torch.randn(3, 2, 4, dtype=F64)
    escaped = []
    torch.func.grad(lambda x: escaped.append(x) or layer(x)[0].sum())(x)
    torch.testing.assert_close(layer(escaped[0])[0], layer(x)[0])
    negative = torch.randn(3, 2, 4, dtype=torch.complex128).conj().imag  # a view whose sign is a flag
    assert negative.is_neg()
    torch.testing.assert_close(layer(negative)[0], layer(negative.clone())[0])
    with pytest.raises(NotImplementedError, match="SparseCPU"):  # torch's own
        layer(x.to_sparse())


def test_jacobians_by_either_vmap():
    layer, x, h = layer_of("lstm"), torch.randn(3, 2, 4, dtype=F64), torch.randn(1, 2, 6, dtype=F64)

    def both(x, h):
        out, (_, c) = layer(x, (h, 2 * h))
        return out.sum(0) * c[0]

    jacobian = torch.autograd.functional.jacobian
    found = jacobian(both, (x, h)), jacobian(both, (x, h), vectorize=True), torch.func.jacrev(both, (0, 1))(x, h)
    for a, b, c in zip(*found, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(c, a, rtol=1e-12, atol=1e-14)


def test_an_operator_refuses_tensors_of_other_shapes_and_dtypes():
    key, sizes, params, inputs, initial, lengths = arguments("lstm")
    with pytest.raises(CellError, match=r"lstm: bias has shape \(23,\) and torch.float64, expected \(24,\) and float64"):
        forward(key, sizes, [*params[:2], params[2][1:]], inputs, initial, lengths)
    with pytest.raises(CellError, match=r"lstm: c has shape \(2, 6\) and torch.float32, expected \(2, 6\) and float64"):
        forward(key, sizes, params, inputs, [initial[0].float(), initial[1]], lengths)
