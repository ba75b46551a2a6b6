"""engine="torch": the same cells as PyTorch operations, equal to the kernels, where the kernels cannot compute, and twice
differentiable."""

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


def test_auto_takes_it_where_the_kernels_cannot_compute():
    layer, x = st.Layer(cells.lstm, 3, 5), torch.randn(4, 2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = layer(x)
    assert out.dtype == torch.bfloat16
    assert layer.bfloat16()(x.bfloat16())[0].dtype == torch.bfloat16
    with pytest.raises(CellError, match=r"lstm: engine='kernels' computes float32 and float64 on CPU, found torch.bfloat16 on cpu"):
        st.Layer(cells.lstm, 3, 5, engine="kernels", dtype=torch.bfloat16)(x.bfloat16())
