"""Every published cell's kernel, values and all gradients, against jax.vjp of an independent transcription."""

import functools
import inspect
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from support.plain import plain_kernel
from support.representatives import compiled_names, in_single_precision

from symcell import cells, size

jax = pytest.importorskip("jax")

from references import REFERENCES  # noqa: E402
from references.zoo import ZOO, start  # noqa: E402 (imports jax itself)

HEADINGS = {
    "Elman / simple RNN": "rnn", "Jordan network": "jordan", "IndRNN": "indrnn", "CTRNN": "ctrnn", "SCRN": "scrn", "AntisymmetricRNN": "antisymmetric_rnn",
    "coRNN": "cornn", "Statistical recurrent unit": "statistical_recurrent_unit", "Original LSTM": "lstm_1997_truncated", "LSTM with forget gate": "lstm",
    "Peephole LSTM": "peephole_lstm", "CIFG / coupled LSTM": "cifg_lstm", "LSTMP": "lstmp", "Multiplicative LSTM": "multiplicative_lstm", "ON-LSTM": "on_lstm",
    "LayerNorm LSTM": "layer_norm_lstm", "Phased LSTM": "phased_lstm", "T-LSTM": "t_lstm", "Zoneout LSTM": "zoneout_lstm", "GRU (Cho 2014)": "gru_cho",
    "GRU (reset after)": "gru_reset_after", "UGRNN": "ugrnn", "MGU": "mgu", "MUT1": "mut1", "Li-GRU": "li_gru", "FastGRNN": "fastgrnn", "RHN": "rhn",
    "DeltaGRU": "delta_gru", "SRU": "sru", "QRNN": "qrnn", "minGRU": "mingru", "LRU": "lru", "Mamba": "mamba", "sLSTM": "slstm", "GLA": "gla", "LMU": "lmu",
    "IRNN": "irnn", "Multiplicative RNN": "multiplicative_rnn", "Lipschitz RNN": "lipschitz_rnn", "UnICORNN": "unicornn", "LEM": "lem", "FastRNN": "fastrnn",
    "CFN": "cfn", "STAR": "star", "MinimalRNN": "minimal_rnn", "Clockwork RNN": "clockwork_rnn", "Fast-weights RNN": "fast_weights_rnn",
    "Mogrifier LSTM": "mogrifier_lstm", "Nested LSTM": "nested_lstm", "Time-LSTM 1": "time_lstm_1", "Time-LSTM 3": "time_lstm_3", "JANET": "janet", "RAN": "ran",
    "NAS cell": "nas_cell", "IndyLSTM": "indylstm", "MC-LSTM": "mc_lstm", "Skip LSTM": "skip_lstm",
    "Linear attention": "linear_attention", "RetNet": "retnet", "mLSTM": "mlstm", "DeltaNet": "deltanet", "Gated DeltaNet": "gated_deltanet",
    "RWKV-6": "rwkv6", "RWKV-7": "rwkv7", "Mamba-2": "mamba2",
    "MGU1": "mgu1", "MGU2": "mgu2", "MGU3": "mgu3", "MUT2": "mut2", "MUT3": "mut3", "+RNN / Intersection RNN": "intersection_rnn", "ATR": "atr", "BRC": "brc",
    "nBRC": "nbrc", "Delta-RNN": "delta_rnn", "GRU-D": "gru_d", "CT-GRU": "ct_gru", "LTC": "ltc", "CfC": "cfc", "QRNN ifo-pooling": "qrnn_ifo", "S4D": "s4d", "S5": "s5", "HGRN / HGRU": "hgrn", "RWKV-4 time mixing": "rwkv4", "minLSTM": "minlstm", "RG-LRU": "rg_lru", "T-RNN": "t_rnn",
}  # fmt: skip

T, B = 11, 3
# No two of one cell are equal, nor equal to T or B, so that a transposed or misplaced array cannot pass.
SIZES = {
    "n_x": 5,
    "n_h": 7,
    "n_y": 4,
    "n_s": 9,
    "n_m": 8,
    "n_r": 2,
    "n_p": 13,
    "n_a": 6,
    "n_o": 10,
    "n_u": 13,
    "n_k": 4,
    "n_v": 9,
    "n_f": 2,
    "n_heads": 8,
    "n_d": 14,
    "n_w": 16,
    "n_g": 12,
}
EVEN = {"on_lstm": {"n_h": 8}, **{name: {"n_h": 8, "n_heads": 2} for name in ("slstm", "rg_lru")}}  # chunks of two; heads of four
POSITIVE = {
    "ctrnn": "tau dt", "scrn": "alpha", "antisymmetric_rnn": "epsilon gamma", "cornn": "dt epsilon gamma", "statistical_recurrent_unit": "alpha",
    "phased_lstm": "t tau r alpha", "t_lstm": "dt", "zoneout_lstm": "m_c m_h", "delta_gru": "theta", "sru": "alpha", "slstm": "n",
    "lipschitz_rnn": "epsilon", "unicornn": "dt alpha", "lem": "dt", "fast_weights_rnn": "lamda eta", "time_lstm_1": "dt", "time_lstm_3": "dt", "mc_lstm": "x c",
    "skip_lstm": "u_tilde", "linear_attention": "n", "retnet": "gamma",
    "gru_d": "m delta w_x W_gamma", "ct_gru": "dt", "ltc": "C g_leak w w_s", "cfc": "dt", "rwkv4": "B", "hgrn": "gamma",
}  # fmt: skip
SCALES = {("ltc", "C"): 10}  # slow neurons: those that come to rest within a step do not depend on C

WHOLE = {"clockwork_rnn": "t T"}  # positive whole numbers

# States that are outputs only: no step reads their initial value.
UNREAD = {
    (name, "initial", s.name)
    for name in ZOO
    for s in cells.get(name).states
    if not any(e.rhs.has(s.prev) for e in cells.get(name).equations)
}
UNREAD |= {("lstm_1997_truncated", "initial", "h")}  # read, but no error flows there
UNREAD |= {("clockwork_rnn", "inputs", "t")}  # it decides only
UNREAD |= {("delta_gru", "params", f"b_{m}") for m in "rzxh"}  # they stand in initial states, which are given

TOLERANCE = 1e-10
# Half a unit in float32's last place is 6e-8. A sum of a dozen terms and an activation lose a few of them, each of 11 steps
# as much again, forward and back: 2 * 11 * 5 * 6e-8 is 7e-6. What cancels between samples and steps loses a bit or two more.
ROUNDING = 2e-5


@pytest.fixture(scope="module", autouse=True)
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


class Case:
    """A cell with random parameters, inputs, initial states and cotangents, which both precisions hold exactly."""

    def __init__(self, name):
        rng = np.random.default_rng(zlib.crc32(f"{name}, at random".encode()))  # and in float32 no two are equal by chance
        self.name, self.cell = name, cells.get(name)
        positive, whole = POSITIVE.get(name, "").split(), WHOLE.get(name, "").split()
        sizes = {size(n): value for n, value in (SIZES | EVEN.get(name, {})).items()}

        def random(quantities, *lead):
            shapes = {q.name: (*lead, *(int(n.subs(sizes)) for n in self.cell.shape(q))) for q in quantities}
            arrays = {q: rng.uniform(0.2, 0.8, s) if q in positive else 0.5 * rng.normal(size=s) for q, s in shapes.items()}
            arrays |= {q: rng.integers(1, 7, shapes[q]) for q in shapes if q in whole}
            return {q: np.asarray(SCALES.get((name, q), 1) * a, "float32").astype("float64") for q, a in arrays.items()}

        self.params, self.constants = random(self.cell.params), random(self.cell.constants)
        self.inputs, self.initial = random(self.cell.inputs, T, B), random(self.cell.states, B)
        self.cotangents, self.final = random(self.cell.states, T, B), random(self.cell.states, B)

    def expected(self, initial):
        """By jax: the arrays, as (kind, name) -> array. States that are not given begin as the paper says."""
        names = list(inspect.signature(ZOO[self.name]).parameters)[1:]
        states = [q.removesuffix("_") for q in names if q.endswith("_")]
        inputs = [q for q in names if not q.endswith("_")]
        assert {*states} == {*self.initial} and {*inputs} == {*self.inputs}

        def run(params, sequences, initial):
            p = SimpleNamespace(**self.constants, **params)
            step = jax.vmap(functools.partial(ZOO[self.name], p))

            def scanned(old, now):
                new = step(*now, *old)
                return new, new

            first = start(self.name, p, self.initial) | initial
            _, steps = jax.lax.scan(scanned, tuple(first[s] for s in states), tuple(sequences[q] for q in inputs))
            return dict(zip(states, steps, strict=True))

        @jax.jit
        def differentiated(*primals):
            found, pull_back = jax.vjp(run, *primals)
            return found, pull_back(cotangents)

        cotangents = {s: a.copy() for s, a in self.cotangents.items()}
        for s, a in self.final.items():
            cotangents[s][-1] += a
        found, gradients = differentiated(self.params, self.inputs, initial)
        return labelled(found, {s: a[-1] for s, a in found.items()}, *gradients)

    def found(self, initial, dtype="float64", compiled=True):
        """By the kernel: the same. Its module may run as plain Python."""

        def rounded(group):
            return {q: a.astype(dtype) for q, a in group.items()}

        kernel = self.cell.compile(dtype) if compiled else plain_kernel(self.cell, dtype)
        run = kernel.forward(rounded(self.params | self.constants), rounded(self.inputs), rounded(initial))
        gradients = kernel.backward(run, rounded(self.cotangents), rounded(self.final))
        return labelled(run.states, run.final, gradients.params, gradients.inputs, gradients.initial)


@functools.cache
def case(name):
    """A case, what jax expects of it and what the kernel finds: once for all tests."""
    made = Case(name)
    return made, made.expected(made.initial), made.found(made.initial, compiled=name in compiled_names())


def labelled(*groups):
    kinds = ("states", "final", "params", "inputs", "initial")
    return {(kind, q): np.asarray(a) for kind, group in zip(kinds, groups, strict=True) for q, a in group.items()}


def assert_close(found, expected, tolerance):
    """The largest difference, relative to the largest expected entry, array by array; constants have no gradient."""
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key].shape == value.shape, key
        assert np.abs(found[key] - value).max() <= tolerance * np.abs(value).max(), key


def test_every_cell_of_the_catalogue_has_a_transcription():
    assert {*cells.names()} == {*REFERENCES, *ZOO}


def test_every_published_cell_is_in_the_catalogue_and_tested():
    assert len(HEADINGS) == 87
    assert {*HEADINGS.values()} <= {*cells.names()} & ZOO.keys()


@pytest.mark.parametrize("name", ZOO)
def test_agrees_with_jax(name):
    _, expected, found = case(name)
    assert_close(found, expected, TOLERANCE)


@pytest.mark.parametrize("name", ZOO)
def test_every_path_is_exercised(name):
    """No gradient is zero, so no agreement above is empty, but for those that the mathematics makes zero."""
    _, expected, _ = case(name)
    for (kind, q), a in expected.items():
        assert a.any() == ((name, kind, q) not in UNREAD), (kind, q)


@pytest.mark.parametrize("name", ZOO)
def test_single_precision_differs_by_rounding_only(name):
    made, _, double = case(name)
    single = made.found(made.initial, "float32", compiled=name in in_single_precision())
    assert {a.dtype for a in single.values()} == {np.dtype("float32")}
    assert_close(single, double, ROUNDING)


@pytest.mark.parametrize("name", [name for name in ZOO if name != "delta_gru"])
def test_states_that_are_not_given_begin_as_declared(name):
    """At zero, but for a running maximum."""
    made, _, _ = case(name)
    declared = {s: np.asarray(a) for s, a in start(name, None, made.initial).items()}
    compiled = name in compiled_names()
    assert_close(made.found({}, compiled=compiled), made.found(declared, compiled=compiled), tolerance=0)


@pytest.mark.parametrize("given", [(), ("h", "m_x"), ("x_sent", "h_sent", "h")])
def test_accumulators_that_are_not_given_begin_at_the_biases(given):
    """And the biases learn by it."""
    made, _, _ = case("delta_gru")
    initial = {s: made.initial[s] for s in given}
    expected, found = made.expected(initial), made.found(initial)
    assert all(expected["params", f"b_{m}"].any() == (f"m_{m}" not in given) for m in "rzxh")
    for key in found.keys() - expected.keys():
        assert key[0] == "initial" and key[1] not in given
    assert_close({key: found[key] for key in expected}, expected, TOLERANCE)
