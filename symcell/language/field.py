"""Values of normal forms in a finite field: numbers for symbols, arithmetic for sums and products, and any function for the rest.

Equal expressions have equal values however they are written, the sign of an odd function's argument included, which SymPy chooses
by the names in it. Different ones hardly ever have."""

from functools import cache
from math import prod

from sympy import Dummy, Function

from symcell.language.symbols import Previous

PRIME = 2**61 - 1


def number(*parts):
    """A number in the field that depends on all the parts and their order."""
    return hash(parts) % PRIME


class Values:
    """The values of normal forms whose symbols have the values in `known`."""

    def __init__(self, known, atoms):
        self.known, self.atoms = dict(known), atoms

    def of(self, e):
        if e not in self.known:
            self.known[e] = self._made(e)
        return self.known[e]

    def _made(self, e):
        if isinstance(e, (tuple, frozenset)):
            values = map(self.of, e)
            return number(type(e), *(sorted(values) if isinstance(e, frozenset) else values))
        if isinstance(e, Previous):
            return number("previous", self.of(e.state))
        if e in self.atoms.meanings:
            return self._of_atom(*self.atoms.meanings[e])
        if e.is_Rational:
            return e.p * pow(e.q, -1, PRIME) % PRIME
        if e.is_Add:
            return sum(map(self.of, e.args)) % PRIME
        if e.is_Mul:
            return prod(map(self.of, e.args)) % PRIME
        if e.is_Pow and e.exp.is_Integer and e.exp > 0:
            return pow(self.of(e.base), int(e.exp), PRIME)
        return number(e.func, *map(self.of, e.args)) if e.args else number(e)

    def _of_atom(self, kind, arguments, *shapes):
        parity = _parity(kind) if len(arguments) == 1 and not shapes else 0
        if not parity:
            return number(kind, *map(self.of, (arguments, *shapes)))
        (value,) = map(self.of, arguments)
        if value == 0 and parity < 0:
            return 0
        size = min(value, PRIME - value)
        found = number(kind, size)
        return found if parity > 0 or value == size else PRIME - found


@cache
def _parity(kind):
    """-1 for an odd function, 1 for an even one, and 0 for any other, as far as SymPy knows."""
    if not issubclass(kind, Function):
        return 0
    z = Dummy()
    mirrored = kind(-z)
    return -1 if mirrored == -kind(z) else int(mirrored == kind(z))
