"""symcell.torch.Layer in the place of torch.nn.LSTM, GRU and RNN: the same numbers, shapes and gradients, however it is called."""

import copy
import io
import pickle
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

import symcell.torch as st  # noqa: E402
from symcell import CellError, cells  # noqa: E402

F64 = torch.float64
packed_of = torch.nn.utils.rnn.pack_sequence
# Modules of torch.nn: kind, options.
MODULES = (
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"proj_size": 2, "num_layers": 3}),
    ("GRU", {"num_layers": 2, "bias": False}),
    ("GRU", {"bidirectional": True}),
    ("RNN", {"bidirectional": True, "batch_first": True}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(4)


@pytest.fixture(params=MODULES, ids=lambda p: f"{p[0]}-{'-'.join(p[1])}")
def module(request):
    kind, options = request.param
    return getattr(torch.nn, kind)(3, 5, dtype=F64, **options)


def start_of(module, samples):
    """Random states before the first step."""
    lead = (module.num_layers * (1 + module.bidirectional), *([] if samples is None else [samples]))
    states = [torch.randn(*lead, n, dtype=F64, requires_grad=True) for n in (module.proj_size or module.hidden_size, module.hidden_size)]
    return tuple(states) if isinstance(module, torch.nn.LSTM) else states[0]


def leaves(value):
    """The tensors in what a module returns."""
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return [value.data, value.batch_sizes, *(t for t in (value.sorted_indices, value.unsorted_indices) if t is not None)]
    return [value] if isinstance(value, torch.Tensor) else [t for v in value for t in leaves(v)]


def assert_equal(found, expected):
    found, expected = leaves(found), leaves(expected)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def inputs_of(module):
    """An input in each form, and its number of samples."""
    yield torch.randn(4, 6, 3, dtype=F64, requires_grad=True), 4 if module.batch_first else 6
    yield torch.randn(4, 3, dtype=F64, requires_grad=True), None
    sequences = [torch.randn(n, 3, dtype=F64, requires_grad=True) for n in (2, 5, 1, 5)]
    yield packed_of(sequences, enforce_sorted=False), 4
    yield packed_of(sorted(sequences, key=len, reverse=True)), 4


def test_outputs_states_and_gradients_are_those_of_torch(module):
    layer = st.from_torch(module)
    for x, samples in inputs_of(module):
        for hx in (None, start_of(module, samples)):
            expected, found = module(x, hx), layer(x, hx)
            assert_equal(found, expected)
            given = [x.data if isinstance(x, torch.nn.utils.rnn.PackedSequence) else x, *(leaves(hx) if hx is not None else [])]
            weights = [torch.randn_like(t) if t.is_floating_point() else None for t in leaves(expected)]
            grads = []
            for result in (found, expected):
                loss = sum((t * w).sum() for t, w in zip(leaves(result), weights, strict=True) if w is not None)
                grads.append(torch.autograd.grad(loss, given))
            assert_equal(grads[0], grads[1])


def test_gradients_of_parameters_are_those_of_torch():
    module = torch.nn.LSTM(3, 5, 2, bidirectional=True, dtype=F64)
    layer, x = st.from_torch(module), torch.randn(4, 2, 3, dtype=F64)
    for m in (module, layer):
        m(x)[0].sin().sum().backward()
    for place, suffix in enumerate(("_l0", "_l0_reverse", "_l1", "_l1_reverse")):
        grads = layer._compiled.unstacked(
            {s.name: getattr(layer, s.name + suffix).grad for s in layer._compiled.tensors}, layer._places[suffix]
        )
        for j, gate in enumerate("ifgo"):
            rows = slice(5 * j, 5 * (j + 1))
            for own, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
                assert_equal(grads[f"{own}_{gate}"], getattr(module, theirs + suffix).grad[rows])
        assert layer.weight("W_f", *divmod(place, 2)).shape == (5, 3 if place < 2 else 10)


def test_round_trips_are_exact(module):
    layer = st.from_torch(module)
    back = st.to_torch(layer)
    assert type(back) is type(module) and repr(back) == repr(module)
    again = st.from_torch(back)
    for (name, a), b in zip(layer.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b), name
    for (name, a), b in zip(back.named_parameters(), st.to_torch(again).parameters(), strict=True):
        assert torch.equal(a, b), name
    x = torch.randn(4, 2, 3, dtype=F64)
    assert_equal(back(x), module(x))


def test_what_has_no_counterpart_is_refused_by_name():
    with pytest.raises(CellError, match=r"gru: no module of .* has these equations"):
        st.to_torch(st.Layer(cells.gru, 3, 5))
    with pytest.raises(CellError, match="found LSTMCell"):
        st.from_torch(torch.nn.LSTMCell(3, 5))


def test_dropout_is_between_layers_and_in_training_only():
    module = torch.nn.GRU(3, 5, 3, dropout=0.5, dtype=F64)
    layer, x = st.from_torch(module), torch.randn(4, 2, 3, dtype=F64)
    torch.manual_seed(1)
    expected = module(x)
    torch.manual_seed(1)
    assert_equal(layer(x), expected)
    assert_equal(layer.eval()(x), module.eval()(x))
    assert not layer.training and st.from_torch(module).dropout == 0.5


@pytest.mark.parametrize("batch_first", (False, True))
@pytest.mark.parametrize("bidirectional", (False, True))
def test_lengths_are_those_of_a_packed_sequence(batch_first, bidirectional):
    layer = st.Layer(cells.lstm, 3, 5, 2, bidirectional, batch_first, dtype=F64)
    x, lengths = torch.randn(4, 6, 3, dtype=F64), [6, 1, 4, 3]
    given = x if batch_first else x.transpose(0, 1)
    out, states = layer(given, lengths=lengths)
    packed, expected = layer(packed_of([s[:n] for s, n in zip(x, lengths, strict=True)], enforce_sorted=False))
    assert_equal(states, expected)
    assert_equal(out, torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first)[0])


def test_resets_begin_new_episodes():
    layer = st.Layer(cells.lstm, 3, 5, bidirectional=True, dtype=F64)
    x, hx = torch.randn(7, 2, 3, dtype=F64), (torch.randn(2, 2, 5, dtype=F64), torch.randn(2, 2, 5, dtype=F64))
    resets = torch.zeros(7, 2, dtype=torch.bool)
    resets[3, 0] = resets[4, 0] = resets[5, 1] = True
    out, (h, c) = layer(x, hx, resets=resets)
    for sample, bounds in ((0, (0, 3, 4, 7)), (1, (0, 5, 7))):
        x_b, parts = x[:, sample], []
        for first, last in pairwise(bounds):
            start = [torch.zeros(2, 5, dtype=F64) for _ in "hc"]
            for s, t in zip(start, hx, strict=True):
                s[0] = t[0, sample] if first == 0 else 0
                s[1] = t[1, sample] if last == 7 else 0
            parts.append(layer(x_b[first:last], tuple(start)))
        assert_equal(out[:, sample], torch.cat([p[0] for p in parts]))
        assert_equal([h[0, sample], c[1, sample]], [parts[-1][1].h[0], parts[0][1].c[1]])
    flipped = layer(x, hx, lengths=[5, 7], resets=resets.to(F64))[0]
    assert_equal(flipped[:5, 0], layer(x[:5, :1], tuple(t[:, :1] for t in hx), resets=resets[:5, :1])[0][:, 0])


def test_return_states_gives_every_state_at_every_step():
    layer = st.Layer(cells.lstm, 3, 5, 2, True, batch_first=True, dtype=F64)
    x = torch.randn(4, 6, 3, dtype=F64)
    out, (h, c), every = layer(x, return_states=True)
    assert every.h.shape == every.c.shape == (4, 4, 6, 5)
    assert_equal(torch.cat([every.h[2], every.h[3]], -1), out)
    assert_equal([every.c[0][:, -1], every.c[1][:, 0], every.h[2][:, -1]], [c[0], c[1], h[2]])


def test_step_cell_and_stream_make_the_steps_of_a_layer():
    layer = st.Layer(cells.lstm, 3, 5, 2)
    x = torch.randn(70, 4, 3)  # more steps than a stream's buffers have
    out, final = layer(x)
    stream = layer.stream(4)
    assert_equal(torch.stack([stream.step(x_t) for x_t in x]), out.detach())
    assert_equal(stream.state, [t.detach() for t in final])
    stream.reset(final)
    assert_equal(stream.step(x[0]), layer(x[:1], final)[0][0].detach())
    step = st.StepCell(cells.lstm, 3, 5)
    step.load_state_dict({name.removesuffix("_l0"): t for name, t in layer.state_dict().items() if name.endswith("_l0")})
    states = layer(x[:1], return_states=True)[2]
    assert_equal(step(x[0]), [states.h[0, 0], states.c[0, 0]])
    assert_equal(step(x[0, 0], tuple(t[0, 0] for t in final)), [t[0] for t in step(x[0], tuple(t[0] for t in final))])


def test_other_inputs_scalars_and_matrix_states():
    layer = st.Layer(cells.t_lstm, 3, 5, 2, dtype=F64)
    x, delta = torch.randn(6, 2, 3, dtype=F64), torch.rand(6, 2, dtype=F64)
    names = [n for n in layer._compiled.interface.inputs if n != "x"]
    out, states = layer({"x": x, names[0]: delta})
    assert out.shape == (6, 2, 5) and states._fields[0] == "h"
    linear = st.Layer(cells.linear_attention, 4, sizes={"n_heads": 2, "n_k": 3, "n_v": 5, "n_h": 6}, dtype=F64)
    out, states = linear(torch.randn(6, 2, 4, dtype=F64))
    assert out.shape == (6, 2, *linear._compiled.interface.shapes(**linear.sizes)[linear.cell.outputs[0].name])
    assert states[1].ndim > 3
    expected, _ = linear(torch.randn(1, 2, 4, dtype=F64), {"S": states[1]})
    assert expected.shape == (1, *out.shape[1:])


def test_a_layer_travels():
    layer = st.Layer(cells.lstm, 3, 5, 2, bidirectional=True)
    x = torch.randn(4, 2, 3)
    expected = layer(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), st.Layer(cells.lstm, 3, 5, 2, bidirectional=True)):
        file = io.BytesIO()
        torch.save(layer.state_dict(), file)
        file.seek(0)
        other.load_state_dict(torch.load(file))
        assert_equal(other(x), expected)
        with torch.no_grad():
            next(other.parameters()).zero_()
        assert_equal(layer(x), expected)
    assert_equal(pickle.loads(pickle.dumps(expected[1])), expected[1])
    assert layer.double()(x.double())[0].dtype == F64
