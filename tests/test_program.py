"""The shape of programs: what is hoisted, what is stacked, what stays in a step. Counts, not values."""

from dataclasses import replace

import pytest
from sympy import Eq, exp, symbols, tanh

from symcell import Cell, Input, Param, State, affine, cells, column, row, sigmoid, softmax, total
from symcell.check import check
from symcell.compiler import program_of
from symcell.program import passes
from symcell.program.lower import lower
from symcell.program.program import Assign, Gradient, Product
from symcell.program.subexpressions import costly_functions
from symcell.program.verify import verify
from symcell.targets.numba.loops import Sweep
from symcell.targets.numba.schedule import schedule

x, h, c = Input("x"), State("h"), State("c")
f, g, z = symbols("f g z")


def products(program, direction, place):
    kinds = (Product, Gradient)
    return [s for s in getattr(program, direction) if isinstance(s, kinds) and s.place == place]


def test_lstm_has_one_stacked_product_before_one_in_the_step_and_three_behind():
    program = program_of(cells.lstm)
    (before,) = products(program, "forward", "before")
    assert [str(w) for w in before.weights] == ["W_i", "W_f", "W_g", "W_o"]
    (step,) = products(program, "forward", "step")
    assert [str(w) for w in step.weights] == ["U_i", "U_f", "U_g", "U_o"]
    assert not products(program, "forward", "after")
    (back,) = products(program, "backward", "step")
    assert back.targets[0].name == "dh_prev"
    assert [str(w) for w in back.weights] == ["U_i.T", "U_f.T", "U_g.T", "U_o.T"]
    last = products(program, "backward", "after")
    assert sorted(t.name for s in last for t in s.targets if len(s.targets) == 1) == ["dx"]
    assert len(last) == 3


def test_lstm_keeps_on_its_tape_what_the_derivation_needs():
    kept = {q.name for q in program_of(cells.lstm).tape}
    assert kept == {"i", "f", "g", "o", "c", "h"}  # tanh(c) is computed again: c is kept anyway


def test_what_the_tape_has_is_read_and_not_computed_again():
    program = program_of(cells.layer_norm_lstm)
    kept = {q.name for q in program.tape}
    assert {"z_v_2", "z_v_4"} <= kept  # U h - mean(U h), and the same of W x
    assert kept.isdisjoint({"z_v", "z_v_3", "mean_v", "mean_v_2"})
    assert dict(program.report)["reuse_tape"] == {"values on the tape": (20, 16)}


def test_a_vector_that_a_number_fills_is_not_read_in_the_place_of_the_number():
    t, u, s, y = Input("t", ()), Input("u", ()), State("s", ()), State("y", "n_h")
    filled = State("h", "n_h")
    cell = Cell("filled", [Eq(filled, t + u), Eq(s, (t + u) * s.prev), Eq(y, tanh(affine(x, filled * filled, y.prev)))])
    program = program_of(cell)
    assert filled in program.tape
    (back,) = (b for b in program.backward if b.targets[0].name == "ds_prev")
    assert {q.name for q in back.sources} == {"ds", "t", "u"}
    assert check(cell).passed


def test_a_softmax_readout_is_batched_after_the_loop():
    program = program_of(cells.rnn_readout)
    (after,) = products(program, "forward", "after")
    assert str(after.weights[0]) == "U_y"
    assert all(s.place == "after" for s in program.forward if any(t.name in ("z_y", "y") for t in s.targets))
    assert {t.name for s in products(program, "backward", "before") for t in s.targets} >= {"dU_y"}
    assert len(products(program, "forward", "step")) == 1


def test_gates_that_read_only_the_input_leave_no_product_in_the_step():
    cell = Cell("light", [Eq(f, sigmoid(affine(x))), Eq(g, tanh(affine(x))), Eq(h, f * h.prev + (1 - f) * g)])
    program = program_of(cell)
    assert not products(program, "forward", "step")
    assert not products(program, "backward", "step")
    assert len(products(program, "forward", "before")) == 1
    assert all(s.place == "before" for s in program.forward if s.targets[0].name in ("f", "g"))


def test_a_concatenated_form_is_hoisted_like_the_split_one():
    split, joined = program_of(cells.lstm), program_of(cells.lstm_concat)
    for direction, place in (("forward", "before"), ("forward", "step"), ("backward", "step"), ("backward", "after")):
        assert len(products(split, direction, place)) == len(products(joined, direction, place)), (direction, place)


def test_a_product_of_an_intermediate_waits_for_it():
    steps = products(program_of(cells.gru), "forward", "step")
    assert [len(s.weights) for s in steps] == [2, 1]


def test_parameters_alone_are_computed_once():
    a = Param("a")
    program = program_of(Cell("decay", [Eq(h, sigmoid(a) * h.prev + affine(x))]))
    once = [s for s in program.forward if s.place == "once"]
    assert [str(s.expr) for s in once] == ["sigmoid(a)"]
    assert [t.name for s in program.backward if s.place == "once" for t in s.targets] == ["da"]


def test_costly_functions_are_shared_between_the_passes():
    program = program_of(cells.lstm)
    forward, backward = (
        [str(e) for s in statements if isinstance(s, Assign) for e in s.expr.atoms(tanh, sigmoid)]
        for statements in (program.forward, program.backward)
    )
    assert len(forward) == 5
    assert backward == ["tanh(c)"]  # of what is kept anyway


def test_a_state_that_is_a_function_of_another_is_not_computed_again():
    shown = program_of(Cell("shown", [Eq(c, affine(x, h.prev)), Eq(h, tanh(c))]))
    assert not any(e for s in shown.backward if isinstance(s, Assign) for e in s.expr.atoms(tanh))
    assert {q.name for q in shown.tape} == {"h"}


def test_every_pass_reports_what_it_changed():
    report = dict(program_of(cells.lstm).report)
    assert report["common_subexpressions"]["functions"] == (7, 5)
    assert report["stack_products"]["products"][1] == 4


def test_a_program_reads_as_array_code():
    assert str(program_of(Cell("elman", [Eq(h, tanh(affine(x, h.prev)))]))) == """\
elman, forward:
  step    z_h_from_h_prev = U_h @ h_prev
  before  z_h_from_x = W_h @ x
  step    z_h = b_h + z_h_from_h_prev + z_h_from_x
  step    h = tanh(z_h)
elman, backward:
  step    dh = dh_carried + dh_cotangent
  step    dz_h = dh*(1 - h**2)
  step    dh_prev = U_h.T @ dz_h
  after   dx = W_h.T @ dz_h
  after   dW_h += outer(dz_h, x)
  after   dU_h += outer(dz_h, h_prev)
  after   db_h += dz_h"""


def test_a_concatenation_s_gradient_is_put_together_once():
    once = [s for s in program_of(cells.lstm_concat).backward if s.place == "once"]
    assert [str(s) for s in once] == [f"dW_{gate} = beside(dz_{gate}_h_prev, dz_{gate}_x)" for gate in "ifgo"]


def test_the_adjoint_of_a_vector_cut_into_chunks_is_a_concatenation():
    (made,) = (s for s in program_of(cells.layer_norm_lstm).backward if s.targets[0].name == "dv")
    assert str(made) == "dv = concat(di*i*(1 - i), dg*(1 - g**2), df*f*(1 - f), do*o*(1 - o))"


def test_a_function_of_a_broadcast_is_computed_before_it():
    S = State("S", ("n_h", "n_x"))
    program = program_of(Cell("decaying", [Eq(S, S.prev * exp(column(affine(h.prev)) / 2) * row(x)), Eq(h, S @ x)]))
    (made,) = (s for s in program.statements if isinstance(s, Assign) and s.expr.has(exp))
    assert str(made) == "exp_S = exp(z_S/2)"


def test_a_function_is_shared_with_its_transpose():
    S, M = State("S", ("n_h", "n_h")), Param("M", ("n_h", "n_h"))
    program = program_of(Cell("turned", [Eq(S, tanh(M * S.prev) + tanh(M * S.prev).T), Eq(h, S @ x)]))
    assert sum(len(costly_functions(s.expr)) for s in program.statements if isinstance(s, Assign)) == 1


@pytest.mark.parametrize("name", cells.names())
def test_the_tape_holds_nothing_that_the_backward_program_does_not_read(name):
    program = program_of(cells.get(name))
    arranged = schedule(program)
    read = {q for s in program.backward for q in s.sources}
    buffers = [*arranged.buffers.items(), *((q, buffer) for q, copies in arranged.copies.items() for buffer in copies)]
    kept = {q for q, buffer in buffers if buffer.array in arranged.tape and buffer.kind == "sequence"}
    assert kept <= read, kept - read


def sweeps(program):
    arranged = schedule(program)
    return [i for places in (arranged.forward, arranged.backward) for items in places.values() for i in items if isinstance(i, Sweep)]


def test_the_loops_of_lstm_compute_two_gates_each_and_then_what_waits_for_them():
    forward, *_ = sweeps(program_of(cells.lstm))
    assert [[s.target.name for s in nest.statements] for nest in forward.nests] == [
        ["z_i", "i", "z_f", "f"], ["z_g", "g", "z_o", "o"], ["c", "tanh_c", "h"]
    ]  # fmt: skip


@pytest.mark.parametrize("name", cells.names())
def test_a_loop_over_units_computes_few_functions_and_none_of_another(name):
    program = program_of(cells.get(name))
    replacing = set(program.overwritten.values())
    for nest in (nest for sweep in sweeps(program) for nest in sweep.nests if nest.plain and len(nest.loops) == 1):
        waiting, counts = set(), []
        for s in nest.statements:
            counts.append(len(costly_functions(s.expr)))
            behind = not waiting.isdisjoint(s.sources)
            assert replacing.intersection(t.target for t in nest.statements) or not (behind and counts[-1])
            if behind or counts[-1]:
                waiting.add(s.target)
        assert sum(counts) <= max(2, *counts) or replacing.intersection(s.target for s in nest.statements)


@pytest.mark.parametrize("name", cells.names())
def test_loops_come_after_those_that_make_what_they_read(name):
    program = program_of(cells.get(name))
    for sweep in sweeps(program):
        missing = set(sweep.targets)
        for s in sweep.statements:
            if not s.recurrence:
                assert missing.isdisjoint(s.sources)
            missing.discard(s.target)
        assert not missing


def test_the_verifier_refuses_unsound_programs():
    program = program_of(cells.lstm)
    backward = program.backward
    broken = [
        program.with_(forward=program.forward[::-1]),
        program.with_(forward=(*program.forward, program.forward[-1])),
        program.with_(backward=tuple(s for s in backward if s.targets[0].name != "db_i")),
        program.with_(forward=tuple(replace(s, expr=s.expr * total(x)) if s.targets == (c,) else s for s in program.forward)),
    ]
    for p in broken:
        with pytest.raises(AssertionError, match="program of lstm"):
            verify(p)


def test_a_pass_that_breaks_a_program_is_found(monkeypatch):
    monkeypatch.setattr(passes, "PASSES", (lambda program: program.with_(forward=program.forward[1:]),))
    with pytest.raises(AssertionError, match="program of lstm"):
        passes.improve(lower(cells.lstm.derive()))


def test_a_softmax_gate_inside_the_recurrence_stays_in_the_step():
    cell = Cell("attention", [Eq(z, softmax(affine(x, h.prev))), Eq(h, z * h.prev + tanh(affine(x)))])
    program = program_of(cell)
    reductions = [s for s in program.forward if isinstance(s, Assign) and s.op]
    assert {s.place for s in reductions} == {"step"}
