"""The rules of a declaration: what makes a list of SymPy equations a cell, or which error says why it is none."""

from contextlib import contextmanager
from dataclasses import dataclass

from sympy import Expr, Integer, S, Symbol, default_sort_key, preorder_traversal
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanAtom

from symcell.errors import CellError
from symcell.language.functions import check_printable
from symcell.language.naming import expand_affine
from symcell.language.primitives import Primitive, matmul, transpose
from symcell.language.reserved import RESERVED
from symcell.language.shapes import infer, shape_text
from symcell.language.sizes import size
from symcell.language.symbols import Constant, Input, Param, Quantity, State
from symcell.language.words import is_name


@dataclass(frozen=True)
class Equation:
    """One equation of a cell, with every affine written out."""

    number: int
    target: Symbol
    rhs: Expr

    def __str__(self):
        return f"{self.target} = {self.rhs}"


_LONGEST = 10_000  # symbols and operations in an equation: nobody reads more, and SymPy would take hours


@contextmanager
def _equation(cell, number, target):
    """Errors inside say which equation of which cell they are about."""
    try:
        yield
    except CellError as error:
        raise CellError(f"cell {cell.name}, equation {number} ({target} = ...): {error}") from None


def declared_pairs(cell, equations):
    """The (target, rhs) pairs, if these are equations at all."""
    try:
        equations = list(equations)
    except TypeError:
        raise CellError(f"cell {cell.name}: expected a list of SymPy equations, found {equations!r}") from None
    if not equations:
        raise CellError(f"cell {cell.name} has no equations")
    pairs = []
    for number, e in enumerate(equations, 1):
        if isinstance(e, (bool, BooleanAtom)):
            raise CellError(
                f"cell {cell.name}, equation {number}: SymPy has folded this Eq to {e}; both its sides were the same, "
                "or numbers. The left side must be a symbol that the right side defines"
            )
        if not isinstance(e, Equality):
            raise CellError(f"cell {cell.name}, equation {number}: expected Eq(symbol, expression), found {e!r}")
        if (length := written_out(e)) > _LONGEST:
            raise CellError(
                f"cell {cell.name}, equation {number}: {length} symbols and operations when written out, more than {_LONGEST}; "
                "give what it repeats a name, by an equation of its own"
            )
        pairs.append(_sides(cell, number, e))
    return pairs


def written_out(e):
    """The number of symbols and operations of an expression on paper, where what is shared stands as often as it is used."""
    known, waiting = {}, [e]
    while waiting:
        a = waiting[-1]
        missing = [b for b in a.args if id(b) not in known]
        if missing:
            waiting += missing
        else:
            known[id(a)] = 1 + sum(known[id(b)] for b in a.args)
            waiting.pop()
    return known[id(e)]


def _sides(cell, number, e):
    target, rhs = e.lhs, e.rhs
    plain = isinstance(target, Symbol) and (isinstance(target, State) or not isinstance(target, Quantity))
    if not plain:
        kind = getattr(target, "role", "expression")
        raise CellError(
            f"cell {cell.name}, equation {number}: the left side must be a state or a plain symbol, "
            f"found the {kind} {target}" + ("; SymPy keeps Eq's sides as written" if kind == "expression" else "")
        )
    if target.is_integer and not isinstance(target, State):
        raise CellError(
            f"cell {cell.name}, equation {number}: {target} is declared an integer, which is what sizes are; "
            f"a value needs a plain symbol, symbols({target.name!r})"
        )
    if not isinstance(rhs, Expr):
        raise CellError(
            f"cell {cell.name}, equation {number} ({target} = ...): the right side must be an expression, found {rhs}"
        )
    return target, rhs


def checked_equations(cell, declared):
    """The equations one by one: names, order, parameters, shapes."""
    matrices = {q for _, rhs in declared for q in _used_as_matrices(rhs)}
    targets = [t for t, _ in declared]
    names = _Names(cell, declared)
    _check_states(cell, declared)
    for number, (target, rhs) in enumerate(declared, 1):
        with _equation(cell, number, target):
            if target in targets[: number - 1]:
                raise CellError(f"{target} is defined twice, first by equation {targets.index(target) + 1}")
            _check_order(target, rhs, declared, number)
            names.claim(target)
            if rhs.has(S.NaN):
                raise CellError("NaN stands in it; only real numbers are known")
            rhs = _expanded(cell, target, rhs, names, matrices)
            check_printable(rhs)
            shape = infer(rhs, cell._shape_of, cell._sizes)
            _give_shape(cell, target, shape)
            yield Equation(number, target, rhs)
    for number, state in enumerate(targets, 1):
        if isinstance(state, State):
            with _equation(cell, number, state):
                _check_initial(cell, state, names)


def _check_states(cell, declared):
    defined = {t for t, _ in declared}
    for number, (target, rhs) in enumerate(declared, 1):
        for q in sorted(rhs.free_symbols, key=str):
            state = getattr(q, "state", q)
            if isinstance(state, State) and state not in defined:
                raise CellError(
                    f"cell {cell.name}, equation {number} ({target} = ...): the state {state} has no equation; "
                    f"add Eq({state}, ...)"
                )
    if not any(isinstance(t, State) for t in defined):
        raise CellError(f"cell {cell.name} has no state: at least one left side must be a State")


def _check_order(target, rhs, declared, number):
    """Everything on the right is known by now."""
    targets = [t for t, _ in declared]
    for q in sorted(rhs.free_symbols, key=str):
        defined_here = not isinstance(q, Quantity) or isinstance(q, State)
        if not defined_here or q.is_integer or q in targets[: number - 1]:
            continue
        if q not in targets and q.name in (t.name for t in targets):
            raise CellError(
                f"{q} is never defined: the {q} that has an equation is another symbol, with other assumptions or of another kind"
            )
        if q not in targets:
            raise CellError(f"{q} is never defined; it needs an equation of its own, or to be an Input, a Param or a Constant")
        if target in _reaches(q, declared):
            hint = f"; did you mean {q}.prev?" if isinstance(q, State) else ""
            both = f"{target} needs itself" if q == target else f"{target} and {q} each need the other"
            raise CellError(f"a cycle within the step: {both}{hint}")
        raise CellError(f"{q} is used before its definition in equation {targets.index(q) + 1}")


def _reaches(symbol, declared):
    """All that a symbol's definition needs, within the step."""
    definitions, seen, todo = dict(declared), set(), [symbol]
    while todo:
        for q in definitions.get(todo.pop(), Integer(0)).free_symbols - seen:
            seen.add(q)
            todo.append(q)
    return seen


class _Names:
    """One name, one thing."""

    def __init__(self, cell, declared):
        self.cell, self.owners = cell, {}
        inputs = {q for _, rhs in declared for q in rhs.atoms(Input) if q.declared is None}
        self.lone_input = len(inputs) == 1

    def claim(self, q, made_by=""):
        name = q.name
        if not is_name(name):
            raise CellError(f"the name {name!r} is no Python identifier, or a keyword; the generated code could not use it")
        if name in RESERVED:
            raise CellError(f"the name {name!r} is taken by the generated code; choose another")
        owner = self.owners.setdefault(name, q)
        if owner != q:
            raise CellError(f"the name {name!r} stands for two things: {described(owner)} and {described(q)}{made_by}")
        if isinstance(q, State):
            self.claim(q.prev)


def described(q):
    shape = "" if getattr(q, "declared", None) is None else f" of shape {shape_text(q.declared)}"
    return f"the {getattr(q, 'role', 'intermediate')} {q}{shape}"


def _expanded(cell, target, rhs, names, matrices):
    """The right side with its parameters named, and all its symbols registered."""
    for q in _in_order(rhs):
        _register(cell, q, names, matrices)

    def register(q, rank):
        names.claim(q, " made by affine")
        _register(cell, q, names, {q} if rank == 2 else ())
        return q

    return expand_affine(rhs, target, lambda e: len(infer(e, cell._shape_of, cell._sizes)), register)


def _in_order(rhs):
    """The quantities of an expression, each once, as SymPy's own traversal meets them."""
    return dict.fromkeys(q for q in preorder_traversal(rhs, keys=default_sort_key) if isinstance(q, Quantity))


def _register(cell, q, names, matrices):
    names.claim(q)
    q = getattr(q, "state", q)
    if q in cell._shapes:
        return
    blocks = getattr(q, "blocks", None)
    if q.declared is not None:
        whole = blocks is not None and len(q.declared) == 2  # the shape of the matrix, which is stored block by block
        cell._shapes[q] = (blocks, *(n / blocks for n in q.declared)) if whole else q.declared
    elif isinstance(q, State):
        cell._shapes[q] = (size("n_h"),)
    elif isinstance(q, Input):
        cell._shapes[q] = (cell._sizes.fresh("n_x" if names.lone_input else f"n_{q.name}", lasting=True),)
    elif getattr(q, "blocks", None) is not None:
        cell._shapes[q] = (q.blocks, cell._sizes.fresh(f"n_{q.name}"), cell._sizes.fresh(f"n_{q.name}"))
    else:
        rank = 2 if q in matrices else 1
        cell._shapes[q] = tuple(cell._sizes.fresh(f"n_{q.name}") for _ in range(rank))


def _used_as_matrices(rhs):
    """Parameters that stand before an @, or under a .T: matrices unless declared otherwise."""
    found = set()
    for e in rhs.atoms(matmul, transpose):
        todo = [e.args[0]]
        while todo:
            a = todo.pop()
            if isinstance(a, (Param, Constant)):
                found.add(a)
            elif not isinstance(a, Primitive) or isinstance(a, transpose):
                todo.extend(a.args)
    return found


def _give_shape(cell, target, shape):
    """The target has the right side's shape; a state has declared its own, and the two must agree."""
    if isinstance(target, State):
        declared = cell._shapes.setdefault(target, target.declared if target.declared is not None else (size("n_h"),))
        if len(declared) != len(shape) and shape:
            raise CellError(
                f"ranks do not agree: the state {target} has shape {shape_text(declared)}, "
                f"its right side {shape_text([n if n is not None else Symbol('any') for n in shape])}"
            )
        for m, n in zip(declared, shape, strict=False):
            cell._sizes.unify(m, n, f"the state {target} and its right side")
    elif any(n is None for n in shape):
        raise CellError(f"a size of {target} is unknown: column, row or fill needs a partner of a known shape")
    else:
        cell._shapes[target] = shape


def _check_initial(cell, state, names):
    """An initial value is a real number, or a parameter of the state's shape."""
    initial = state.initial
    if isinstance(initial, Expr) and initial.is_number and initial.is_extended_real:
        return
    if not isinstance(initial, Param):
        raise CellError(f"the initial value of {state} is a real number or a Param, found {initial}")
    names.claim(initial)
    shape, declared = cell._shapes[state], cell._shapes.get(initial, initial.declared)
    if declared is not None:
        if len(declared) != len(shape):
            raise CellError(
                f"ranks do not agree: the state {state} has shape {shape_text(shape)}, its initial value {shape_text(declared)}"
            )
        for m, n in zip(declared, shape, strict=True):
            cell._sizes.unify(m, n, f"the state {state} and its initial value {initial}")
    cell._shapes[initial] = shape
