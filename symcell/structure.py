"""The structure of a step, read off its Program: matrix products, their depth, and the recurrence of each state."""

from dataclasses import dataclass

from sympy import Expr

from symcell.derivation.carousel import Carousel
from symcell.language.symbols import State
from symcell.program.recurrence import Coefficients, Flow, degrees
from symcell.step_products import ProductText, depth_of, loop_of, products_of


@dataclass(frozen=True)
class Recurrent:
    """The recurrence of one state.

    carried: whether any equation reads its previous value; recurrent: whether its next value depends on its previous one.
    linear: whether the next value is linear in the previous one, with everything else held fixed; transition: "elementwise", or
    "a matrix" if units meet on the way to the next one, in a scan from any state of the scan; "" if it is not linear.
    depends_on: the other states in the coefficients of the recurrence or, if it is not linear, those with which the state's own
    previous value is combined other than by addition; adds: the other states that only contribute an addend.
    scannable: whether all steps can be computed in parallel, alone or `together` with the states of the same recurrence: it is
    linear, contains no product by a parameter, and its coefficients do not depend on it.
    factor: d s_t / d s_{t-1} in one step, the other previous states held fixed; kind: see Carousel."""

    state: State
    carried: bool
    recurrent: bool
    linear: bool
    transition: str
    depends_on: tuple[State, ...]
    adds: tuple[State, ...]
    together: tuple[State, ...]
    scannable: bool
    factor: Expr
    kind: str


@dataclass(frozen=True)
class Structure:
    """The matrix products of one step, by parameters or of two values of the step, and the length `depth` of the longest chain of
    them; the products `hoisted` out of the step and computed for all steps at once; the same for the backward pass, weight
    gradients apart; and the recurrence of each state."""

    cell: str
    products: tuple[str, ...]
    depth: int
    hoisted: tuple[str, ...]
    backward_products: tuple[str, ...]
    backward_depth: int
    backward_hoisted: tuple[str, ...]
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
    text = ProductText(program)

    def products(statements, in_step):
        return tuple(text(p) for s in statements if bool(loop_of(s)) == in_step for p in products_of(program, s))

    return Structure(
        program.declaration.name,
        products=products(program.forward, True),
        depth=depth_of(program, program.forward),
        hoisted=products(program.forward, False),
        backward_products=products(program.backward, True),
        backward_depth=depth_of(program, program.backward),
        backward_hoisted=products(program.backward, False),
        states=tuple(_recurrent(program, s) for s in program.declaration.states),
    )


def recurrence_kind(r):
    """The kind of a state's recurrence."""
    if not r.recurrent:
        return "made anew, and read one step later" if r.carried else "made anew, and not carried"
    if not r.linear:
        return "not linear"
    return "linear, transition a matrix" if r.transition == "a matrix" else "linear"


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


def _count(products):
    return f"{len(products)} product{'' if len(products) == 1 else 's'}"


def _recurrent(program, state):
    carousel = Carousel(program.derivation, state)
    own = state.prev
    coefficients = Coefficients(program.forward, own)
    others = [s for s in program.declaration.states if s != state and s.prev in coefficients.read[state]]
    recurrence = next((r for r in Flow(program, program.forward).recurrences if own in r.carried), None)
    linear = degrees(program.forward, [own])[state] < 2
    together = recurrence.carried if recurrence else (own,)
    scannable = recurrence is not None and recurrence.is_scan
    return Recurrent(
        state,
        carried=own in program.carried,
        recurrent=recurrence is not None,
        linear=linear,
        transition=_transition(program.derivation, state, together if scannable else (own,)) if linear and recurrence else "",
        depends_on=tuple(s for s in others if s.prev in coefficients.met[state]),
        adds=tuple(s for s in others if s.prev not in coefficients.met[state]),
        together=tuple(q.state for q in together),
        scannable=scannable,
        factor=carousel.factor,
        kind=carousel.kind,
    )


def _transition(derivation, state, previous):
    """Whether units meet on the way from previous values to the next one of a state."""
    return "elementwise" if all(derivation.jacobian(state, q).is_commutative for q in previous) else "a matrix"
