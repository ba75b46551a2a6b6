"""The structure of a step, read off its Program: matrix products, their depth, and the recurrence of each state."""

from dataclasses import dataclass, replace

from sympy import Expr
from sympy.printing.precedence import PRECEDENCE

from symcell.derivation.carousel import Carousel
from symcell.language.symbols import State
from symcell.notation.plain import PlainPrinter
from symcell.program.program import Product
from symcell.program.recurrence import Coefficients, Flow, degrees


@dataclass(frozen=True)
class Recurrent:
    """The recurrence of one state.

    carried: whether any equation reads its previous value; recurrent: whether its next value depends on its previous one.
    linear: whether the next value is linear in the previous one, with everything else held fixed.
    depends_on: the other states in the coefficients of the recurrence or, if it is not linear, those with which the state's own
    previous value is combined other than by addition; adds: the other states that only contribute an addend.
    scannable: whether all steps can be computed in parallel, alone or `together` with the states of the same recurrence: it is
    linear, contains no matrix product, and its coefficients do not depend on it.
    factor: d s_t / d s_{t-1} in one step, the other previous states held fixed; kind: see Carousel."""

    state: State
    carried: bool
    recurrent: bool
    linear: bool
    depends_on: tuple[State, ...]
    adds: tuple[State, ...]
    together: tuple[State, ...]
    scannable: bool
    factor: Expr
    kind: str


@dataclass(frozen=True)
class Structure:
    """The matrix products of one step, and the length `depth` of the longest chain of them; the products `hoisted` out of the
    step and computed for all steps at once; the same for the backward pass; and the recurrence of each state."""

    cell: str
    products: tuple[str, ...]
    depth: int
    hoisted: tuple[str, ...]
    backward_products: tuple[str, ...]
    backward_depth: int
    states: tuple[Recurrent, ...]

    @property
    def scans(self) -> tuple[State, ...]:
        """The states that are computed as scans."""
        return tuple(r.state for r in self.states if r.scannable)

    def __str__(self) -> str:
        lines = [
            f"{self.cell}: {_count(self.products)} in a step, {self.depth} deep; {_count(self.hoisted)} hoisted out of it",
            *(f"  in a step: {p}" for p in self.products),
            *(f"  hoisted: {p}" for p in self.hoisted),
            *(f"  {r.state}: {describe(r)}; d {r.state}[t] / d {r.state}[t-1] = {r.factor}" for r in self.states),
        ]
        return "\n".join(lines)


def structure(program):
    """Program -> Structure."""
    forward, backward = ([s for s in statements if isinstance(s, Product)] for statements in (program.forward, program.backward))
    text = _ProductText(program.derivation)
    return Structure(
        program.declaration.name,
        tuple(text(p) for p in forward if p.place == "step"),
        _depth(program.forward),
        tuple(text(p) for p in forward if p.place != "step"),
        tuple(text(p) for p in backward if p.place == "step"),
        _depth(program.backward),
        tuple(_recurrent(program, s) for s in program.declaration.states),
    )


def recurrence_kind(r):
    """The kind of a state's recurrence."""
    if not r.recurrent:
        return "made anew, and read one step later" if r.carried else "made anew, and not carried"
    return "linear" if r.linear else "not linear"


def describe(r):
    """A state's recurrence in words."""
    words = [recurrence_kind(r), *other_states(r)]
    others = [str(s) for s in r.together if s != r.state]
    if r.scannable:
        words.append("a scan" + (f" together with {', '.join(others)}" if others else ""))
    return ", ".join(words)


def other_states(r):
    """How the next value of a state depends on the previous values of others, in words."""
    if not r.recurrent:
        return []
    if not r.linear:
        return [f"made from {_listed((*r.depends_on, *r.adds))} too"] if r.depends_on or r.adds else []
    coefficients = f"coefficients from {_listed(r.depends_on)}" if r.depends_on else "coefficients free of states"
    return [coefficients, *([f"addend from {_listed(r.adds)}"] if r.adds else [])]


def _listed(states):
    return ", ".join(map(str, states))


class _ProductText:
    """The text of a product in symbols of the cell: W_i, W_f @ x, or U_i.T @ dz_i + U_f.T @ dz_f."""

    def __init__(self, derivation):
        self.hidden, self.printer = derivation.hidden, PlainPrinter(derivation)

    def __call__(self, product):
        weights = [str(replace(w, symbol=self._written_out(w.symbol))) for w in product.weights]
        operands = [self._written_out(q) for q in product.operands]
        if len(operands) == 1:
            return f"{', '.join(weights)} @ {operands[0]}"
        return " + ".join(f"{w} @ {q}" for w, q in zip(weights, operands, strict=True))

    def _written_out(self, e):
        while self.hidden.keys() & e.free_symbols:
            e = e.xreplace(self.hidden)
        return self.printer.parenthesize(e, PRECEDENCE["Pow"])


def _count(products):
    return f"{len(products)} product{'' if len(products) == 1 else 's'}"


def _depth(statements):
    """The length of the longest chain of dependent products in a step."""
    reached = {}
    for s in statements:
        if s.place == "step":
            depth = max((reached.get(q, 0) for q in s.sources), default=0) + isinstance(s, Product)
            reached.update(dict.fromkeys(s.targets, depth))
    return max(reached.values(), default=0)


def _recurrent(program, state):
    carousel = Carousel(program.derivation, state)
    own = state.prev
    coefficients = Coefficients(program.forward, own)
    others = [s for s in program.declaration.states if s != state and s.prev in coefficients.read[state]]
    recurrence = next((r for r in Flow(program, program.forward).recurrences if own in r.carried), None)
    return Recurrent(
        state,
        carried=own in program.carried,
        recurrent=recurrence is not None,
        linear=degrees(program.forward, [own])[state] < 2,
        depends_on=tuple(s for s in others if s.prev in coefficients.met[state]),
        adds=tuple(s for s in others if s.prev not in coefficients.met[state]),
        together=tuple(q.state for q in recurrence.carried) if recurrence else (state,),
        scannable=recurrence is not None and recurrence.is_scan,
        factor=carousel.factor,
        kind=carousel.kind,
    )
