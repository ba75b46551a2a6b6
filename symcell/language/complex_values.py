"""Complex values, in SymPy's own notation: I, exp, +, -, *, /, whole powers, conjugate, re, im, Abs, and @.

Derivations and kernels know real numbers only. A declaration takes complex quantities apart: State("h", dtype=complex) becomes
the states h_re and h_im, an equation for a complex value two equations, and `re(C @ h)` what it is in real quantities."""

from sympy import I, S, Symbol, preorder_traversal, sympify

from symcell.errors import CellError
from symcell.language.complex_rules import RULES, real_function
from symcell.language.delays import Delay
from symcell.language.equations import check_length, located
from symcell.language.identifiers import unused
from symcell.language.primitives import Affine, Primitive
from symcell.language.symbols import Previous, Quantity

PARTS = ("re", "im")


def parts_of(q):
    """The parts of a complex quantity; a real one alone."""
    return tuple(map(q.part, PARTS)) if q.complex else (q,)


def real_pairs(cell, declared):
    """(target, rhs) pairs -> those of real values alone. Raises CellError where a complex value stands in place of a real one."""
    symbols = {q for target, rhs in declared for q in (target, *rhs.free_symbols)}
    if not any(getattr(q, "complex", False) for q in symbols) and not any(rhs.has(I) for _, rhs in declared):
        return declared
    parting, found = _Parting(symbols, [target for target, _ in declared]), []
    for number, (target, rhs) in enumerate(declared, 1):
        with located(cell, number, target):
            found += parting.equations(target, rhs)
    return found


class _Parting:
    """Takes the equations of a cell apart, one after another."""

    def __init__(self, symbols, targets):
        self.names = {q.name for q in symbols}
        self.later = {q for q in targets if not isinstance(q, Quantity)}  # intermediates whose equation is still to come
        self.known = {}

    def equations(self, target, rhs):
        """The equations of the parts of one value, after those of the affines in it, which both parts read."""
        real, imaginary = self.parts(rhs)
        whole = isinstance(target, Quantity)
        if not imaginary and not (whole and target.complex):
            self.later.discard(target)
            return [(target, real)]
        if whole and not target.complex:
            raise CellError(
                f"the state {target} is real, and its right side is complex; "
                f"make it State({target.name!r}, dtype=complex), or take the real part, re(...)"
            )
        for part in (real, imaginary):
            check_length(part)
        named, affines = self._named_affines(target, (real, imaginary))
        self.known[target] = tuple(target.part(p) if whole else Symbol(f"{target.name}_{p}") for p in PARTS)
        self.later.discard(target)
        self._check_names(target, self.known[target])
        return [*affines, *zip(self.known[target], named, strict=True)]

    def _named_affines(self, target, parts):
        """The parts with a symbol in place of each affine, and the equations of these symbols."""
        affines = sorted({a for e in parts for a in _outermost(e, Affine)}, key=lambda a: a.args[1])
        named = {a: Symbol(unused(f"z_{str(a.args[0]) or target.name}", self.names)) for a in affines}
        equations = [(z, a.named(target.name)) for a, z in named.items()]
        return [e.xreplace(named) for e in parts], equations

    def _check_names(self, q, parts):
        for part in parts:
            if part.name in self.names:
                raise CellError(f"the name {part.name!r} stands for two things: a part of the complex {q}, and another symbol")

    def parts(self, e):
        """The real and the imaginary part of an expression."""
        if e not in self.known:
            self.known[e] = tuple(map(sympify, self._found(e)))
        return self.known[e]

    def _found(self, e):
        if e.is_Symbol:
            return self._of_symbol(e)
        if e.is_number and not e.has(Primitive):
            return e.as_real_imag() if e.has(I) else (e, S.Zero)
        rules = (rule(self.parts, e) for kind, rule in RULES.items() if isinstance(e, kind))
        return next((found for found in rules if found), None) or (real_function(self.parts, e), S.Zero)

    def _of_symbol(self, e):
        state = getattr(e, "state", e)
        if isinstance(state, Delay):
            parts = self.parts(state.of)
            delays = [Delay(part, state.steps) for part in parts if part]
            return tuple(d.prev if isinstance(e, Previous) else d for d in delays) if parts[1] else (e, S.Zero)
        if isinstance(e, Quantity) and e.complex:
            parts = tuple(map(e.part, PARTS))
            self._check_names(e, parts)
            return parts
        if e in self.later:
            raise CellError(f"{e} is used before its definition")
        return e, S.Zero


def _outermost(e, kind):
    """The applications of a class in an expression that are not inside another one."""
    walk = preorder_traversal(e)
    for a in walk:
        if isinstance(a, kind):
            walk.skip()
            yield a
