"""Errors put into generated source, one at a time, as a wrong derivation or a wrong emitter would make them: each is found.

A mutant is made by its syntax tree, not by its lines, so that the layout of the generated text does not matter; but the statement
and what is replaced in it must be there, exactly as often as expected.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from references import REFERENCES
from support.plain import plain_kernel

from symcell import cells
from symcell.check import check_kernel
from symcell.compiler import source_of


@dataclass(frozen=True)
class Mutant:
    """In the one statement of `function` (a prefix of its name) that begins like `statement`, `old`, which stands there so many
    `times`, becomes `new`; patterns are regular expressions. `finds` is a row that must fail."""

    name: str
    cell: str
    function: str
    statement: str
    old: str
    new: str | Callable
    finds: str
    times: int = 1


def exchanged(gate):
    """f for i, i for f."""
    return {"f": "i", "i": "f"}[gate[0]]


FORWARD, BACKWARD, AFTER = ("forward_step", "forward_pass"), ("backward_step", "backward_pass"), "backward_after"

MUTANTS = (
    Mutant("gates swapped", "lstm", FORWARD, r"c = ", r"\b[fi](?=_out\[j\])", exchanged, "c (interpreter)", times=2),
    Mutant("bias dropped", "lstm", FORWARD, r"z_o = ", r"\+\s*b_o\[j\]|b_o\[j\]\s*\+", "", "h (interpreter)"),
    Mutant("state of another step", "lstm", FORWARD, r"multiply\(products, steps_at\(h_seq, t,", r"h_seq, t, t \+ 1", "h_seq, max(t - 1, 0), max(t, 1)",
           "h (interpreter)"),
    Mutant("weights a column off", "lstm", "pack_weights", r"pack\(matrix, 0, n_x, False", r"\bW, 0, k \* n_h", "W, 0, k * n_h + 1", "c (interpreter)"),
    Mutant("sign of the update gate", "gru", FORWARD, r"c = ", r"one - i\[j\]", "one + i[j]", "c (interpreter)"),
    Mutant("wrong gate resets", "gru", FORWARD, r"v_g = ", r"\br\b", "i", "c (interpreter)"),
    Mutant("gates' adjoints swapped", "lstm", BACKWARD, r"di = ", r"\bg\[j\]", "f[j]", "d params W_i (complex step)"),
    Mutant("carousel dropped", "lstm", BACKWARD, r"dc = ", r"\+\s*dc_carried\[j\]|dc_carried\[j\]\s*\+", "",
           "d initial h (complex step)"),
    Mutant("sign in the gate's derivative", "lstm", BACKWARD, r"dz_o = ", r"one - o\[j\]", "one + o[j]",
           "d params U_o (complex step)"),
    Mutant("new state in place of the old", "lstm", "backward_pass", r"add_outer_products\(.*h_seq, first, last",
           r"h_seq, first, last", "h_seq, first + 1, last + 1",
           "d params U_g (complex step)"),
    Mutant("weights in each other's place", "lstm", "pack_weights", r"for k, matrix in enumerate\(\(U_i, U_f, U_g, U_o\)\):\n +pack\(matrix, 0, n_h, False",
           r"(?<=U_)[fi]", exchanged, "c (interpreter)", times=2),
    Mutant("weights of another gate in the adjoint", "lstm", "pack_weights", r"for k, matrix in enumerate\(\(U_i, U_f, U_g, U_o\)\):\n +pack\(matrix, 0, n_h, True",
           r"(?<=U_)[fi]", exchanged, "d initial h (complex step)", times=2),
    Mutant("sum over steps forgotten", "lstm", AFTER, r"db_f\[j\] \+= ", r"\+=", "=", "d params b_f (complex step)"),
    Mutant("path through the gates dropped", "gru", BACKWARD, r"dc_prev = ",
           r"\+\s*dc_prev_from_dz_r\[j\]|dc_prev_from_dz_r\[j\]\s*\+", "", "d initial c (complex step)"),
    Mutant("steps in the wrong order", "gru", "backward_pass", r"for t in range\(last - 1, first - 1, -1\):\n +for b in .*\n +if .*\n +backward_step",
           r"last - 1, first - 1, -1", "first, last",
           "d params U_g (complex step)"),
)


def mutated(source, mutant):
    """The source with the mutant's error in it."""
    functions = [node for node in ast.parse(source).body
                 if isinstance(node, ast.FunctionDef) and node.name.startswith(mutant.function)]
    statements = [node for function in functions for node in ast.walk(function)
                  if isinstance(node, ast.stmt) and re.match(mutant.statement, ast.unparse(node))]
    assert len(statements) == 1, f"{mutant.name}: {len(statements)} statements like {mutant.statement}"
    start, end = _extent(source, statements[0])
    text, count = re.subn(mutant.old, mutant.new, source[start:end])
    assert count == mutant.times, f"{mutant.name}: {mutant.old} stands {count} times in {source[start:end]}"
    return source[:start] + text + source[end:]


def _extent(source, node):
    """Where a statement begins and ends in the text; of a loop, its head alone."""
    lines = source.split("\n")
    last = node.iter if isinstance(node, ast.For) else node
    starts = [sum(len(line) + 1 for line in lines[:number - 1]) for number in (node.lineno, last.end_lineno)]
    return starts[0] + node.col_offset, starts[1] + last.end_col_offset


def report_of(name, source):
    """Of a module as plain Python, which computes the same: an error in its text is no matter of compilation."""
    return check_kernel(plain_kernel(cells.get(name), source=source), reference=REFERENCES[name], cases=1)


@pytest.mark.parametrize("name", sorted({mutant.cell for mutant in MUTANTS}))
def test_the_original_passes(name):
    report_of(name, source_of(cells.get(name))).raise_if_failed()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.cell}: {mutant.name}")
def test_the_mutant_is_found(mutant):
    report = report_of(mutant.cell, mutated(source_of(cells.get(mutant.cell)), mutant))
    failed = {row.name: row for row in report.failures}
    assert mutant.finds in failed, report
    assert failed[mutant.finds].error > 1e-3, "the error is no matter of rounding"
    assert mutant.finds.replace("complex step", "reference").replace("interpreter", "reference") in failed
    if mutant.finds.startswith("d "):
        assert not any("interpreter" in name or name.startswith("step") for name in failed), "the forward pass is untouched"
