"""The parameters of symcell.torch's modules: names, views, initial numbers, state dicts; and bad input."""

import subprocess
import sys

import pytest
from sympy import Eq

torch = pytest.importorskip("torch")

import symcell.torch as st  # noqa: E402
from symcell import Cell, CellError, cells  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(4)


def test_parameters_of_one_role_are_one_tensor():
    layer = st.Layer(cells.peephole_lstm, 3, 5, bidirectional=True)
    names = ["p_i", "weight_input", "weight_recurrent", "bias", "p_f", "p_o"]
    assert [n for n, _ in layer.named_parameters()] == [f"{n}_l0" for n in names] + [f"{n}_l0_reverse" for n in names]
    assert list(layer.state_dict()) == [n for n, _ in layer.named_parameters()]
    for name in ("W_i", "U_o", "b_g", "p_f"):
        a = layer.weight(name, direction=1)
        assert a.shape == tuple({"n_x": 3, "n_h": 5}[str(n)] for n in layer.cell.shape(name))
        with torch.no_grad():
            a.fill_(7)
        assert (layer.weight(name, direction=1) == 7).all() and not (layer.weight(name) == 7).any()
    with pytest.raises(CellError, match="unknown parameter 'W_q'; expected p_i, W_i"):
        layer.weight("W_q")
    with pytest.raises(CellError, match="no layer 1"):
        layer.weight("W_i", layer=1)


def test_initial_numbers_follow_the_roles_of_parameters():
    layer = st.Layer(cells.lstm, 30, 50, forget_bias=2.0)
    U = layer.weight("U_g")
    torch.testing.assert_close(U @ U.T, torch.eye(50), atol=1e-5, rtol=0)
    bound = (6 / 80) ** 0.5
    assert 0.9 * bound < layer.weight("W_g").abs().max() <= bound
    assert (layer.weight("b_f") == 2).all() and not layer.weight("b_i").any()
    filled = st.Layer(cells.lstm, 3, 5, init=lambda name, t: t.fill_(len(name) if name == "b_o" else 0.5))
    assert (filled.weight("b_o") == 3).all() and (filled.weight("U_i") == 0.5).all()


def test_a_state_dict_of_another_cell_with_the_same_shapes_is_refused():
    one = [Eq(e.target, e.rhs, evaluate=False) for e in cells.lstm.equations]
    other = Cell("other", [one[1], one[0], *one[2:]])
    with pytest.raises(RuntimeError, match=r"other: bias holds b_f, b_i, b_g, b_o; that of lstm, which was saved, holds b_i, b_f"):
        st.Layer(other, 3, 5).load_state_dict(st.Layer(cells.lstm, 3, 5).state_dict())
    with pytest.raises(RuntimeError, match="weight_input_l1"):
        st.Layer(cells.lstm, 3, 5, 2).load_state_dict(st.Layer(cells.lstm, 3, 5).state_dict())


def test_constants_are_buffers():
    layer = st.Layer(cells.lmu, 1, 4, sizes={n: 3 for n in cells.lmu.sizes if n not in ("n_x", "n_h")})
    names = [c.name for c in cells.lmu.constants]
    assert names and [n for n, _ in layer.named_buffers()] == [f"{n}_l0" for n in names]
    layer(torch.randn(4, 2, 1))[0].sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_the_layer_says_what_it_is():
    assert repr(st.Layer(cells.lstm, 3, 5, 2, dropout=0.1)) == "Layer(lstm, n_x=3, n_h=5, num_layers=2, dropout=0.1)"
    assert repr(st.StepCell(cells.gru, 3, 5)) == "StepCell(gru, n_x=3, n_h=5)"


@pytest.mark.parametrize(
    "options, message",
    (
        ({"input_size": 3}, "needs hidden_size"),
        ({"hidden_size": 5}, "needs input_size"),
        ({"input_size": 3, "hidden_size": 5, "sizes": {"n_x": 4}}, "input_size is 3, and the same size, n_x, is 4"),
        ({"input_size": 3, "hidden_size": 5, "sizes": {"n_q": 4}}, "unknown size n_q"),
        ({"input_size": 3, "sizes": {"n_hh": 5}}, "unknown size n_hh; expected n_x, n_h"),
        ({"input_size": 0, "hidden_size": 5}, "n_x must be a positive integer"),
        ({"input_size": 3, "hidden_size": 5, "num_layers": 0}, "num_layers must be a positive integer"),
        ({"input_size": 3, "hidden_size": 5, "num_layers": True}, "num_layers must be a positive integer, found True"),
        ({"input_size": 3, "hidden_size": 5, "dropout": 2}, "dropout must be a number from 0 to 1"),
        ({"input_size": 3, "hidden_size": 5, "dropout": "0.1"}, "dropout must be a number from 0 to 1, found '0.1'"),
        ({"input_size": 3, "hidden_size": 5, "bidirectional": 2}, "bidirectional must be True or False, found 2"),
        ({"input_size": 3, "hidden_size": 5, "batch_first": None}, "batch_first must be True or False, found None"),
        ({"input_size": 3, "hidden_size": 5, "engine": "cuda"}, "engine must be one of auto, kernels, torch, found 'cuda'"),
        ({"input_size": 3, "hidden_size": 5, "dtype": torch.int32}, "dtype must be one of .* found torch.int32"),
        ({"input_size": 3, "hidden_size": 5, "forget_bias": None}, "forget_bias must be a number, found None"),
        ({"input_size": 3, "hidden_size": 5, "init": 3}, r"init must be a function init\(name, tensor\), found 3"),
        ({"input_size": 3, "sizes": [5]}, "sizes must be a dict, name -> number"),
    ),
    ids=lambda p: p if isinstance(p, str) else "",
)
def test_layers_that_cannot_be_are_refused(options, message):
    with pytest.raises(CellError, match=message):
        st.Layer(cells.lstm, **options)


def test_calls_that_cannot_be_are_refused():
    layer = st.Layer(cells.lstm, 3, 5)
    x = torch.randn(4, 2, 3)
    for message, arguments, options in (
        (r"expected the input x as \(T, B, n_x\), or without B, found shape \(3,\)", (x[0, 0],), {}),
        (r"each step of the input x has shape \(4,\), expected \(n_x\) = \(3,\)", (torch.randn(4, 2, 4),), {}),
        ("is of torch.float64, the parameters of torch.float32", (x.double(),), {}),
        ("is on meta, the parameters on cpu", (x.to("meta"),), {}),
        ("more than 0 steps", (x[:0],), {}),
        (r"the state c has shape \(1, 3, 5\), expected .* = \(1, 2, 5\)", (x, (torch.zeros(1, 2, 5), torch.zeros(1, 3, 5))), {}),
        (r"expected the states \(h, c\), found Tensor|found 1 of them", (x, torch.zeros(1, 2, 5)), {}),
        ("unknown states q; expected h, c", (x, {"q": torch.zeros(1, 2, 5)}), {}),
        (r"lengths\[1\] is 5, expected 0 to T = 4", (x,), {"lengths": [4, 5]}),
        ("lengths must be an integer for each of the 2 samples, found torch.float32", (x,), {"lengths": [2.5, 1.0]}),
        (r"lengths must be .* of shape \(1,\)", (x,), {"lengths": [2]}),
        (r"lengths must be .* found 3\Z", (x,), {"lengths": 3}),
        (r"lengths must be .* found \['4', '2'\]", (x,), {"lengths": ["4", "2"]}),
        ("lengths must be .* on meta", (x,), {"lengths": torch.tensor([4, 2], device="meta")}),
        (r"lengths\[0\] is -1", (x,), {"lengths": [-1, 2]}),
        (r"the state h has shape \(1, 1, 5\), expected .* = \(1, 5\)", (x[:, 0], torch.zeros(2, 1, 1, 5).unbind()), {}),
        (r"the state h has shape \(1, 3, 5\), expected .* = \(1, 2, 5\)", (torch.nn.utils.rnn.pack_sequence([x[:2, 0], x[:, 1]], enforce_sorted=False), {"h": torch.zeros(1, 3, 5)}), {}),
        ("the state h must be a tensor, found NoneType", (x, (None, None)), {}),
        ("the state c is of torch.float64", (x, {"c": torch.zeros(1, 2, 5).double()}), {}),
        (r"tensors for the inputs x, found y \(Tensor\)", ({"y": x},), {}),
        ("resets must be .* on cpu, found torch.float32 on meta", (x,), {"resets": torch.zeros(4, 2, device="meta")}),
        ("lengths are of a batch", (x[:, 0],), {"lengths": [4]}),
        ("the input as a tensor, found list", (x.tolist(),), {}),
        (r"resets has shape \(2, 4\), expected \(T, B\), T = 4, B = 2", (x,), {"resets": torch.zeros(2, 4)}),
    ):
        with pytest.raises(CellError, match=message):
            layer(*arguments, **options)
    for message, call in (
        (r"expected the input x as \(B, n_x\), or without B, found shape \(4, 2, 3\)", lambda: st.StepCell(cells.lstm, 3, 5)(x)),
        (r"the state h has shape \(3, 5\), expected \(B, n_h\) = \(2, 5\)", lambda: st.StepCell(cells.lstm, 3, 5)(x[0], {"h": torch.zeros(3, 5)})),
        ("the input as a tensor, found list", lambda: layer.stream().step([1])),
        ("the state h must be a tensor, found NoneType", lambda: layer.stream().reset({"h": None})),
        ("a stream computes float32 and float64 on CPU, found W_i of torch.bfloat16 on cpu", lambda: st.Layer(cells.lstm, 3, 5, dtype=torch.bfloat16).stream()),
        (r"expected the input dt as \(T, B\)", lambda: st.Layer(cells.t_lstm, 3, 5)({"x": x, "dt": torch.rand(4)})),
    ):
        with pytest.raises(CellError, match=message):
            call()
    with pytest.raises(CellError, match=r"Layer takes a Cell, .* found str"):
        st.Layer("lstm", 3, 5)
    with pytest.raises(CellError, match="float16 on cpu"):
        st.Layer(cells.lstm, 3, 5, engine="kernels").half()(x.half())
    with pytest.raises(RuntimeError, match="decreasing order"):  # torch's own
        torch.nn.utils.rnn.pack_padded_sequence(x, [2, 4])


def test_an_empty_batch_gives_an_empty_output():
    layer = st.Layer(cells.lstm, 3, 5)
    out, (h, c) = layer(torch.zeros(4, 0, 3))
    assert out.shape == layer(torch.zeros(4, 0, 3), lengths=[])[0].shape == (4, 0, 5) and h.shape == c.shape == (1, 0, 5)
    out.sum().backward()
    assert all(not p.grad.any() for p in layer.parameters())


def test_nothing_is_recorded_where_nothing_requires_a_gradient():
    layer = st.Layer(cells.lstm, 3, 5).requires_grad_(False)
    out, _ = layer(torch.randn(4, 2, 3))
    assert not out.requires_grad
    x = torch.randn(4, 2, 3, requires_grad=True)
    layer(x)[0].sum().backward()
    assert x.grad.any() and all(p.grad is None for p in layer.parameters())


def test_importing_a_cell_imports_neither_torch_nor_other_families_and_where_it_is_missing_symcell_torch_says_what_to_write():
    code = """if True:
        import sys, symcell, symcell.cli
        from symcell.cells import lstm
        assert "torch" not in sys.modules and "symcell.cells.heads" not in sys.modules
        sys.modules["torch"] = None  # as if it were not there
        import symcell.torch"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expected = 'ModuleNotFoundError: symcell.torch needs PyTorch, which is not installed; write: pip install "symcell[torch]"'
    assert found.returncode == 1 and found.stderr.splitlines()[-1] == expected
