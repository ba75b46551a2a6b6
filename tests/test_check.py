"""The checks themselves: representatives of the catalogue pass, and what is wrong is found and named."""

from dataclasses import replace

import numpy as np
import pytest
from references import REFERENCES
from support.representatives import compiled_names, in_single_precision
from sympy import Eq, log, tanh

from symcell import Cell, CellError, Constant, Input, Param, State, affine, cells, cumsum, outer, repeat, stop_gradient
from symcell.check import CheckReport, Row, check, check_kernel

x, h = Input("x"), State("h")


@pytest.mark.parametrize("name", compiled_names())
def test_kernels_in_double_precision(name):
    """All cells agree with transcriptions of their own: see test_zoo."""
    check(cells.get(name), "float64", reference=REFERENCES.get(name), cases=1).raise_if_failed()


@pytest.mark.parametrize("name", in_single_precision())
def test_representatives_in_single_precision(name):
    check(cells.get(name), "float32", reference=REFERENCES.get(name), cases=1).raise_if_failed()


def test_the_rows_say_what_was_compared():
    report = check(cells.rnn, reference=REFERENCES["rnn"], cases=1)
    names = [row.name for row in report.rows]
    assert len(set(names)) == len(names)
    assert {"a (interpreter)", "a (reference)", "final a (last step)", "step a (forward)", "d params W_a (complex step)",
            "d params W_a at coordinates (complex step)", "d inputs x (reference)", "d initial a (complex step)",
            "d initial a (in two parts)", "<v, J u> = <J' v, u>", "T=0: gradients", "T=1: states", "B=1: reference",
            "declared initial: gradients", "sizes 1: adjoint identity"} <= set(names)
    assert str(report).startswith(f"rnn (float64): {len(names)} comparisons, all agree\n")
    assert "n_h=" in report.rows[0].where


def test_the_same_seed_gives_the_same_report():
    reports = [check(cells.scalar_rnn, seed=seed, cases=1) for seed in (3, 3, 4)]
    assert reports[0] == reports[1] != reports[2]


def test_a_report_raises_with_the_rows_that_failed():
    rows = (Row("a", 1e-15, 1e-12), Row("b", 1e-3, 1e-12, "T=4"), Row("c", np.nan, 1e-12), Row("d", np.inf, 0.0))
    report = CheckReport("cell", "float64", rows)
    assert not report.passed
    assert report.failures == rows[1:]
    with pytest.raises(AssertionError, match="3 fail") as raised:
        report.raise_if_failed()
    assert "FAIL b" in str(raised.value) and "T=4" in str(raised.value) and "ok" not in str(raised.value)
    CheckReport("cell", "float64", rows[:1]).raise_if_failed()


# A wrong kernel is found: each of these spoils one result of a right one.


class Spoilt:
    """A kernel whose results are changed on their way out."""

    def __init__(self, kernel, of_run=lambda run: None, of_gradients=lambda gradients: None):
        self.declaration, self.module, self.dtype, self.step = kernel.declaration, kernel.module, kernel.dtype, kernel.step
        self.kernel, self.of_run, self.of_gradients = kernel, of_run, of_gradients

    def forward(self, *arguments):
        run = self.kernel.forward(*arguments)
        self.of_run(run)
        return run

    def backward(self, *arguments):
        gradients = self.kernel.backward(*arguments)
        self.of_gradients(gradients)
        return gradients


def failures(of_run=lambda run: None, of_gradients=lambda gradients: None):
    kernel = Spoilt(cells.rnn.compile("float64"), of_run, of_gradients)
    return {row.name for row in check_kernel(kernel, cases=3).failures}


def scale(group, name):
    def spoil(gradients):
        values = getattr(gradients, group)
        values[name] = values[name] * (1 + 1e-6)

    return spoil


@pytest.mark.parametrize(("group", "name"), [("params", "W_a"), ("params", "b_a"), ("inputs", "x"), ("initial", "a")])
def test_a_gradient_that_is_wrong_in_its_sixth_digit_is_found(group, name):
    found = failures(of_gradients=scale(group, name))
    assert {f"d {group} {name} (complex step)", f"d {group} {name} at coordinates (complex step)"} <= found
    assert not any(row.startswith("d ") and f" {name} " not in row for row in found)


def test_other_faults_are_found():
    assert "final a (last step)" in failures(of_run=lambda run: run.final.update(a=run.final["a"] * (1 + 1e-15)))
    assert "dtype and outputs" in failures(of_run=lambda run: run.final.update(a=run.final["a"].astype("float32")))
    assert {"a (interpreter)", "step a (forward)"} <= failures(of_run=lambda run: run.states.update(a=run.states["a"] + 1e-9))
    assert "d params b_a (shape)" in failures(of_gradients=lambda gradients: gradients.params.pop("b_a"))
    assert "T=0: gradients" in failures(of_gradients=lambda gradients: gradients.initial.update(a=0 * gradients.initial["a"]))
    assert "d params W_a (complex step)" in failures(of_gradients=lambda gradients: gradients.params["W_a"].fill(np.nan))


def test_a_wrong_reference_is_found():
    def backward(*arguments):
        dparams, *others = REFERENCES["rnn"].backward(*arguments)
        return (dparams | {"U_a": -dparams["U_a"]}, *others)

    report = check(cells.rnn, reference=replace(REFERENCES["rnn"], backward=backward), cases=1)
    ordinary = [row.name for row in report.failures if "reference" in row.name and ":" not in row.name]
    assert ordinary == ["d params U_a (reference)"]


# Cells that ask for special care.


def test_sizes_that_must_divide():
    cell = Cell("threefold", [Eq(h, tanh(repeat(Param("W") @ x, 3) + h.prev * Param("p")))])
    report = check(cell, cases=2)
    report.raise_if_failed()
    assert all(int(row.where.split("n_h=")[1].split(",")[0].split(";")[0]) % 3 == 0 for row in report.rows)


def test_inputs_stay_in_the_domain():
    check(Cell("logarithm", [Eq(h, log(Param("W") @ x) + h.prev / 2)]), cases=2).raise_if_failed()
    with pytest.raises(CellError, match="no random inputs"):
        check(Cell("nowhere", [Eq(h, log(-(x ** 2)) + h.prev)]), cases=1)


def test_an_impossible_declared_value_is_left_out():
    report = check(Cell("inverse", [Eq(h, 1 / h.prev + Param("p") * x)]), cases=1)
    assert not any(row.name.startswith("declared") for row in report.rows)


def test_matrix_states_constants_and_an_initial_parameter():
    k, v = Input("k"), Input("v")
    M, y = State("M", ("n_v", "n_k"), initial=Param("M_0", ("n_v", "n_k"))), State("y", "n_v")
    cell = Cell("memory", [Eq(M, Constant("decay", ()) * M.prev + outer(v, k)), Eq(y, tanh(M @ k + Param("p") * y.prev))])
    report = check(cell, cases=1)
    report.raise_if_failed()
    names = {row.name for row in report.rows}
    assert "d params M_0 (complex step)" in names and not any("decay" in name for name in names)


def test_stopped_gradients_agree():
    check(Cell("stopped", [Eq(h, tanh(affine(x, h.prev)) + stop_gradient(h.prev) * Param("p"))]), cases=1).raise_if_failed()


def test_central_differences_stand_in_for_the_complex_step(monkeypatch):
    def of_real_numbers_only(self, e, axis):
        if np.iscomplexobj(e):
            raise TypeError("no complex numbers")
        return e.cumsum()

    monkeypatch.setattr(cumsum, "evaluate", of_real_numbers_only)
    report = check(Cell("running", [Eq(h, tanh(cumsum(affine(x, h.prev))))]), cases=1)
    report.raise_if_failed()
    assert "d params W_h (central differences)" in {row.name for row in report.rows}
