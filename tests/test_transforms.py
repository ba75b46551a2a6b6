"""Transforms of cells against transcriptions of what their papers say, in JAX; and against one another."""

from types import SimpleNamespace

import numpy as np
import pytest
from sympy import Eq, Symbol, symbols, tanh

from symcell import Cell, Input, Param, State, affine, cells, outer, sigmoid, transforms
from symcell.cells import gru_cho, gru_reset_after, lstm

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.nn import sigmoid as sigma  # noqa: E402
from jax.scipy.linalg import block_diag  # noqa: E402
from references.zoo_lstm import layer_norm, pre  # noqa: E402
from support.steps import Call, assert_computes, step_of  # noqa: E402 (imports jax itself)


@pytest.fixture(scope="module", autouse=True)
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def fast_weights():
    """A matrix state that begins at a parameter, a vector state, and a scalar one."""
    x, k = Input("x"), Symbol("k")
    A, h, s = State("A", ("n_h", "n_k"), initial=Param("A_0", ("n_h", "n_k"))), State("h"), State("s", (), initial=2)
    return Cell("fast_weights", [
        Eq(k, tanh(affine(x, h.prev))),
        Eq(A, sigmoid(s.prev) * A.prev + outer(h.prev, k)),
        Eq(s, s.prev / 2 + Param("w", ())),
        Eq(h, tanh(A @ k + affine(x))),
    ])  # fmt: skip


def fast_weights_step(p, now, old):
    k = jnp.tanh(p.W_k @ now.x + p.U_k @ old.h + p.b_k)
    A = sigma(old.s) * old.A + jnp.outer(old.h, k)
    return {"A": A, "s": old.s / 2 + p.w, "h": jnp.tanh(A @ k + p.W_h @ now.x + p.b_h)}


def changed(namespace, **values):
    return SimpleNamespace(**vars(namespace) | values)


def both(name):
    """A catalogue cell and its step."""
    return cells.get(name), step_of(name)


def zoned(step):
    def transcribed(p, now, old):
        new = step(p, now, old)
        masks = {s: vars(now)[f"m_{s}"] for s in new}
        return {s: masks[s] * vars(old)[s] + (1 - masks[s]) * new[s] for s in new}

    return transcribed


def cleared(step, **begin):
    """`begin`: where states begin, unless at zero; a text is the name of a parameter."""

    def transcribed(p, now, old):
        first = {s: vars(p)[a] if isinstance(a, str) else a for s, a in begin.items()}
        return step(p, now, SimpleNamespace(**{s: jnp.where(now.reset > 0, first.get(s, 0.0), a) for s, a in vars(old).items()}))

    return transcribed


def decayed(step):
    def transcribed(p, now, old):
        def gamma(s):
            return jnp.exp(-jax.nn.relu(vars(p)[f"W_gamma_{s}"] * now.dt + vars(p)[f"b_gamma_{s}"]))

        return step(p, now, SimpleNamespace(**{s: gamma(s) * a for s, a in vars(old).items()}))

    return transcribed


def factorised(step):
    """Parameters with W = W_left @ W_right for each pair of factors."""

    def transcribed(p, now, old):
        products = {q[:-5]: a @ vars(p)[f"{q[:-5]}_right"] for q, a in vars(p).items() if q.endswith("_left")}
        return step(changed(p, **products), now, old)

    return transcribed


def added(step, shown="h", name="y"):
    def transcribed(p, now, old):
        new = step(p, now, old)
        return new | {name: new[shown] + now.x}

    return transcribed


def layers(*steps):
    """The step of a stack: each layer's names end in its number, and each shows its y, or else its h."""

    def step(p, now, old):
        new, value = {}, now.x
        for k, layer in enumerate(steps, 1):
            def own(group, k=k):
                return SimpleNamespace(**{q.removesuffix(f"_{k}"): a for q, a in vars(group).items() if q.endswith(f"_{k}")})

            states = layer(own(p), changed(own(now), x=value), own(old))
            value = states.get("y", states.get("h"))
            new |= {f"{s}_{k}": a for s, a in states.items()}
        return new

    return step


THREE = [both("lstm"), both("gru_reset_after"), (fast_weights(), fast_weights_step)]
each = pytest.mark.parametrize(("cell", "step"), THREE, ids=lambda a: getattr(a, "name", ""))


# Masks


@each
def test_zoneout(cell, step):
    assert_computes(transforms.zoneout(cell), zoned(step))


def test_zoneout_of_one_state_leaves_the_readout_to_read_it():
    def transcribed(p, now, old):
        new = step_of("scrn")(p, now, old)
        h = now.keep_h * old.h + (1 - now.keep_h) * new["h"]
        return new | {"h": h, "y": p.U @ h + p.V @ new["s"]}

    assert_computes(transforms.zoneout(cells.scrn, "h", mask="keep"), transcribed)


def test_zoneout_of_an_lstm_is_the_catalogues():
    def sides(cell):
        return {(e.target.name, str(e.rhs)) for e in cell.equations}

    assert sides(transforms.zoneout(lstm)) == sides(cells.zoneout_lstm)


def test_recurrent_dropout_of_what_products_read():
    """Of an LSTM nothing else reads h.prev; of a GRU, z * h.prev stays as it is."""

    def of_gru(p, now, old):
        h = now.d_h * old.h
        z, r = (sigma(pre(p, gate, now.x, h)) for gate in "zr")
        return {"h": (1 - z) * jnp.tanh(p.W_n @ now.x + p.b_n + r * (p.U_n @ h + p.d_n)) + z * old.h}

    def of_lstm(p, now, old):
        return step_of("lstm")(p, changed(now, x=now.d_x * now.x), changed(old, h=now.d_h * old.h))

    def of_cho(p, now, old):
        z, r = (sigma(pre(p, gate, now.x, now.d_h * old.h)) for gate in "zr")
        return {"h": z * old.h + (1 - z) * jnp.tanh(pre(p, "g", now.x, r * now.d_h * old.h))}

    assert_computes(transforms.recurrent_dropout(gru_reset_after), of_gru)
    assert_computes(transforms.recurrent_dropout(lstm, on=["h", "x"]), of_lstm)
    assert_computes(transforms.recurrent_dropout(gru_cho), of_cho)


def test_recurrent_dropout_of_a_candidate():
    def of_lstm(p, now, old):
        i, f, o = (sigma(pre(p, gate, now.x, old.h)) for gate in "ifo")
        c = f * old.c + i * now.drop_g * jnp.tanh(pre(p, "g", now.x, old.h))
        return {"c": c, "h": o * jnp.tanh(c)}

    def of_fast_weights(p, now, old):
        k = now.d_k * jnp.tanh(p.W_k @ now.x + p.U_k @ old.h + p.b_k)
        A = sigma(old.s) * old.A + jnp.outer(old.h, k)
        return {"A": A, "s": old.s / 2 + p.w, "h": jnp.tanh(A @ k + p.W_h @ now.x + p.b_h)}

    assert_computes(transforms.recurrent_dropout(lstm, on=Symbol("g"), mask="drop"), of_lstm)
    assert_computes(transforms.recurrent_dropout(fast_weights(), on="k"), of_fast_weights)


# What a step finds in its states


@each
def test_resettable(cell, step):
    begin = {"A": "A_0", "s": 2.0} if cell.name == "fast_weights" else {}
    call = assert_computes(transforms.resettable(cell), cleared(step, **begin), masks=["reset"])
    assert 0 < call.inputs["reset"].mean() < 1


@pytest.mark.parametrize("cell", [cell for cell, _ in THREE] + [cells.delta_gru], ids=lambda cell: cell.name)
def test_episodes_in_one_sequence_are_those_of_two(cell):
    """Values and gradients of the pieces, run separately."""
    call, plain = Call(transforms.resettable(cell), masks=["reset"]), Call(cell)
    params, inputs = call.params | call.constants, {q: a for q, a in call.inputs.items() if q != "reset"}
    episode = np.zeros_like(call.inputs["reset"])
    episode[2] = 1
    one = call.module.forward(params, inputs | {"reset": episode}, call.initial)
    pieces = [plain.module.forward(params, {q: a[span] for q, a in inputs.items()}, initial)
              for span, initial in ((slice(0, 2), call.initial), (slice(2, 4), None))]  # fmt: skip
    for s in call.initial:
        np.testing.assert_allclose(one.states[s], np.concatenate([run.states[s] for run in pieces]), 1e-12, 1e-12)
    gradients = call.module.backward(one, call.cotangents, call.final)
    parts = [plain.module.backward(run, {s: a[span] for s, a in call.cotangents.items()}, final)
             for run, span, final in zip(pieces, (slice(0, 2), slice(2, 4)), (None, call.final), strict=True)]  # fmt: skip
    for q in gradients.params:
        np.testing.assert_allclose(gradients.params[q], sum(part.params[q] for part in parts), 1e-12, 1e-12)
    for s in gradients.initial:
        np.testing.assert_allclose(gradients.initial[s], parts[0].initial[s], 1e-12, 1e-12)


@pytest.mark.parametrize("cell", [cell for cell, _ in THREE], ids=lambda cell: cell.name)
def test_nothing_passes_into_an_episode_from_a_step_that_ends_in_nan(cell):
    call = Call(transforms.resettable(cell))
    inputs = call.inputs | {"reset": np.eye(4, 1, -2) * np.ones(3)}  # at the third step of every sample
    broken = inputs | {"x": np.where(np.arange(4) == 1, np.nan, inputs["x"].T).T}
    later = {s: np.where(np.arange(4) >= 2, a.T, 0).T for s, a in call.cotangents.items()}
    runs = [call.module.forward(call.params, arrays, call.initial) for arrays in (inputs, broken)]
    assert np.isnan(runs[1].states["h"][1]).all()
    gradients = [call.module.backward(run, later, call.final).inputs["x"] for run in runs]
    for s in call.initial:
        np.testing.assert_array_equal(*(run.states[s][2:] for run in runs))
    np.testing.assert_array_equal(*(dx[2:] for dx in gradients))
    assert gradients[0][2:].all() and not gradients[0][:2].any()


@each
def test_time_gap(cell, step):
    assert_computes(transforms.time_gap(cell), decayed(step))


def test_time_gap_of_one_state():
    def transcribed(p, now, old):
        gamma = jnp.exp(-jax.nn.relu(p.W_gamma_c * now.elapsed + p.b_gamma_c))
        return step_of("lstm")(p, now, changed(old, c=gamma * old.c))

    assert_computes(transforms.time_gap(lstm, "c", dt="elapsed"), transcribed)


# Weights


@each
def test_low_rank(cell, step):
    made = transforms.low_rank(cell, ["U_*", "W_[xyzikh]"], "n_r")
    factors = {q.name for q in cell.params if q.name[0] == "U" or (q.name[0] == "W" and q.name[-1] in "xyzikh")}
    assert {q.name.removesuffix("_left") for q in made.params if q.name.endswith("_left")} == factors
    assert_computes(made, factorised(step))


def test_low_rank_of_a_matrix_in_an_expression_and_of_nested_products():
    assert_computes(transforms.low_rank(cells.antisymmetric_rnn, "M", "n_r"), factorised(step_of("antisymmetric_rnn")))
    assert_computes(transforms.low_rank(cells.mamba, "W_[12]", 3), factorised(step_of("mamba")))


@each
def test_block_diagonal(cell, step):
    def transcribed(p, now, old):
        return step(changed(p, **{n: block_diag(*a) for n, a in vars(p).items() if n.startswith("U_")}), now, old)

    sizes = {"n_x": 5, "n_h": 6, "n_k": 4, "n_heads": 2}
    assert_computes(transforms.block_diagonal(cell, "U_*", "n_heads"), transcribed, sizes=sizes)


def test_block_diagonal_of_a_matrix_in_an_expression():
    def transcribed(p, now, old):
        return step_of("antisymmetric_rnn")(changed(p, M=block_diag(*p.M)), now, old)

    assert_computes(transforms.block_diagonal(cells.antisymmetric_rnn, "M", 3), transcribed, sizes={"n_h": 6, "n_x": 5})


# Normalisation


def norm(p, name, z, bias=""):
    return layer_norm(z, vars(p)[f"g_{name}"]) + vars(p)[bias or f"b_{name}"]


def test_layer_norm_of_pre_activations():
    def of_lstm(p, now, old):
        i, f, g, o = (norm(p, q, vars(p)[f"W_{q}"] @ now.x + vars(p)[f"U_{q}"] @ old.h) for q in "ifgo")
        c = sigma(f) * old.c + sigma(i) * jnp.tanh(g)
        return {"c": c, "h": sigma(o) * jnp.tanh(c)}

    def of_gru(p, now, old):
        z, r = (sigma(norm(p, q, vars(p)[f"W_{q}"] @ now.x + vars(p)[f"U_{q}"] @ old.h)) for q in "zr")
        n = jnp.tanh(norm(p, "n", p.W_n @ now.x + r * (p.U_n @ old.h + p.d_n)))
        return {"h": (1 - z) * n + z * old.h}

    def of_mut1(p, now, old):
        """Two sums in one equation, one within the other; the inner one has no bias of its own."""
        z = sigma(norm(p, "z", p.W_z @ now.x))
        r = sigma(norm(p, "r", p.W_r @ now.x + p.U_r @ old.h))
        inner = jnp.tanh(norm(p, "g", p.W_g @ now.x, "b_g_2"))
        g = jnp.tanh(layer_norm(p.U_g @ (r * old.h) + inner, p.g_g_2) + p.b_g)
        return {"h": g * z + old.h * (1 - z)}

    def of_fast_weights(p, now, old):
        k = jnp.tanh(norm(p, "k", p.W_k @ now.x + p.U_k @ old.h))
        A = sigma(old.s) * old.A + jnp.outer(old.h, k)
        return {"A": A, "s": old.s / 2 + p.w, "h": jnp.tanh(norm(p, "h", A @ k + p.W_h @ now.x))}

    assert_computes(transforms.layer_norm(lstm), of_lstm)
    assert_computes(transforms.layer_norm(gru_reset_after), of_gru)
    assert_computes(transforms.layer_norm(cells.mut1), of_mut1)
    assert_computes(transforms.layer_norm(fast_weights()), of_fast_weights)


def test_layer_norm_of_each_product():
    def of_gru(p, now, old):
        def normed(name, z):
            return layer_norm(z, vars(p)[f"g_{name}"])

        z, r = (
            sigma(normed(f"W_{q}", vars(p)[f"W_{q}"] @ now.x) + normed(f"U_{q}", vars(p)[f"U_{q}"] @ old.h) + vars(p)[f"b_{q}"])
            for q in "zr"
        )
        n = jnp.tanh(normed("W_n", p.W_n @ now.x) + p.b_n + r * (normed("U_n", p.U_n @ old.h) + p.d_n))
        return {"h": (1 - z) * n + z * old.h}

    assert_computes(transforms.layer_norm(gru_reset_after, apart=True), of_gru)


def test_layer_norm_of_a_state_and_of_an_intermediate():
    def of_lstm(p, now, old):
        new = step_of("lstm")(p, now, old)
        return new | {"h": sigma(pre(p, "o", now.x, old.h)) * jnp.tanh(norm(p, "c", new["c"]))}

    def of_fastgrnn(p, now, old):
        v = norm(p, "p", p.W @ now.x + p.U @ old.h)
        z, c = sigma(v + p.b_z), jnp.tanh(v + p.b_c)
        return {"h": (sigma(p.zeta) * (1 - z) + sigma(p.nu)) * c + z * old.h}

    assert_computes(transforms.layer_norm(lstm, on=State("c")), of_lstm)
    assert_computes(transforms.layer_norm(cells.fastgrnn, on="p"), of_fastgrnn)


def test_layer_norm_makes_the_catalogues_layer_norm_lstm():
    """Of an LSTM whose gates are one sum: its products apart, and then the cell state."""
    h, c, x, (o, v) = State("h"), State("c"), Input("x"), symbols("o v")
    gates = cells.layer_norm_lstm.equations[1:-1]
    joint = Cell("joint", [
        Eq(v, Param("W") @ x + Param("U") @ h.prev + Param("b")), *[Eq(e.target, e.rhs) for e in gates], Eq(h, o * tanh(c)),
    ])  # fmt: skip
    made = transforms.layer_norm(transforms.layer_norm(joint, on="v", apart=True), on="c")
    call = Call(made)
    renamed = {"g_W": "g_x", "g_U": "g_h"}
    other = Call(cells.layer_norm_lstm, sizes={n.name: k for n, k in call.sizes.items()})
    other.params, other.inputs = {renamed.get(q, q): a for q, a in call.params.items()}, call.inputs
    other.initial, other.cotangents, other.final = call.initial, call.cotangents, call.final
    for states, expected in zip(call.found(), other.found(), strict=True):
        for q, a in states.items():
            key = (q[0], renamed.get(q[1], q[1])) if isinstance(q, tuple) else q
            np.testing.assert_allclose(a, expected[key], 1e-12, 1e-12)


# Layers


@pytest.mark.parametrize(("name", "shown"), [("lstm", "h"), ("gru_reset_after", "h"), ("mamba", "y")])
def test_residual(name, shown):
    made, added_name = transforms.residual(cells.get(name)), "y_2" if name == "mamba" else "y"
    assert [s.name for s in made.outputs] == [added_name]
    assert_computes(made, added(step_of(name), shown, added_name))


def test_residual_of_declared_sizes():
    made = transforms.residual(cells.qrnn)
    assert made.sizes == ("n_h",) and made.shape("x_1") == made.shape("h")
    assert_computes(made, added(step_of("qrnn")))


@each
def test_concat_inputs(cell, step):
    def transcribed(p, now, old):
        return step(p, changed(now, x=jnp.concatenate([now.u, now.v, now.w_2])), old)

    made = transforms.concat_inputs(cell, ["u", "v", "w_2"])
    assert [q.name for q in made.inputs] == ["u", "v", "w_2"]
    assert_computes(made, transcribed)


def test_concat_inputs_where_a_state_has_their_size():
    def transcribed(p, now, old):
        return step_of("qrnn")(p, changed(now, x=jnp.concatenate([now.u, now.v])), old)

    made = transforms.concat_inputs(cells.qrnn, ["u", "v"])
    assert {*made.sizes} == {"n_u", "n_v", "n_h"}
    assert_computes(made, transcribed)


@pytest.mark.parametrize(
    "names", [("lstm", "gru_reset_after"), ("lstm", "lstm", "lstm"), ("mamba", "phased_lstm"), ("gla", "qrnn"), ("qrnn", "gla")], ids="-".join
)
def test_stack(names):
    made = transforms.stack([cells.get(name) for name in names])
    assert_computes(made, layers(*map(step_of, names)), masks=["t_2"])


def test_stack_of_several_outputs():
    wide = Cell("wide", [Eq(e.target, e.rhs) for e in lstm.equations], outputs=[State("c"), State("h")])
    made = transforms.stack([wide, gru_reset_after], name="two")

    def transcribed(p, now, old):
        first = layers(step_of("lstm"))(p, now, old)
        value = jnp.concatenate([first["c_1"], first["h_1"]])
        own = SimpleNamespace(**{n.removesuffix("_2"): a for n, a in vars(p).items() if n.endswith("_2")})
        return first | {"h_2": step_of("gru_reset_after")(own, SimpleNamespace(x=value), SimpleNamespace(h=old.h_2))["h"]}

    assert made.name == "two" and made.shape("W_z_2")[1] == 2 * made.shape("h_1")[0]
    assert_computes(made, transcribed)


# Compositions


def test_a_noisy_normalised_cell_of_episodes():
    def normed(p, now, old):
        z, r = (sigma(norm(p, q, vars(p)[f"W_{q}"] @ now.x + vars(p)[f"U_{q}"] @ old.h)) for q in "zr")
        n = jnp.tanh(norm(p, "n", p.W_n @ now.x + r * (p.U_n @ old.h + p.d_n)))
        return {"h": (1 - z) * n + z * old.h}

    made = transforms.resettable(transforms.zoneout(transforms.layer_norm(gru_reset_after)))
    assert_computes(made, cleared(zoned(normed)), masks=["reset"])


def test_a_stack_of_transformed_layers_and_a_transformed_stack():
    made = transforms.stack([transforms.residual(transforms.zoneout(lstm)), transforms.time_gap(gru_reset_after)])
    assert {q.name for q in made.inputs} == {"x", "m_h_1", "m_c_1", "dt_2"}
    assert_computes(made, layers(added(zoned(step_of("lstm"))), decayed(step_of("gru_reset_after"))))

    made = transforms.low_rank(transforms.resettable(transforms.stack([fast_weights(), gru_cho])), "U_*_2", "n_r")
    step = factorised(cleared(layers(fast_weights_step, step_of("gru_cho")), A_1="A_0_1", s_1=2.0))
    call = assert_computes(made, step, masks=["reset"])
    assert call.params["U_z_2_left"].shape[1] == call.sizes[made.shape("U_z_2_left")[1]]


def test_a_stack_within_a_stack():
    inner = transforms.stack([lstm, gru_cho])
    step = layers(lambda p, now, old: (new := layers(step_of("lstm"), step_of("gru_cho"))(p, now, old)) | {"h": new["h_2"]}, step_of("lstm"))

    def shown(p, now, old):
        return {s: a for s, a in step(p, now, old).items() if s != "h_1"}

    assert_computes(transforms.stack([inner, lstm]), shown)


def test_numba_kernels_compute_a_composition():
    made = transforms.resettable(transforms.low_rank(transforms.zoneout(gru_reset_after), "U_*", "n_r"), name="composed")
    call = Call(made, masks=["reset"])
    states, gradients = call.found()
    kernel = made.compile("float64")
    run = kernel.forward(call.params, call.inputs, call.initial)
    found = kernel.backward(run, call.cotangents, call.final)
    for s, a in states.items():
        np.testing.assert_allclose(run.states[s], a, 1e-10, 1e-10)
    for (kind, q), a in gradients.items():
        np.testing.assert_allclose(getattr(found, kind)[q], a, 1e-10, 1e-10)
