"""Which parameters of a cell are kept in one tensor. Every tensor costs some microseconds a step of training, in autograd and in
the optimiser: the matrices that multiply inputs are one tensor, those that multiply previous states one, and the biases one.
"""

from typing import NamedTuple

from sympy import Add, Expr

from symcell.language.declaration import Declaration
from symcell.language.primitives import matmul
from symcell.language.symbols import Input, Param

INPUT, RECURRENT, BIAS = "weight_input", "weight_recurrent", "bias"


class Stack(NamedTuple):
    """A tensor: its name, the parameters in it, one below another, and their role, which is None for a parameter of another kind,
    which is alone."""

    name: str
    members: tuple[str, ...]
    role: str | None


def stacks_of(cell: Declaration) -> tuple[Stack, ...]:
    """The tensors of a cell's parameters, in the order of their first ones. Those of one role are stacked if they have all axes
    but the first in common; one that is alone keeps its own name."""
    groups: dict[tuple, list[str]] = {}
    for p in cell.params:
        role = role_of(cell, p)
        shape = cell.shape(p)
        groups.setdefault((role, shape[1:]) if role else (p.name,), []).append(p.name)
    stacks: list[Stack] = []
    for key, members in groups.items():
        role = key[0] if len(key) == 2 else None
        name = members[0] if len(members) == 1 else _name(role, key[1], stacks)
        stacks.append(Stack(name, tuple(members), role))
    return tuple(stacks)


def role_of(cell: Declaration, p: Param) -> str | None:
    """What a parameter is: a matrix that multiplies what inputs alone determine, another matrix, a bias, or something else."""
    rank, products = len(cell.shape(p)), _products(cell, p)
    if rank == 2 and products and not cell.dims(p).over:
        return INPUT if all(_from_inputs(cell, v) for v in products) else RECURRENT
    return BIAS if rank == 1 and _only_added(cell, p) else None


def _name(role, columns, stacks):
    """The first stack of a role has its name; others of it have other columns, which they are named after."""
    taken = any(s.name == role for s in stacks)
    return f"{role}_{'_'.join(map(str, columns))}" if taken else role


def _products(cell: Declaration, p: Param) -> list[Expr]:
    """What the matrix products of a parameter multiply; nothing if it is used otherwise too."""
    found = []
    for e in cell.equations:
        products = [m for m in e.rhs.atoms(matmul) if m.args[0] == p]
        if e.rhs.xreplace({m: m.args[1] for m in products}).has(p):
            return []
        found += [m.args[1] for m in products]
    return found


def _from_inputs(cell: Declaration, v: Expr) -> bool:
    """Whether a value depends on no previous state."""
    definitions = {e.target: e.rhs for e in cell.equations}
    previous = {s.prev for s in cell.states}
    seen, todo = set(), set(v.free_symbols)
    while todo:
        q = todo.pop()
        seen.add(q)
        if q in previous:
            return False
        if q in definitions:
            todo |= definitions[q].free_symbols - seen
    return any(isinstance(q, Input) for q in seen)


def _only_added(cell: Declaration, p: Param) -> bool:
    """Whether a parameter is a term of a sum wherever it is."""
    used = [e.rhs for e in cell.equations if e.rhs.has(p)]
    in_sums = [a for rhs in used for a in rhs.atoms(Add) if p in a.args]
    stripped = {a: a.func(*(t for t in a.args if t != p)) for a in in_sums}
    return bool(used) and not any(rhs.xreplace(stripped).has(p) for rhs in used)
