"""Random declarations with something wrong: refused by a CellError that says where, or taken and then right.

Either a well-formed cell with one thing changed, or one call of symcell's vocabulary with arguments of the wrong kind.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from hypothesis import assume
from hypothesis import strategies as st
from sympy import Eq

from support.agreement import assert_agreement
from support.cell_text import script_of
from support.odd_calls import odd_call, odd_quantity
from support.odd_equations import MUTATIONS
from support.random_cells import declarations
from symcell import Cell, CellError


@dataclass(frozen=True, repr=False)
class Malformed:
    """How to make a cell that should not be, and what it looks like."""

    text: str
    make: Callable
    seed: int

    def __repr__(self):
        return self.text

    def _repr_pretty_(self, printer, cycle):  # hypothesis would list the fields
        printer.text(self.text)


def assert_refused_or_right(malformed):
    """A CellError that names the cell or what was called, or a cell whose kernel agrees with the oracle."""
    try:
        cell = malformed.make()
    except CellError as error:
        _assert_helpful(str(error))
        return
    assume(isinstance(cell, Cell) and cell.inputs)
    try:
        assert_agreement(cell, malformed.seed)
    except CellError as error:
        assert "random" in str(error), f"the message does not name the cell: {error}"


def _assert_helpful(message):
    named = ("cell random, equation ", "cell random: ", "cell random has no ", "a cell's name")
    called = [
        "takes",
        "needs",
        "name",
        "size",
        "shape",
        "initial",
        "axis",
        "expected",
        "must",
        "joins",
        "repeat",
        "found",
        "least",
    ]
    assert any(words in message for words in (*named, *called)), f"the message says neither where nor what: {message}"
    assert len(message) < 3000, f"a message of {len(message)} characters"
    assert not any(private in message for private in ("Dummy", "<symcell", "object at 0x")), f"a private name: {message}"


@st.composite
def malformed_declarations(draw):
    """A Malformed cell."""

    def pick(options):
        return options[draw(st.integers(0, len(options) - 1))]

    kind = pick(("call", "mutation", "mutation", "quantity"))
    seed = draw(st.integers(0, 2**16))
    if kind == "mutation":
        return _mutated(draw(declarations()), pick, seed)
    return Malformed(*(odd_call if kind == "call" else odd_quantity)(pick), seed)


def _mutated(declaration, pick, seed):
    mutation = pick(MUTATIONS)
    options = {"name": "random", "outputs": list(declaration.outputs)}
    try:
        equations = mutation(list(declaration.equations), pick, options)
    except (TypeError, ValueError, AttributeError, sympy.SympifyError):
        assume(False)  # refused by SymPy, before symcell sees it
    text = f"# {mutation.__name__.strip('_')}\n{_text_of(equations, declaration)}\n# Cell(..., {options})"
    return Malformed(text, lambda: Cell(equations=equations, **options), seed)


def _text_of(equations, declaration):
    whole = isinstance(equations, list) and all(isinstance(e, Eq) and isinstance(e.rhs, sympy.Expr) for e in equations)
    if whole:
        return script_of(type(declaration)(tuple(equations), declaration.outputs, (), 0))
    return f"equations = {equations!r}"
