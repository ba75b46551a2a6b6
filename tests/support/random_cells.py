"""Random well-formed cells, for hypothesis: states of several shapes, read by one another, in a random order."""

from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st
from sympy import Eq, Integer, Rational, Symbol, exp, tanh

from support.cell_text import script_of
from support.random_expressions import SQUASHES, Expressions
from support.random_scope import N_H, N_K, N_P, N_X, N_Y
from symcell import Cell, CellError, Input, Param, State, affine, column, matmul, outer, row, sigmoid

# Name and shape of the states that a cell may have, the plainest first.
STATES = {
    "h": (N_H,), "c": (N_H,), "p": (N_P,), "s": (), "S": (N_H, N_K), "M": (N_P, N_P), "r": (N_H / 2,), "two": (Integer(2),), "u": (),
}  # fmt: skip
INPUTS = {"x": (N_X,), "y": (N_Y,), "w": (N_H,), "t": (), "q": (N_K,), "X": (N_P, N_K)}


@dataclass(frozen=True, repr=False)
class Declaration:
    """What Cell is given, and which states a call leaves out, so that they begin as declared."""

    equations: tuple
    outputs: tuple
    left_out: tuple
    seed: int

    def cell(self):
        try:
            return Cell("random", self.equations, outputs=list(self.outputs))
        except CellError as error:
            assume("is never defined" not in str(error))  # a size that has gone with the one vector that had it
            raise

    def __repr__(self):
        return "a cell:\n" + script_of(self)

    def _repr_pretty_(self, printer, cycle):  # hypothesis would list the fields
        printer.text(repr(self))


@st.composite
def declarations(draw):
    """A well-formed cell's Declaration."""
    made = Expressions(draw)
    inputs = _some(made, INPUTS, 3)
    for name, shape in inputs.items():
        made.add(Input(name, None if shape == (N_X,) and made.chance(50) else shape), shape)
    states = [_state(made, name, shape) for name, shape in _some(made, STATES, 4).items()]
    made.bare = {shape: tuple(symbols) for shape, symbols in made.scope.items()}  # what needs no state
    for s, shape in states:
        made.add(s.prev, shape)
    equations = []
    for s, shape in _shuffled(made, states):
        for _ in range(made.pick((0, 0, 1, 2))):
            equations.append(_intermediate(made, [shape for _, shape in states]))
        equations += _update(made, s, shape)
        made.add(s, shape)
    assume(any(e.rhs.atoms(Input) for e in equations))  # nothing else tells a kernel how many steps there are
    assume(not any(e.rhs.is_number for e in equations))  # what cancels out is a scalar, and fits no matrix
    outputs = [s for s, _ in states if made.chance(50)] or [states[-1][0]]
    left_out = [s.name for s, _ in states if made.chance(30)]
    return Declaration(tuple(equations), tuple(outputs), tuple(left_out), draw(st.integers(0, 2**16)))


def _some(made, table, most):
    """The first row, always, if nothing else, and a few others."""
    names = list(table)
    count = made.pick(range(1, most + 1))
    chosen = {made.pick(names): None for _ in range(count)}
    chosen = chosen if made.chance(50) else {names[0]: None, **chosen}
    return {name: table[name] for name in chosen}


def _shuffled(made, items):
    items, order = list(items), []
    while items:
        order.append(items.pop(made.pick(range(len(items)))))
    return order


def _state(made, name, shape):
    initial = made.pick((0, 0, 1, Rational(-1, 2), 0.3, Param(f"{name}0", shape), Param(f"{name}0")))
    return State(name, None if shape == (N_H,) and made.chance(50) else shape, initial=initial), shape


def _value(made, shape, depth):
    build = (made.scalar, made.vector, made.matrix)[len(shape)]
    return build(*shape, depth)


def _intermediate(made, shapes):
    made.has_affine = False
    shape = made.pick([*shapes, (), (N_H,), (N_H / 2,), (N_P, N_K), (N_K,)])
    q = Symbol(made.named("z"))
    equation = Eq(q, _value(made, shape, made.pick((1, 2))), evaluate=False)
    made.add(q, shape)
    return equation


def _update(made, s, shape):
    """The equations of a state: its own, and those that lead to it."""
    made.has_affine = False
    kinds = [_squashed, _gated, _leaky, _linear, _delayed, _residual, _anything]
    kinds += [_substeps] if len(shape) == 1 else [_fast_weights] if len(shape) == 2 else []
    return made.pick(kinds)(made, s, shape)


def _squashed(made, s, shape):
    return [Eq(s, made.pick(SQUASHES)(_value(made, shape, made.pick((1, 2, 3)))), evaluate=False)]


def _gated(made, s, shape):
    gate = Symbol(made.named("f"))
    first = Eq(gate, sigmoid(_value(made, shape, 2)), evaluate=False)
    made.add(gate, shape)
    made.has_affine = False
    return [first, Eq(s, gate * s.prev + (1 - gate) * _value(made, shape, 2), evaluate=False)]


def _leaky(made, s, shape):
    decay = made.pick((Rational(9, 10), sigmoid(made.parameter(*shape)), 1))
    return [Eq(s, decay * s.prev + tanh(_value(made, shape, 2)), evaluate=False)]


def _linear(made, s, shape):
    """A recurrence whose coefficients need no state, elementwise: h = a * h.prev + b."""
    everything, made.scope = made.scope, {shape: list(symbols) for shape, symbols in made.bare.items()}
    a = made.pick((exp(-exp(made.parameter(*shape))), sigmoid(_value(made, shape, 1)), 1 - made.parameter() ** 2 / 9))
    b = _value(made, shape, made.pick((1, 2)))
    made.scope = everything
    return [Eq(s, made.pick((a * s.prev + b, a * s.prev + (1 - a) * b)), evaluate=False)]


def _delayed(made, s, shape):
    """What something of its shape was, one step ago or now."""
    others = [q for q in made.known(shape) if q != s.prev]
    return [Eq(s, made.pick(others) if others else s.prev / 2 + _value(made, shape, 1), evaluate=False)]


def _residual(made, s, shape):
    return [Eq(s, s.prev + tanh(_value(made, shape, 2)) * made.parameter(), evaluate=False)]


def _anything(made, s, shape):
    """Rarely bounded, perhaps not recurrent; a scalar goes with every shape."""
    return [Eq(s, _value(made, made.pick((shape, ())), made.pick((1, 2))), evaluate=False)]


def _substeps(made, s, shape):
    """An equation solved by a few steps of one rule, with the same parameters in each."""
    (n,) = shape
    drive = Symbol(made.named("z"))  # of its own equation: affine makes its parameters once
    equations, q = [Eq(drive, _value(made, shape, 1), evaluate=False)], s.prev
    W, rate = made.weights(n, n), made.pick((Rational(1, 5), made.parameter() ** 2))
    for k in range(made.pick((2, 3))):
        target = Symbol(f"{s.name}_{k}")
        equations.append(Eq(target, q + rate * (tanh(matmul(W, q) + drive) - q), evaluate=False))
        q = target
    return [*equations, Eq(s, q, evaluate=False)]


def _fast_weights(made, s, shape):
    """A matrix with decay along an axis, and an outer product written to it."""
    n, m = shape
    decay = made.pick((column(sigmoid(made.vector(n, 1))), row(sigmoid(made.vector(m, 1))), sigmoid(made.scalar(1))))
    v, k = made.vector(n, 1), affine(made.any_vector(1)[0], name=made.named("k"))
    return [Eq(s, decay * s.prev + outer(tanh(v), tanh(k)), evaluate=False)]
