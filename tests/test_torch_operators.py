"""The kernels as PyTorch operators: gradients, torch.library's checks, compilers, function transforms, memory, threads."""

import gc
import subprocess
import sys

import numpy as np
import pytest
from sympy import Eq, tanh

torch = pytest.importorskip("torch")

import symcell.torch as st  # noqa: E402
from symcell import Cell, CellError, Input, State, affine, cells  # noqa: E402
from symcell.torch.differentiation import run  # noqa: E402
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
        found = run(key, sizes, tensors[: counts[0]], tensors[counts[0] : counts[1]], tensors[counts[1] :], lengths)
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
    with pytest.raises(RuntimeError, match="Batching rule not implemented"):  # of the vmap before torch.func
        torch.autograd.functional.jacobian(lambda x: layer(x)[0].sum(0), x, vectorize=True)


def test_an_operator_refuses_tensors_of_other_shapes_and_dtypes():
    key, sizes, params, inputs, initial, lengths = arguments("lstm")
    with pytest.raises(CellError, match=r"lstm: bias has shape \(23,\) and torch.float64, expected \(24,\) and float64"):
        forward(key, sizes, [*params[:2], params[2][1:]], inputs, initial, lengths)
    with pytest.raises(CellError, match=r"lstm: c has shape \(2, 6\) and torch.float32, expected \(2, 6\) and float64"):
        forward(key, sizes, params, inputs, [initial[0].float(), initial[1]], lengths)
