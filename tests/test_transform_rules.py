"""What transforms name, keep, print and refuse."""

import re
from pathlib import Path

import pytest
from sympy import Eq, Max, Symbol, oo, tanh

import symcell
from symcell import Cell, CellError, Input, Param, State, affine, cells, sigmoid, transforms
from symcell.cells import gru_reset_after, lstm

X, H, C = Input("x"), State("h"), State("c")
MADE = {
    "layer_norm": transforms.layer_norm,
    "zoneout": transforms.zoneout,
    "recurrent_dropout": transforms.recurrent_dropout,
    "resettable": transforms.resettable,
    "time_gap": transforms.time_gap,
    "low_rank": lambda cell, name=None: transforms.low_rank(cell, "U_*", "n_r", name),
    "block_diagonal": lambda cell, name=None: transforms.block_diagonal(cell, "U_*", "n_heads", name),
    "residual": transforms.residual,
    "concat_inputs": lambda cell, name=None: transforms.concat_inputs(cell, ["u", "v"], name),
}  # fmt: skip
every = pytest.mark.parametrize("transform", MADE)


def test_every_transform_is_here():
    assert {*MADE, "stack"} == {*transforms.__all__}
    assert symcell.transforms is transforms


@every
def test_names_outputs_and_reference(transform):
    before = repr(lstm)
    assert transform == "residual" or MADE[transform](SHOWN).outputs == (C, H)
    made = MADE[transform](lstm)
    assert made.name == f"lstm_{transform}" and MADE[transform](lstm, name="mine").name == "mine"
    assert [s.name for s in made.outputs] == ["y" if transform == "residual" else "h"]
    assert re.fullmatch(rf"{transform} \(.*arXiv:.*\) of lstm: {re.escape(lstm.reference)}", made.reference)
    assert repr(lstm) == before


@every
def test_the_users_own_symbols_go_on_meaning_the_same(transform):
    made = MADE[transform](lstm)
    assert {H, C} <= {*made.states} and made.shape(H) == lstm.shape(H)
    expected = {"zoneout": "m_c + f*(1 - m_c)", "resettable": "f*Piecewise((0, reset > 0), (1, True))", "time_gap": "f*gamma_c"}
    assert str(made.jacobian(C, C.prev)) == expected.get(transform, "f")


@every
def test_derivations_print(transform):
    made = MADE[transform](MADE[transform](gru_reset_after)) if transform in ("layer_norm", "residual") else MADE[transform](lstm)
    text = made.derive().latex(document=True)
    assert text.count(r"\label{") > len(made.equations) and "None" not in text


def test_a_stack_names_its_layers():
    made = transforms.stack([lstm, gru_reset_after, lstm])
    assert made.name == "lstm_gru_reset_after_lstm_stack" and transforms.stack([lstm, lstm], name="deep").name == "deep"
    assert made.sizes == ("n_h_1", "n_x", "n_h_2", "n_h_3") and [s.name for s in made.outputs] == ["h_3"]
    assert [s.name for s in made.states] == ["c_1", "h_1", "h_2", "c_3", "h_3"]
    assert made.shape("W_z_2") == (*made.shape("h_2"), *made.shape("h_1"))
    assert f"lstm: {lstm.reference}; gru_reset_after: " in made.reference
    assert r"\label{" in made.derive().latex()


def test_a_stack_keeps_the_sizes_of_its_layers_apart():
    """Where the size of the first layer's input is that of a state, whatever its name is."""
    first = transforms.residual(transforms.stack([lstm, lstm]))
    made = transforms.stack([first, lstm])
    assert made.shape("x") == made.shape("h_2_1") != made.shape("h_2")


def test_the_first_layer_may_have_any_inputs_and_the_last_any_outputs():
    made = transforms.stack([TWO, BOTH])
    assert [q.name for q in made.inputs] == ["u_1", "v_1"] and [s.name for s in made.outputs] == ["S_2", "y_2"]
    made = transforms.stack([transforms.zoneout(lstm), transforms.recurrent_dropout(lstm)])
    assert {q.name for q in made.inputs} == {"x", "m_c_1", "m_h_1", "d_h_2"}


def test_what_a_cell_declares_is_kept():
    S = State("S", ("n_h", "n_k"), initial=Param("S_0", ("n_h", "n_k")))
    cell = Cell("declared", [
        Eq(S, sigmoid(Param("a", ())) * S.prev + Param("M", ("n_h", "n_k"))), Eq(H, tanh(Param("R", blocks="n_b") @ H.prev + S @ affine(X))),
    ])  # fmt: skip
    for made in (transforms.resettable(cell), transforms.zoneout(cell), transforms.residual(transforms.stack([cell, gru_reset_after]))):
        assert {q.name.removesuffix("_1") for q in cell.params} <= {q.name.removesuffix("_1") for q in made.params}
        (state,) = [s for s in made.states if s.name in ("S", "S_1")]
        assert state.initial in made.params and made.shape(state.initial) == made.shape(state)
        (R,) = [q for q in made.params if q.name in ("R", "R_1")]
        assert len(made.shape(R)) == 3 and R.blocks is not None


def test_names_of_the_transforms_own_quantities_give_way():
    taken = Cell("taken", [Eq(Symbol("h_hat"), tanh(affine(X, H.prev))), Eq(H, Symbol("h_hat") * Param("W_gamma_h"))])
    assert "h_hat_2" in {q.name for q in transforms.zoneout(taken).intermediates}
    assert "W_gamma_h_2" in {q.name for q in transforms.time_gap(taken).params}
    assert [s.name for s in transforms.residual(transforms.residual(lstm)).outputs] == ["y_2"]


def test_patterns_choose_matrices_alone():
    made = transforms.low_rank(cells.peephole_lstm, ["[UW]_i", "*"], 2)
    assert not any(q.name in ("W_i", "U_o") for q in made.params) and {"p_i", "b_i"} <= {q.name for q in made.params}


TWO = Cell("two", [Eq(H, tanh(affine(Input("u"), Input("v"), H.prev)))])
DELAY = Cell("delay", [Eq(H, Param("w") * X)])
RUNNING = Cell("running", [Eq(State("m", initial=-oo), Max(State("m", initial=-oo).prev, X))])
BARE = Cell("bare", [Eq(State("S", ("n", "k"), initial=Param("S_0")), State("S", ("n", "k"), initial=Param("S_0")).prev * Input("g", ()))])
SHOWN = Cell("shown", [Eq(e.target, e.rhs) for e in lstm.equations], outputs=[C, H])
BOTH = Cell("both", [Eq(e.target, e.rhs) for e in cells.gla.equations], outputs=cells.gla.states)
MATRIX = Cell("matrix", [Eq(e.target, e.rhs) for e in cells.gla.equations], outputs=[cells.gla.states[0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: t.zoneout("lstm"), "zoneout takes a Cell, found str"),
        (lambda t: t.stack([lstm, 3]), "stack takes a Cell, found int"),
        (lambda t: t.stack(lstm), "stack takes a list of two cells or more, as stack([lstm, gru]), found Cell('lstm'"),
        (lambda t: t.stack([lstm]), "stack takes a list of two cells or more"),
        (lambda t: t.stack([lstm, TWO]), "cell two: stack needs one input, or one among several that is called x, found u, v"),
        (lambda t: t.stack([MATRIX, lstm]), "cell lstm: stack feeds a value of shape (n_k_1, n_v_1) for each of n_heads_1 to layer 2, whose input x has shape (n_x,)"),
        (lambda t: t.stack([BOTH, lstm]), "joins several outputs, which are vectors, found S of shape (n_k_1, n_v_1)"),
        (lambda t: t.residual(TWO), "cell two: residual needs one input, or one among several that is called x, found u, v"),
        (lambda t: t.residual(SHOWN), "cell shown: residual needs one output, found c, h; declare the cell with outputs=h"),
        (lambda t: t.residual(MATRIX), "cell matrix: residual adds the input x of shape (n_x,) to the output S of shape (n_k, n_v)"),
        (lambda t: t.concat_inputs(lstm, "uv"), "concat_inputs takes the names of two inputs or more, as ['u', 'v'], found 'uv'"),
        (lambda t: t.concat_inputs(lstm, ["u"]), "concat_inputs takes the names of two inputs or more"),
        (lambda t: t.concat_inputs(lstm, ["u", "g"]), "adds the input g, a name that the intermediate g has; choose another with names="),
        (lambda t: t.concat_inputs(lstm, ["u", 3]), "names an input by a Python identifier, found 3; choose another with names="),
        (lambda t: t.concat_inputs(cells.scalar_rnn, ["u", "v"]), "puts vectors in place of the input x, which has shape ()"),
        (lambda t: t.zoneout(cells.zoneout_lstm), "zoneout adds the input m_c, a name that the input m_c of shape (n_h,) has; choose another with mask="),
        (lambda t: t.zoneout(lstm, "z"), "cell lstm: zoneout takes states of the cell (c, h), found 'z'"),
        (lambda t: t.zoneout(lstm, State("h", "n")), "cell lstm: zoneout takes states of the cell (c, h), found h"),
        (lambda t: t.zoneout(DELAY), "cell delay: zoneout needs a state whose previous value a step reads, as h.prev, and found none"),
        (lambda t: t.recurrent_dropout(cells.mingru), "needs a matrix product that reads a previous state, as W @ h.prev, and found none; on= names others"),
        (lambda t: t.recurrent_dropout(lstm, on="c"), "recurrent_dropout masks c.prev where matrix products read it, and none does"),
        (lambda t: t.recurrent_dropout(lstm, on="W_i"), "takes states, inputs and intermediates of the cell (c, h, x, i, f, g, o), found 'W_i'"),
        (lambda t: t.resettable(lstm, reset="h"), "resettable adds the input h, a name that the state h has; choose another with reset="),
        (lambda t: t.resettable(lstm, reset="n_h"), "resettable adds the input n_h, a name that the size n_h has; choose another with reset="),
        (lambda t: t.resettable(RUNNING), "cell running: resettable writes m's initial value into an equation, found -oo; a large number, 1e30, stands for it"),
        (lambda t: t.resettable(BARE), "where the shape of S_0 must be known; write Param('S_0', ('n', 'k'))"),
        (lambda t: t.time_gap(cells.t_lstm), "time_gap adds the input dt, a name that the input dt of shape () has; choose another with dt="),
        (lambda t: t.low_rank(lstm, "V_*", 2), "takes patterns that match parameters of two axes (W_i, U_i, W_f, U_f, W_g, U_g, W_o, U_o), found 'V_*'"),
        (lambda t: t.low_rank(lstm, ["U_*", "b_*"], 2), "found 'b_*'"),
        (lambda t: t.low_rank(lstm, [], 2), "takes one pattern or more"),
        (lambda t: t.low_rank(lstm, "U_*", 0), "the rank is at least 1, found 0"),
        (lambda t: t.block_diagonal(cells.scalar_rnn, "*", 2), "takes patterns that match parameters of two axes (none), found '*'"),
        (lambda t: t.layer_norm(cells.fastgrnn), "needs a nonlinearity of a sum of matrix products, such as tanh(W @ x + b), and found none; on= takes one of p"),
        (lambda t: t.layer_norm(lstm, on="h"), "cell lstm: layer_norm normalises a state where its step reads it, and no equation reads h"),
        (lambda t: t.layer_norm(cells.gla, on="S"), "cell gla: layer_norm takes vectors, found S of shape (n_k, n_v) for each of n_heads"),
        (lambda t: t.layer_norm(lstm, on="i"), "takes an intermediate that is a sum of matrix products, found i = sigmoid("),
        (lambda t: t.layer_norm(lstm, on=[]), "takes one name or more"),
        (lambda t: t.zoneout(t.stack([lstm] * 21)).name, "a cell's name has at most 100 characters, found"),
    ],
    ids=lambda a: a if isinstance(a, str) else "",
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(CellError) as raised:
        call(transforms)
    assert words in str(raised.value)


def test_the_readmes_transforms_run():
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", readme, re.S) if "transforms.stack(" in b]
    made = {}
    exec(block, made)
    assert made["agent"].name == "agent" and {q.name for q in made["agent"].inputs} == {"x", "m_c_1", "m_h_1", "reset"}
