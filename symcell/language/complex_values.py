"""Complex values, in SymPy's own notation: I, exp, +, -, *, /, whole powers, conjugate, re, im, Abs, and @.

Derivations and kernels know real numbers only. A declaration takes complex quantities apart: State("h", dtype=complex) becomes
the states h_re and h_im, an equation for a complex value two equations, and `re(C @ h)` what it is in real quantities."""

from itertools import product

from sympy import (
    Abs,
    Add,
    I,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
    conjugate,
    cos,
    exp,
    im,
    log,
    preorder_traversal,
    re,
    sin,
    sympify,
)
from sympy.codegen.cfunctions import hypot
from sympy.core.relational import Relational

from symcell.errors import CellError
from symcell.language.activations import stop_gradient
from symcell.language.delays import Delay
from symcell.language.equations import check_length, located
from symcell.language.identifiers import unused
from symcell.language.primitives import Affine, Primitive
from symcell.language.symbols import Previous, Quantity
from symcell.language.writing import written

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
        if isinstance(e, Affine):
            return self._of_affine(e), S.Zero
        if e.is_number and not e.has(Primitive):
            return e.as_real_imag() if e.has(I) else (e, S.Zero)
        for kind, rule in _RULES.items():
            if isinstance(e, kind):
                found = rule(self, e)
                if found is not None:
                    return found
        return self._of_real(e), S.Zero

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

    def _of_affine(self, e):
        head, operands = e.args[:3], e.args[3:]
        for operand in operands:
            if self.parts(operand)[1]:
                raise CellError(
                    f"affine takes real operands, found the complex {written(operand)}; write Param('U', dtype=complex) @ u"
                )
        return e.func(*head, *(self.parts(operand)[0] for operand in operands))

    def _of_real(self, e):
        """A function of real values alone."""
        arguments = []
        for a in e.args:
            real, imaginary = self.parts(a)
            if imaginary:
                raise CellError(
                    f"{_called(e)} takes real values, found the complex {written(a)} in {written(e)}; "
                    "re(...), im(...) and Abs(...) of it are real"
                )
            arguments.append(real)
        return e if tuple(arguments) == e.args else e.func(*arguments)

    def _of_sum(self, e):
        real, imaginary = zip(*map(self.parts, e.args), strict=True)
        return Add(*real), Add(*imaginary)

    def _of_product(self, e):
        found = [self.parts(a) for a in e.args]
        scale = Mul(*(a for a, b in found if not b))
        whole = S.One, S.Zero
        for factor in found:
            whole = _times(whole, factor) if factor[1] else whole
        return scale * whole[0], scale * whole[1]

    def _of_power(self, e):
        base, exponent = map(self.parts, e.args)
        if not base[1] and not exponent[1]:
            return None
        if exponent[1] and base[0].is_positive and not base[1]:
            return self.parts(exp(e.exp * log(e.base)))
        if not e.exp.is_Integer:
            raise CellError(f"a complex value has whole powers only, found {written(e)}")
        found, square = (S.One, S.Zero), base if e.exp > 0 else _inverse(*base)
        for bit in reversed(bin(abs(int(e.exp)))[2:]):
            found = _times(found, square) if bit == "1" else found
            square = _times(square, square)
        return found

    def _of_exponential(self, e):
        a, b = self.parts(e.args[0])
        return (exp(a) * cos(b), exp(a) * sin(b)) if b else None

    def _of_conjugate(self, e):
        a, b = self.parts(e.args[0])
        return a, -b

    def _of_modulus(self, e):
        a, b = self.parts(e.args[0])
        return (hypot(a, b), S.Zero) if b else None

    def _of_cases(self, e):
        conditions = [self._of_real(pair.cond) if pair.cond.args else pair.cond for pair in e.args]
        values = [self.parts(pair.expr) for pair in e.args]
        return tuple(Piecewise(*zip(column, conditions, strict=True)) for column in zip(*values, strict=True))

    def _of_primitive(self, e):
        """The sum over its arguments' parts of a primitive that is linear in each argument: its tangent is the default."""
        found = [self.parts(a) for a in e.args]
        if type(e).tangent is not Primitive.tangent:
            return None
        parts = [S.Zero, S.Zero]
        for choice in product(*(range(2) if b else range(1) for _, b in found)):
            arguments = [pair[k] for pair, k in zip(found, choice, strict=True)]
            if all(a != 0 for a, pair in zip(arguments, found, strict=True) if pair[1]):
                parts[sum(choice) % 2] += (-1) ** (sum(choice) // 2) * e.func(*arguments)
        return tuple(parts)

    def _of_each_part(self, e):
        return tuple(e.func(part) for part in self.parts(e.args[0]))


_RULES = {
    Add: _Parting._of_sum,
    Mul: _Parting._of_product,
    exp: _Parting._of_exponential,
    Pow: _Parting._of_power,
    conjugate: _Parting._of_conjugate,
    re: lambda parting, e: (parting.parts(e.args[0])[0], S.Zero),
    im: lambda parting, e: (parting.parts(e.args[0])[1], S.Zero),
    Abs: _Parting._of_modulus,
    Piecewise: _Parting._of_cases,
    stop_gradient: _Parting._of_each_part,
    Primitive: _Parting._of_primitive,
}


def _times(z, w):
    (a, b), (c, d) = z, w
    return a * c - b * d, a * d + b * c


def _inverse(a, b):
    square = a**2 + b**2
    return a / square, -b / square


def _outermost(e, kind):
    """The applications of a class in an expression that are not inside another one."""
    walk = preorder_traversal(e)
    for a in walk:
        if isinstance(a, kind):
            walk.skip()
            yield a


def _called(e):
    """What a function is called in a message."""
    return "a comparison" if isinstance(e, Relational) else getattr(e, "called", "") or type(e).__name__
