"""engine="torch": the same cells as PyTorch operations, equal to the kernels, where the kernels cannot compute, and twice
differentiable."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("symcell.targets.torch")

import symcell.torch as st  # noqa: E402
from symcell import CellError, cells  # noqa: E402

F64 = torch.float64


def tensors(value):
    return [value] if isinstance(value, torch.Tensor) else [t for v in value for t in tensors(v)]


@pytest.mark.parametrize("options", ({}, {"lengths": [4, 2]}, {"resets": True}, {"return_states": True}), ids=str)
def test_engines_agree(options):
    torch.manual_seed(4)
    layers = [st.Layer(cells.lstm, 3, 5, 2, bidirectional=True, engine=engine, dtype=F64) for engine in ("kernels", "torch")]
    layers[1].load_state_dict(layers[0].state_dict())
    x = torch.randn(4, 2, 3, dtype=F64, requires_grad=True)
    if "resets" in options:
        options = {"resets": torch.tensor([[0, 1], [0, 0], [1, 0], [0, 1]])}
    results, grads = [], []
    for layer in layers:
        found = tensors(layer(x, **options))
        results.append(found)
        grads.append(torch.autograd.grad(sum((t.sin()).sum() for t in found), (x, *layer.parameters())))
    for pair in (results, grads):
        for a, b in zip(*pair, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)


def test_the_second_derivative_is_that_of_differences():
    torch.manual_seed(4)
    layer, x = st.Layer(cells.lstm, 2, 3, engine="torch", dtype=F64), torch.randn(3, 2, 2, dtype=F64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x)[0], (x,))


@pytest.mark.parametrize(("name", "dynamic", "lengths"), [("lstm", True, [2, 1]), ("mingru", None, None)])
def test_compiled_whole_it_gives_the_same(name, dynamic, lengths):
    torch.manual_seed(4)
    layer, options = st.Layer(cells.get(name), 3, 4, engine="torch", dtype=F64), {"lengths": lengths and torch.tensor(lengths)}
    compiled, x = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=dynamic), torch.randn(2, 2, 3, dtype=F64)
    found, expected = [], []
    for function, results in ((compiled, found), (layer, expected)):
        leaf = x.clone().requires_grad_()
        out = tensors(function(leaf, **options))
        results += [*out, *torch.autograd.grad(sum(t.sin().sum() for t in out), (leaf, *layer.parameters()))]
    torch.testing.assert_close(found, expected)


def test_an_exported_program_takes_any_batch():
    torch.manual_seed(4)
    layer = st.Layer(cells.lstm, 3, 4, bidirectional=True, batch_first=True, engine="torch").eval()
    program = torch.export.export(layer, (torch.randn(2, 3, 3),), dynamic_shapes=({0: torch.export.Dim("B", min=1, max=64)},))
    assert not any("symcell" in str(node.target) for node in program.graph.nodes)
    x = torch.randn(5, 3, 3)
    torch.testing.assert_close(program.module()(x)[0], layer(x)[0])


def test_gradients_of_an_ensemble():
    torch.manual_seed(4)
    layer, x = st.Layer(cells.lstm, 3, 4, engine="torch", dtype=F64), torch.randn(3, 2, 3, dtype=F64)
    params = {name: torch.stack([p.detach(), -2 * p.detach()]) for name, p in layer.named_parameters()}

    def loss(params):
        return torch.func.functional_call(layer, params, (x,))[0].sin().sum()

    found = torch.func.vmap(torch.func.grad(loss))(params)
    expected = torch.func.grad(loss)({name: p[1] for name, p in params.items()})
    torch.testing.assert_close({name: g[1] for name, g in found.items()}, expected)


@pytest.mark.parametrize("name", ["lstm", "slstm", "mlstm", "mingru", "lru"])
def test_bfloat16_is_close_to_float32(name):
    """By itself and under autocast, over sixty steps."""
    torch.manual_seed(4)
    plain = st.Layer(cells.get(name), sizes={n: 2 if n == "n_heads" else 8 for n in cells.get(name).declaration.sizes}, engine="torch")
    layer, low, x = copy.deepcopy(plain), copy.deepcopy(plain).bfloat16(), torch.randn(60, 3, 8)
    layer.engine = low.engine = "auto"
    found = [(plain(x)[0], plain), (low(x.bfloat16())[0], low)]
    with torch.autocast("cpu", torch.bfloat16):
        found.append((layer(x)[0], layer))
    grads = [torch.autograd.grad(out.float().sum(), [*module.parameters()]) for out, module in found]
    for (out, _), of_params in zip(found[1:], grads[1:], strict=True):
        assert out.dtype == torch.bfloat16
        assert (out.float() - found[0][0]).norm() < 0.02 * found[0][0].norm()
        for a, b in zip(of_params, grads[0], strict=True):
            assert (a.float() - b).norm() < 0.1 * b.norm()


def test_auto_takes_it_where_the_kernels_cannot_compute():
    layer, x = st.Layer(cells.lstm, 3, 5), torch.randn(4, 2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = layer(x)
    assert out.dtype == torch.bfloat16
    assert layer.bfloat16()(x.bfloat16())[0].dtype == torch.bfloat16
    with pytest.raises(CellError, match=r"lstm: engine='kernels' computes float32 and float64 on CPU, found torch.bfloat16 on cpu"):
        st.Layer(cells.lstm, 3, 5, engine="kernels", dtype=torch.bfloat16)(x.bfloat16())
