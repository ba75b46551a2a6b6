"""Program -> assignments as a reader wants them: products are expressions, and what one other statement reads stands in it."""

from collections import Counter
from dataclasses import replace

from sympy import Add

from symcell.language.primitives import across, contract, divide, matmul, merge, transpose
from symcell.language.symbols import Adjoint
from symcell.program.primitives import columns
from symcell.program.program import Assign, Product


def assignments(program):
    """The statements of the forward and of the backward pass: Assigns and Gradients."""
    forward, backward = ([r for s in some for r in expanded(program, s)] for some in (program.forward, program.backward))
    rows = {r.target for r in (*program.derivation.forward, *program.derivation.adjoint)}
    temporary = read_once(forward, backward) - rows
    return inlined(forward, temporary), inlined(backward, temporary)


def read_once(*directions):
    """The values that one statement reads."""
    readers = Counter(q for statements in directions for s in statements for q in s.sources)
    return {q for q, n in readers.items() if n == 1}


def tape(program, forward, backward):
    """What the backward pass reads that the forward pass makes, states of the step before among it."""
    made = {t for s in forward for t in s.targets} | {q for q in program.carried if not isinstance(q, Adjoint)}
    return [q for q in dict.fromkeys(q for s in backward for q in s.sources) if q in made]


def expanded(program, s):
    """The assignments of a product."""
    if not isinstance(s, Product):
        return [s]
    count = len(s.weights)
    targets, operands = s.targets * (count // len(s.targets)), s.operands * (count // len(s.operands))
    products = [_product(program, *of) for of in zip(s.weights, operands, targets, strict=True)]
    if len(s.operands) > 1:
        products = [Add(*products)]
    return [Assign(t, e, s.place, s.note) for t, e in zip(s.targets, products, strict=True)]


def _product(program, weight, operand, target):
    """The product as an expression. Those of heads are of whole vectors, or of what lies in memory like one."""
    over, heads = program.shapes[weight.symbol].over, program.shapes[operand].over
    if not over:
        e = _of_vectors(program, weight, merge(operand, *heads) if heads else operand)
        return divide(e, *program.shapes[target].over) if program.shapes[target].over else e
    e = _of_vectors(program, weight, operand)
    return across(e, *over) if weight.transposed else e


def _of_vectors(program, weight, operand):
    matrix = matrix_of(weight)
    if not weight.transposed:
        return matmul(matrix, operand)
    return contract(matrix, operand) if len(program.shapes[weight.symbol]) > 2 else matmul(transpose(matrix), operand)


def matrix_of(weight):
    """The matrix of a weight, before it is transposed."""
    return weight.symbol if weight.columns is None else columns(weight.symbol, *weight.columns)


def inlined(statements, temporary):
    """The statements, in which those that make temporary values stand where these are read, if that is in the same loop."""
    made, gone = {}, set()
    for s in statements:
        if isinstance(s, Assign):
            here = {q: made[q].expr for q in s.sources if q in temporary and _is_beside(made.get(q), s) and s.expr.count(q) == 1}
            s = replace(s, expr=s.expr.xreplace(here))
            gone |= here.keys()
        made[s.targets[0]] = s
    return [s for t, s in made.items() if t not in gone]


def _is_beside(s, reader):
    """Whether an assignment stands in the loop of another."""
    return isinstance(s, Assign) and not s.summed and (s.place, s.recurrence) == (reader.place, reader.recurrence)
