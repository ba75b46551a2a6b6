"""Earlier values of an input, a state or an intermediate, which states hold that are declared with them.

A `Delay` knows what it delays. The declaration adds its equation: `x_1` keeps x_t, and `x_1.prev` is x_{t-1}; `x_2` keeps
`x_1.prev`, and `x_2.prev` is x_{t-2}. Windows of one quantity share these states."""

from typing import Self

from sympy import Expr, Integer, Symbol

from symcell.errors import CellError
from symcell.language.hints import not_taken
from symcell.language.symbols import Input, Previous, Quantity, State
from symcell.language.writing import written

__all__ = ["window"]


class Delay(State):
    """The state that keeps the value that `of` had `steps - 1` steps ago: `prev` is the one of `steps` steps ago.

    It is named after both, x_2; its shape is that of `of`; before the first step it is 0."""

    __slots__ = ("of", "steps")

    def __new__(cls, of: Symbol, steps: int) -> Self:
        self = super().__new__(cls, f"{of.name}_{steps}", dtype=complex if getattr(of, "complex", False) else float)
        self.of, self.steps = of, steps
        self._content += (type(of).__name__, str(of._hashable_content()))
        return self

    def __getnewargs_ex__(self):
        return (self.of, self.steps), {}

    def part(self, which: str) -> "Delay":
        return Delay(self.of.part(which), self.steps)

    @property
    def kept(self):
        """What its equation says that it is."""
        return delayed(self.of, self.steps - 1)


def delayed(of: Symbol, steps: int) -> Symbol:
    """The value of a quantity some steps ago. A state's own `prev` is the first."""
    if steps == 0:
        return of
    return of.prev if isinstance(of, State) and steps == 1 else Delay(of, steps).prev


def window(e: Expr, width: int) -> tuple[Expr, ...]:
    """The last values of an input, a state or an intermediate: (x_t, x_{t-1}, ...), as many as `width`.

    The states that hold them, `x_1`, `x_2` ..., are added to the cell; they are 0 before the first step unless a call gives them.
    After `h.prev` it goes on with h_{t-2}. Raises CellError for what no state can keep, and for a width that is no positive
    integer."""
    if isinstance(width, bool) or not isinstance(width, (int, Integer)) or width < 1:
        raise CellError(f"window(e, width) takes a width that is a positive integer, found {width!r}")
    of, first = (e.state, 1) if isinstance(e, Previous) else (e, 0)
    if not isinstance(of, Symbol) or (isinstance(of, Quantity) and not isinstance(of, (Input, State))):
        role = getattr(of, "role", "")
        why = f"the {role} {of}, which is the same at every step" if role else _unnamed(e)
        raise CellError(f"window takes an input, a state or a symbol that has an equation, found {why}")
    if isinstance(of, Delay):  # its own chain goes on
        of, first = of.of, first + of.steps - 1
    return tuple(delayed(of, steps) for steps in range(first, first + int(width)))


def _unnamed(e):
    return f"{written(e)}; give it a name by an equation of its own" if isinstance(e, Expr) else not_taken(e)


def with_delays(declared):
    """The (target, rhs) pairs of a cell, followed by the equations of the delays in them that have none."""
    targets = {target for target, _ in declared}
    found = {}
    for _, rhs in declared:
        for q in sorted(rhs.free_symbols, key=str):
            state = getattr(q, "state", q)
            while isinstance(state, Delay) and state not in targets | found.keys():
                found[state] = state.kept
                state = getattr(state.kept, "state", None)
    return [*declared, *sorted(found.items(), key=lambda pair: (pair[0].of.name, pair[0].steps))]
