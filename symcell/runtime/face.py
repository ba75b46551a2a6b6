"""What a generated module offers: init, freeze, forward, backward and step."""

import math
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numba import types
from numpy.typing import ArrayLike, DTypeLike

from symcell.runtime.copies import _address, _copied, _ready
from symcell.runtime.jit import jit
from symcell.runtime.lengths import _given_between, _lengths_between, _states_at_ends, _within
from symcell.runtime.memory import room, zeros
from symcell.runtime.parameters import _MANY, Frozen, _frozen, _is_ready, _weights, panels_of
from symcell.runtime.sums import _grown, _rounded


class Run:
    """What `forward` computed, and what `backward` needs of it.

    states: name -> (T, B, *shape), every step, zeros behind the end of a shorter sample; final: name -> (B, *shape), after each
    sample's last step; outputs: the states that the cell shows. They are the arrays that `backward` reads: leave them as they are
    until then. A run with checkpoints computes states and outputs anew when they are first asked for."""

    final: dict[str, np.ndarray]

    def __init__(self, call, final, starts, sequences=None, tape=None):
        self.final, self._call, self._starts, self._sequences, self._tape = final, call, starts, sequences, tape

    @cached_property
    def states(self) -> dict[str, np.ndarray]:
        found = {name: a[1:] for name, a in self._sequences.items()} if self._sequences else _replayed(self)
        if self._call.ragged:
            return {name: _within(_copied(a), self._call.lengths) for name, a in found.items()}
        return found

    @cached_property
    def outputs(self) -> dict[str, np.ndarray]:
        return {name: self.states[name] for name in OUTPUTS}

    def __repr__(self):
        shapes = ((name, (self._call.T, *a.shape)) for name, a in self.final.items())
        return f"Run of {NAME}: " + ", ".join(f"{name} {shape}" for name, shape in shapes)


class Gradients:
    """The derivatives of the loss: params, inputs and initial, each a dict of arrays."""

    params: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]
    initial: dict[str, np.ndarray]

    def __init__(self, params, inputs, initial):
        self.params, self.inputs, self.initial = params, inputs, initial

    def __repr__(self):
        return f"Gradients of {NAME}: " + ", ".join((*self.params, *self.inputs, *self.initial))


def init(seed: int = 0, dtype: DTypeLike = "float32", **sizes: int) -> dict[str, np.ndarray]:
    """Random parameters, name -> array: uniform between -1/sqrt(n) and 1/sqrt(n), n the length of the last axis.

    Every size is given by its symbol, init(n_x=8, n_h=16). Raises CellError for a size that is missing, unknown or no positive
    integer, and for what no memory holds."""
    dtype = _real_dtype(dtype)
    numbers = _given_sizes(sizes)
    try:
        random = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise CellError(f"{NAME}: seed {seed!r} is no seed: {error}") from None
    wanted = shapes(**numbers)
    params = {}
    for name in (*PARAMS, *CONSTANTS):
        try:
            bound = 1 / math.sqrt(wanted[name][-1] if wanted[name] else 1)
            values = random.uniform(-bound, bound, wanted[name])
            params[name] = room(wanted[name], dtype, small=0)  # on a cache line: a single step reads them where they are
        except (MemoryError, OverflowError, ValueError):
            raise CellError(f"{NAME}: there is no memory for {name} of shape {wanted[name]}") from None
        params[name][...] = values
    return params


def freeze(params: Mapping[str, ArrayLike], dtype: DTypeLike | None = None) -> Frozen:
    """A copy of parameters that never changes, for a trained cell: name -> read-only array. forward and step take it as their
    `params`, and need not look whether it has changed, as they must with arrays. Raises CellError like forward."""
    real = _real_dtype(dtype) if dtype is not None else _dtype_of(params, {})
    arrays = _arrays("params", params, (*PARAMS, *CONSTANTS), real)
    sizes = wanted = None
    if _PARAMETERS_TELL:  # otherwise the first call does
        sizes = _sizes({"params": arrays, "inputs": {}, "initial": {}})
        wanted = shapes(**sizes)
        _check_shapes("params", arrays, {**PARAMS, **CONSTANTS}, wanted, ())
    return Frozen(NAME, _frozen({name: _copied(a) for name, a in arrays.items()}, real, sizes, wanted))


def forward(
    params: Mapping[str, ArrayLike],
    inputs: ArrayLike | Mapping[str, ArrayLike],
    initial: Mapping[str, ArrayLike] | None = None,
    lengths: Sequence[int] | np.ndarray | None = None,
    dtype: DTypeLike | None = None,
    threads: int | None = None,
    checkpoint: int | bool | None = None,
) -> Run:
    """Run the cell over a sequence.

    params: name -> array; inputs: an array (T, B, *shape), or name -> array if there are several; initial: state -> (B, *shape),
    states left out begin at their declared value. All arrays have one dtype, float32 or float64. Returns a Run.
    lengths: (B,) integers, how many of the T steps each sample has; whatever inputs and cotangents hold behind them has no
    influence. Default: all of them.
    threads: at most so many; default: Numba's number, which NUMBA_NUM_THREADS sets.
    checkpoint: keep the states of every so many steps only (True: of about sqrt(T), or more where steps are small), and let
    `backward` compute what is between them again. Such a run does not copy its inputs: leave them as they are until then.
    Raises CellError for wrong names, shapes and dtypes."""
    call, start = _checked_call(params, inputs, initial, dtype, _SEQUENCE, threads, checkpoint, lengths)
    if len(call.segments) == 1:
        given = {name: _ready(a) for name, a in call.inputs.items()}
        kept = {name: room(a.shape, a.dtype) if a is call.inputs[name] else a for name, a in given.items()}
        call.inputs.update(kept)
        sequences, tape = _run_segment(call, *call.segments[0], start, given)
        return Run(call, _states_at_ends(call, sequences, 0, call.T, {}), [None], sequences, tape)
    starts, final = [{name: _copied(a) for name, a in start.items()}], {}
    for first, last in call.segments:
        sequences, _ = _run_segment(call, first, last, starts[-1])
        starts.append({name: a[-1].copy() for name, a in sequences.items()})
        final = _states_at_ends(call, sequences, first, last, final)
    return Run(call, final, starts[:-1])


def backward(
    run: Run,
    cotangents: Mapping[str, ArrayLike] | None = None,
    final: Mapping[str, ArrayLike] | None = None,
    input_gradients: bool = True,
) -> Gradients:
    """The gradients of a loss, given its derivatives with respect to the states.

    cotangents: state -> (T, B, *shape), for every step; final: state -> (B, *shape), for the state after the last step; what is
    left out is zero. Returns Gradients for parameters, inputs (unless they are not wanted; products that only these need are then
    left out) and initial states. Raises CellError like forward."""
    if not isinstance(run, Run):
        found = repr(run) if hasattr(run, "final") else f"a {type(run).__name__}"
        raise CellError(f"{NAME}: backward takes the Run that this module's forward returned, found {found}")
    call = run._call
    cotangents = _arrays("cotangents", {} if cotangents is None else cotangents, tuple(STATES), call.real, partly=True)
    final = _arrays("final", {} if final is None else final, tuple(STATES), call.real, partly=True)
    _check_shapes("cotangents", cotangents, STATES, call.shapes, (call.T, call.B))
    _check_shapes("final", final, STATES, call.shapes, (call.B,))
    later = {name: _copied(final[name]) if name in final else zeros((call.B, *call.shapes[name]), call.real) for name in STATES}
    of_params, of_inputs, whole = {}, {}, len(call.segments) == 1
    for (first, last), start in zip(call.segments[::-1], run._starts[::-1], strict=True):
        sequences, tape = (run._sequences, run._tape) if run._sequences else _run_segment(call, first, last, start)
        given = _given_between(call, cotangents, later, first, last)
        inputs = {name: _ready(a[first:last]) for name, a in call.inputs.items()}
        others = _weights(call.params, "backward", _backward_weights, tape, call.threads)
        weights = *panels_of(call.params.held), *others
        params, inputs = _backward(last - first, call.B, call.sizes, call.real, call.params.copies, weights, inputs, sequences,
                                   tape, given, later, _lengths_between(call, first, last), call.threads, input_gradients)
        of_params = params if whole else _grown(of_params, params)
        if input_gradients:
            _put(of_inputs, inputs, first, last, call.T)
    if not whole:
        of_params = {name: _rounded(a, call.real) for name, a in of_params.items()}
    for name, source in INITIAL.items():
        if isinstance(source, str) and source in PARAMS and name not in call.given:
            of_params[source] = _rounded(of_params[source] + later[name].sum(0, np.float64), call.real)
    if call.ragged:
        of_inputs = {name: _within(a, call.lengths) for name, a in of_inputs.items()}
    return Gradients(of_params, of_inputs, later)


# What `step` was called with: parameters, the dtype that was asked for, the compiled step, addresses and sizes, and the states
# that it made lately; found by the dict of the parameters, or as the latest.
_UNKNOWN = _latest_step = None, None, None, None, None
_steps = {}
_compiled_steps = {}
_compiling = threading.Lock()


def _checked_step(params, inputs, state, dtype):
    """One step with all checks; afterwards these parameters are known."""
    global _steps, _latest_step
    call, start = _checked_call(params, inputs, state, dtype, _STEP)
    real = call.real
    with _compiling:
        if real not in _compiled_steps:
            _compiled_steps[real] = _compiled_step(real)
    names, frozen = (*PARAMS, *CONSTANTS), isinstance(params, Frozen)
    in_place = [name for name in names if not frozen and _is_ready(params[name], real)]
    checked = call.params.copies if frozen else _arrays("params", params, names, real)
    arrays = [params[name] if name in in_place else _ready(checked[name]) for name in names]
    places = np.array([*map(_address, arrays), *call.sizes.values()], np.int64)
    given = [_ready(a) for a in (*call.inputs.values(), *start.values())]
    new = {name: np.empty(start[name].shape, real) for name in STATES}
    _compiled_steps[real](places, *given, *new.values())
    # A lone number would equal another array with that number.
    recognisable = frozen or (len(in_place) == len(names) and all(a.size > 1 for a in arrays))
    known = params if frozen else dict(params)
    _latest_step = (known, dtype, _compiled_steps[real], places, [tuple(new.values())] * 2) if recognisable else _UNKNOWN
    _steps = (_steps if len(_steps) < _MANY else {}) | {id(params): _latest_step}
    return new


def _compiled_step(real):
    """The single step for one dtype, and for arrays in one piece only."""
    number = types.float32 if real == np.float32 else types.float64
    given = [types.Array(number, len(shape) + 1, "C") for shape in (*INPUTS.values(), *STATES.values(), *STATES.values())]
    call = jit(forward_single)
    call.compile((types.Array(types.int64, 1, "C"), *given))
    call.disable_compile()
    return call
