"""The rules of a declaration: check a list of SymPy equations, and say what is wrong with it."""

from sympy import Integer

from symcell.errors import CellError
from symcell.language.complex_values import parts_of, real_pairs
from symcell.language.conditions import real_conditions
from symcell.language.declaration import Declaration
from symcell.language.delays import Delay, with_delays
from symcell.language.equations import Equation, declared_pairs, located
from symcell.language.functions import check_printable
from symcell.language.hints import check_vocabulary
from symcell.language.identifiers import is_name
from symcell.language.numbers import check_numbers
from symcell.language.registry import Registry, described
from symcell.language.symbols import Quantity, State

_LONGEST_NAME = 100  # file systems allow about 255 bytes, and a cached module's name has more in it


def declare(name, equations, outputs=None, reference="", known=()):
    """SymPy equations -> Declaration. The quantities in `known` keep its order. Raises CellError, which names the cell and the
    equation, where the equations declare no cell."""
    if not is_name(name):
        raise CellError(f"a cell's name must be a Python identifier and no keyword, found {name!r}")
    if len(name) > _LONGEST_NAME:
        raise CellError(f"a cell's name has at most {_LONGEST_NAME} characters, found {len(name)}: {name!r}; choose another")
    as_written = declared_pairs(name, equations)
    try:
        declared = with_delays(real_pairs(name, as_written))
        registry = Registry(name, declared)
        checked = tuple(_checked_equations(name, declared, registry))
    except RecursionError:
        raise CellError(f"cell {name}: an equation is nested too deeply; give its parts names") from None
    shapes = _in_known_order(registry.settled(), known)
    sizes = _names_of_sizes(shapes)
    _check_sizes(name, checked, shapes, sizes)
    shown = _chosen_outputs(name, outputs, as_written, {t for t, _ in declared})
    return Declaration(name, checked, shapes, sizes, registry.joined(), shown, _one_line(reference))


def _in_known_order(shapes, known):
    """The shapes with the symbols in `known` in its order, in the places that these symbols have together."""
    inside = iter([q for q in known if q in shapes])
    found = [next(inside) if q in known else q for q in shapes]
    return {q: shapes[q] for q in found}


def _one_line(text):
    """`text` without characters that a docstring or a file cannot hold."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def _chosen_outputs(cell, outputs, as_written, declared):
    """The states that a cell shows outside: by default the state h, or else the last one that is no delay."""
    states = tuple(t for t, _ in as_written if isinstance(t, State) and not isinstance(t, Delay))
    if outputs is None:
        outputs = tuple(s for s in states if s.name == "h") or states[-1:]
    outputs = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
    for s in outputs:
        if not isinstance(s, State):
            known = any(s == t.name for t in states)
            hint = "; pass the State itself" if known else f"; a citation is reference={s!r}" if isinstance(s, str) else ""
            raise CellError(f"cell {cell}: outputs are states, found {type(s).__name__} {s!r}{hint}")
        if not declared.issuperset(parts_of(s)):
            raise CellError(f"cell {cell}: the output {s} is none of its states {', '.join(q.name for q in states)}")
    return tuple(part for s in outputs for part in parts_of(s))


def _checked_equations(cell, declared, registry):
    """Check the names, order, parameters and shapes of one equation after another."""
    targets = [t for t, _ in declared]
    _check_states(cell, declared)
    for number, (target, rhs) in enumerate(declared, 1):
        with located(cell, number, target):
            if target in targets[: number - 1]:
                raise CellError(f"{target} is defined twice, first by equation {targets.index(target) + 1}")
            rhs = real_conditions(rhs)
            check_vocabulary(rhs)
            check_numbers(rhs)
            _check_order(target, rhs, declared, number)
            registry.claim(target)
            rhs = registry.expanded(target, rhs)
            check_printable(rhs)
            registry.learn(target, rhs)
            equation = Equation(number, target, rhs)
            registry.explain(equation)
            yield equation
    for number, state in enumerate(targets, 1):
        if isinstance(state, State):
            with located(cell, number, state):
                registry.start(state)


def _check_states(cell, declared):
    targets = [t for t, _ in declared]
    for number, (target, rhs) in enumerate(declared, 1):
        for q in sorted(rhs.free_symbols, key=str):
            state = getattr(q, "state", q)
            if isinstance(state, State) and state not in targets:
                with located(cell, number, target):
                    raise CellError(_without_equation(state, targets))
    if not any(isinstance(t, State) for t in targets):
        raise CellError(f"cell {cell} has no state: at least one left side must be a State, as h = State('h') is")


def _without_equation(state, targets):
    """Why a state has no equation: there is none, or its left side is another symbol of that name."""
    for number, t in enumerate(targets, 1):
        if t.name == state.name:
            found = described(t) if isinstance(t, State) else "a plain symbol"
            return (
                f"the {t} on the left of equation {number} is {found}, and not {described(state)} that this equation reads; "
                f"make State({state.name!r}, ...) once, and write it in both places"
            )
    return f"the state {state} has no equation; add Eq({state}, ...)"


def _check_order(target, rhs, declared, number):
    """Raise CellError where an equation reads a symbol that no earlier equation has defined."""
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
            hint = "; a transpose is written W.T" if q.name == "T" else ""
            kinds = "an equation of its own, or to be an Input, a Param or a Constant"
            raise CellError(f"{q} is never defined; it needs {kinds}{hint}")
        if target in _reaches(q, declared):
            hint = f"; did you mean {q}.prev?" if isinstance(q, State) else ""
            both = f"{target} needs itself" if q == target else f"{target} and {q} each need the other"
            raise CellError(f"a cycle within the step: {both}{hint}")
        raise CellError(f"{q} is used before its definition in equation {targets.index(q) + 1}")


def _reaches(symbol, declared):
    """The symbols that the definition of a symbol depends on within the step."""
    definitions, seen, todo = dict(declared), set(), [symbol]
    while todo:
        for q in definitions.get(todo.pop(), Integer(0)).free_symbols - seen:
            seen.add(q)
            todo.append(q)
    return seen


def _names_of_sizes(shapes):
    found = {}
    for shape in shapes.values():
        for n in shape.whole:
            found.update(dict.fromkeys(sorted(n.free_symbols, key=str)))
    return tuple(s.name for s in found)


def _check_sizes(cell, equations, shapes, sizes):
    """Raise CellError where the name of a size has another meaning, or an equation reads an unknown size."""
    for n in sizes:
        if n in ("seed", "dtype"):
            raise CellError(f"cell {cell}: the size {n!r} has the name of another argument of init; choose another")
        if n.startswith("_"):
            raise CellError(f"cell {cell}: the name of the size {n!r} begins with an underscore; choose another")
    for q in shapes:
        if q.name in sizes:
            raise CellError(f"cell {cell}: the name {q.name!r} stands for two things: {described(q)} and a size")
    for e in equations:
        unknown = sorted({s for s in e.rhs.free_symbols if s.is_integer and s.name not in sizes}, key=str)
        if unknown:
            raise CellError(f"cell {cell}, equation {e.number} ({e.target} = ...): {unknown[0]} is never defined")
