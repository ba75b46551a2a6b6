"""The interpreter: evaluates the equations of a declaration in NumPy, one sample, step and equation at a time.

`check` compares kernels with it. It uses no derivation, program or generated code. Derivatives come from the complex step: in
complex128, a tiny imaginary part carries a derivative along. Every function is therefore analytic between its kinks, comparisons
use real parts, and piecewise constant functions return real numbers.
"""

from functools import lru_cache

import numpy as np
import sympy
from sympy import Add, Dummy, Mul, Piecewise, Symbol, lambdify, linsolve
from sympy.logic.boolalg import BooleanAtom

from symcell.errors import CellError
from symcell.language.primitives import Mapping
from symcell.language.sizes import size
from symcell.numpy_meanings import FUNCTIONS, of_real_numbers


def run(declaration, params, inputs, initial=None, sizes=None):
    """The states of a cell over a sequence: name -> (T, B, *shape), in float64, or in complex128 if any array is complex.

    params: name -> array, constants among them; inputs: name -> (T, B, *shape); initial: state -> (B, *shape), states left out
    begin at their declared value; sizes: name -> number, for those that no array tells. Raises CellError for a missing array, for
    shapes that do not agree, and for a function that NumPy does not know."""
    initial = initial or {}
    kind = np.result_type(float, *params.values(), *inputs.values(), *initial.values())
    shared = _named(declaration, "params", params, (*declaration.params, *declaration.constants), kind)
    sequences = _named(declaration, "inputs", inputs, declaration.inputs, kind)
    given = _named(declaration, "initial", initial, [s for s in declaration.states if s.name in initial], kind)
    (T, B), sizes = _lengths(declaration, shared, sequences, given, sizes or {})
    axes = {q: shape.over for q, shape in declaration.shapes.items()}
    axes |= {s.prev: axes[s] for s in declaration.states}
    shapes = {q: _numbers(declaration.shape(q), sizes) for q in (*declaration.states, *declaration.intermediates)}
    states = {s.name: np.empty((T, B, *shapes[s]), kind) for s in declaration.states}
    with np.errstate(all="ignore"):  # the branch of a Piecewise that is not taken may be undefined
        for b in range(B):
            previous = {s: given[s][b] if s in given else _declared(s, shared, shapes[s]) for s in declaration.states}
            for t in range(T):
                step = {x: a[t, b] for x, a in sequences.items()} | {s.prev: a for s, a in previous.items()}
                previous = _step(declaration, Scope(shared | sizes | step, axes), shapes)
                for s, value in previous.items():
                    states[s.name][t, b] = value
    return states


def _step(declaration, scope, shapes):
    """The new states of one sample, given the values of all symbols that the equations read."""
    for equation in declaration.equations:
        scope.assign(equation.target, equation.rhs, shapes[equation.target])
    return {s: scope.values[s] for s in declaration.states}


class Scope:
    """What expressions are evaluated with: the values of symbols, sizes among them, as arrays of one sample. `axes` are the
    mapped axes of those that have some, and `where` is the index in each: one head is evaluated at a time."""

    def __init__(self, values, axes=None, where=None):
        self.values, self.axes, self.where = values, axes or {}, where or {}

    def assign(self, target, e, shape):
        """Evaluate an expression for every index of its target's mapped axes."""
        over = self.axes.get(target, ())
        heads, own = shape[: len(over)], shape[len(over) :]
        scopes = [Scope(self.values, self.axes, dict(zip(over, index, strict=True))) for index in np.ndindex(*heads)]
        self.values[target] = np.array([np.broadcast_to(_evaluate(e, scope), own) for scope in scopes]).reshape(shape)

    def size(self, n):
        """A size as a number."""
        return int(n.xreplace(self.values))

    def along(self, axis):
        """The same at each index of a mapped axis."""
        return [Scope(self.values, self.axes, self.where | {axis: k}) for k in range(self.size(axis))]


def _named(declaration, group, arrays, quantities, kind):
    """The arrays by their symbols."""
    missing = [q.name for q in quantities if q.name not in arrays]
    unknown = arrays.keys() - {q.name for q in quantities}
    if missing or unknown:
        raise CellError(f"cell {declaration.name}: {group} lacks {', '.join(missing) or 'nothing'}, "
                        f"and has unknown names {', '.join(sorted(unknown)) or '(none)'}")
    return {q: np.asarray(arrays[q.name], kind) for q in quantities}


def _declared(state, shared, shape):
    """The value of a state before the first step when none is given."""
    initial = state.initial
    return np.broadcast_to(shared[initial] if initial in shared else float(initial), shape)


def _lengths(declaration, shared, sequences, given, told):
    """(T, B), and size symbol -> number: first the sizes that are an axis by themselves, then the others by solving."""
    leads = {a.shape[:2] for a in sequences.values()}
    batches = {a.shape[:1] for a in given.values()}
    if len(leads) != 1 or not batches <= {lead[1:] for lead in leads}:
        raise CellError(f"cell {declaration.name}: the arrays differ in steps or samples: inputs {leads}, initial {batches}")
    actual = [(q, a.shape[lead:]) for group, lead in ((shared, 0), (sequences, 2), (given, 1)) for q, a in group.items()]
    axes = [axis for q, shape in actual for axis in zip(declaration.shape(q), shape, strict=False)]
    sizes = {size(name): length for name, length in told.items()} | {n: length for n, length in axes if n.is_Symbol}
    for n, length in axes * len(declaration.sizes):  # one may be known by another one
        unknown = [s for s in n.free_symbols if s not in sizes]
        if len(unknown) == 1:
            sizes[unknown[0]] = next(iter(linsolve([n.xreplace(sizes) - length], unknown[0])))[0]
    for q, shape in actual:
        if _numbers(declaration.shape(q), sizes) != shape:
            raise CellError(f"cell {declaration.name}: {q} has shape {shape}, expected {declaration.shape(q)} with {sizes}")
    return leads.pop(), sizes


def _numbers(shape, sizes):
    """A symbolic shape as a tuple of integers."""
    numbers = [sympy.sympify(n.xreplace(sizes)) for n in shape]
    if not all(n.is_Integer for n in numbers):
        raise CellError(f"the sizes {shape} cannot be read off the arrays that were given; pass the initial states")
    return tuple(map(int, numbers))


def evaluate(e, values, where=None):
    """The value of an expression for one sample, given those of its symbols, sizes among them; `where`: the head of each mapped
    axis for which they are."""
    return _evaluate(e, Scope(values, where=where))


def _evaluate(e, scope):
    """The value of an expression in a Scope: an array of its own shape."""
    if not e.args:
        return _leaf(e, scope)
    if isinstance(e, Piecewise):
        return _piecewise([(_evaluate(value, scope), _evaluate(condition, scope)) for value, condition in e.args])
    if isinstance(e, Mapping):
        return e.evaluate_in(_evaluate, scope)
    arguments = [_evaluate(a, scope) for a in e.args]
    if hasattr(e, "evaluate"):  # of a primitive, or a function of one unit
        return e.evaluate(*arguments)
    if isinstance(e, (Add, Mul)):
        combine = np.add if isinstance(e, Add) else np.multiply
        whole = arguments[0]
        for a in arguments[1:]:
            whole = combine(whole, a)
        return whole
    return _function(type(e), len(arguments))(*arguments)


def _leaf(e, scope):
    if e in scope.values:
        return np.asarray(scope.values[e])[tuple(scope.where[axis] for axis in scope.axes.get(e, ()))]
    if isinstance(e, BooleanAtom):
        return np.bool_(bool(e))
    if isinstance(e, Symbol):
        raise CellError(f"{e} has no value")
    return np.float64(e)


@lru_cache
def _function(kind, count):
    """The NumPy function of a SymPy function: from the table, from its class, or from SymPy's printer."""
    for known in kind.__mro__:
        if known in FUNCTIONS:
            return FUNCTIONS[known]
    if hasattr(kind, "_imp_"):
        return of_real_numbers(kind._imp_)
    arguments = [Dummy() for _ in range(count)]
    if hasattr(kind, "elementary"):
        defined = kind(*arguments).elementary()
        return lambda *values: evaluate(defined, dict(zip(arguments, values, strict=True)))
    printed = lambdify(arguments, kind(*arguments), "numpy")

    def call(*values):
        try:
            return printed(*values)
        except NameError:
            raise CellError(f"NumPy has no {kind.__name__}") from None

    return call


def _piecewise(cases):
    value = np.nan
    for case, condition in reversed(cases):
        value = np.where(condition, case, value)
    return value
