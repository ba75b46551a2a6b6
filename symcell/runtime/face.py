"""What a generated module offers: init, forward, backward and step, and the checks before any compiled code runs.

The module's tables say what the cell has: NAME, PARAMS, CONSTANTS, INPUTS, STATES (name -> shape in symbolic sizes), OUTPUTS,
INITIAL (state -> number, or the name of a parameter), SIZES (size -> where to read it off), RECURRENT, shapes(**sizes).
"""

import numpy as np


class CellError(ValueError):
    """Wrong names, shapes or dtypes, found before any compiled code runs."""


class Run:
    """What `forward` computed, and what `backward` needs of it.

    states: name -> (T, B, *shape), every step; final: name -> (B, *shape); outputs: the states that the cell shows. They
    are the arrays that `backward` reads: leave them as they are until then."""

    def __init__(self, states, final, outputs, record):
        self.states, self.final, self.outputs, self._record = states, final, outputs, record

    def __repr__(self):
        return f"Run of {NAME}: " + ", ".join(f"{name} {a.shape}" for name, a in self.states.items())


class Gradients:
    """The derivatives of the loss: params, inputs and initial, each a dict of arrays."""

    def __init__(self, params, inputs, initial):
        self.params, self.inputs, self.initial = params, inputs, initial

    def __repr__(self):
        return f"Gradients of {NAME}: " + ", ".join((*self.params, *self.inputs, *self.initial))


def init(seed=0, dtype="float32", **sizes):
    """Random parameters, name -> array: uniform between -1/sqrt(n) and 1/sqrt(n), n the length of the last axis.

    Every size is given by its symbol, init(n_x=8, n_h=16). Raises CellError for a size that is missing, unknown or no positive
    integer."""
    dtype = _real_dtype(dtype)
    numbers = _given_sizes(sizes)
    try:
        random = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise CellError(f"{NAME}: seed {seed!r} is no seed: {error}") from None
    wanted = shapes(**numbers)
    params = {}
    for name in (*PARAMS, *CONSTANTS):
        bound = 1 / np.sqrt(wanted[name][-1] if wanted[name] else 1)
        params[name] = np.asarray(random.uniform(-bound, bound, wanted[name])).astype(dtype)
    return params


def forward(params, inputs, initial=None, lengths=None, dtype=None, threads=None):
    """Run the cell over a sequence.

    params: name -> array; inputs: an array (T, B, *shape), or name -> array if there are several; initial: state -> (B, *shape),
    states left out begin at their declared value. All arrays have one dtype, float32 or float64. Returns a Run.
    Raises CellError for wrong names, shapes and dtypes."""
    if lengths is not None:
        raise CellError(f"{NAME}: lengths is not supported yet; pass sequences of one length")
    real = _real_dtype(dtype) if dtype is not None else _dtype_of(params, inputs)
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    params = _arrays("params", params, (*PARAMS, *CONSTANTS), real)
    inputs = _arrays("inputs", _named(inputs), tuple(INPUTS), real)
    T, B = _steps_and_samples(inputs)
    given = _arrays("initial", {} if initial is None else initial, tuple(STATES), real, partly=True)
    sizes = _sizes({"params": params, "inputs": inputs, "initial": given})
    wanted = shapes(**sizes)
    _check_shapes("params", params, {**PARAMS, **CONSTANTS}, wanted, ())
    _check_shapes("inputs", inputs, INPUTS, wanted, (T, B))
    _check_shapes("initial", given, STATES, wanted, (B,))
    start = {name: given[name] if name in given else _initial(name, params, B, wanted[name], real) for name in STATES}
    with np.errstate(all="ignore"):  # NaN and infinity go through
        sequences, tape = _forward(T, B, sizes, real, params, inputs, start, threads)
    states = {name: a[1:] for name, a in sequences.items()}
    final = {name: a[T].copy() for name, a in sequences.items()}
    record = (T, B, sizes, real, params, inputs, sequences, tape, tuple(given), threads)
    return Run(states, final, {name: states[name] for name in OUTPUTS}, record)


def backward(run, cotangents=None, final=None):
    """The gradients of a loss, given its derivatives with respect to the states.

    cotangents: state -> (T, B, *shape), for every step; final: state -> (B, *shape), for the state after the last step; what is
    left out is zero. Returns Gradients for parameters, inputs and initial states. Raises CellError like forward."""
    if not isinstance(run, Run):
        raise CellError(f"{NAME}: backward takes the Run that this module's forward returned, found {run!r:.60}")
    T, B, sizes, real, params, inputs, sequences, tape, was_given, threads = run._record
    wanted = shapes(**sizes)
    cotangents = _arrays("cotangents", {} if cotangents is None else cotangents, tuple(STATES), real, partly=True)
    final = _arrays("final", {} if final is None else final, tuple(STATES), real, partly=True)
    _check_shapes("cotangents", cotangents, STATES, wanted, (T, B))
    _check_shapes("final", final, STATES, wanted, (B,))
    given, later = {}, {}
    for name in STATES:
        given[name] = cotangents[name] if name in cotangents else np.zeros((1, B, *wanted[name]), real)
        later[name] = np.array(final[name]) if name in final else np.zeros((B, *wanted[name]), real)
        if name not in RECURRENT and T:  # no step reads it: the last step's share is added where it was given
            given[name] = np.array(np.broadcast_to(given[name], (T, B, *wanted[name])))
            given[name][-1] += later[name]
            later[name] = np.zeros_like(later[name])
    with np.errstate(all="ignore"):
        of_params, of_inputs = _backward(T, B, sizes, real, params, inputs, sequences, tape, given, later, threads)
    for name, source in INITIAL.items():
        if isinstance(source, str) and source in PARAMS and name not in was_given:
            of_params[source] = of_params[source] + later[name].sum(axis=0)
    return Gradients(of_params, of_inputs, later)


def step(params, inputs, state=None, dtype=None):
    """One step, for streaming: inputs (B, *shape) or name -> array, state: name -> (B, *shape). Returns the new state."""
    real = _real_dtype(dtype) if dtype is not None else _dtype_of(params, inputs)
    inputs = _arrays("inputs", _named(inputs), tuple(INPUTS), real)
    for name, a in inputs.items():
        if a.ndim != len(INPUTS[name]) + 1:
            raise CellError(
                f"{NAME}: inputs[{name!r}] has shape {a.shape}, expected ({', '.join(('B', *INPUTS[name]))}) for one step"
            )
    return forward(params, {name: a[None] for name, a in inputs.items()}, state, dtype=real).final


def _real_dtype(dtype):
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = dtype
    if found not in (np.dtype("float32"), np.dtype("float64")):
        raise CellError(f"{NAME}: the dtype must be float32 or float64, found {found}")
    return found


def _dtype_of(params, inputs):
    """The dtype of the first array among what was given."""
    values = [
        *(params.values() if isinstance(params, dict) else ()),
        *(inputs.values() if isinstance(inputs, dict) else (inputs,)),
    ]
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return _real_dtype(value.dtype.newbyteorder("="))
    return np.dtype("float64")


def _named(inputs):
    """A single array is the single input."""
    if isinstance(inputs, dict):
        return inputs
    if len(INPUTS) != 1:
        raise CellError(f"{NAME}: inputs must be a dict with {', '.join(INPUTS)}, found {type(inputs).__name__}")
    return {next(iter(INPUTS)): inputs}


def _arrays(group, values, names, real, partly=False):
    """The named arrays, C-contiguous and of the dtype; unknown, missing and unfit ones refused."""
    if not isinstance(values, dict):
        raise CellError(f"{NAME}: {group} must be a dict from name to array, found {type(values).__name__}")
    unknown = [str(name) for name in values if name not in names]
    if unknown:
        raise CellError(f"{NAME}: {group} has unknown names {', '.join(unknown)}; expected {', '.join(names) or 'none'}")
    missing = [name for name in names if name not in values]
    if missing and not partly:
        raise CellError(f"{NAME}: {group} lacks {', '.join(missing)}")
    return {name: _array(f"{group}[{name!r}]", values[name], real) for name in names if name in values}


def _array(label, value, real):
    """A copy of `value` as an array of the dtype, so that a run does not follow its arguments when they change in place. An
    array of another precision is refused, not rounded; lists and numbers have none."""
    if value is None or isinstance(value, np.ma.MaskedArray):
        raise CellError(f"{NAME}: {label} is {'None' if value is None else 'a masked array'}, expected an array of {real}")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise CellError(f"{NAME}: {label} is no array: {error}") from None
    has_dtype = hasattr(value, "dtype") and array.ndim > 0
    if array.dtype.kind not in "fiub" or (has_dtype and array.dtype.newbyteorder("=") != real):
        raise CellError(f"{NAME}: {label} has dtype {array.dtype}, expected {real}; convert it with .astype({str(real)!r})")
    return np.array(array, dtype=real, order="C")


def _steps_and_samples(inputs):
    """T and B, which all inputs share."""
    for name, a in inputs.items():
        rank = len(INPUTS[name]) + 2
        if a.ndim != rank:
            expected = ", ".join(("T", "B", *INPUTS[name]))
            raise CellError(f"{NAME}: inputs[{name!r}] has shape {a.shape}, expected ({expected})")
    leads = {a.shape[:2] for a in inputs.values()}
    if len(leads) > 1:
        found = ", ".join(f"{name}: {a.shape[:2]}" for name, a in inputs.items())
        raise CellError(f"{NAME}: the inputs differ in steps or samples (T, B): {found}")
    return leads.pop()


def _sizes(groups):
    """Every size, read off an array that has it as an axis."""
    ranks = {"params": 0, "inputs": 2, "initial": 1}
    sizes = {}
    for size, places in SIZES.items():
        for group, name, axis, times, divisor, plus in places:
            a = groups[group].get(name)
            if a is not None and size not in sizes:
                axis += ranks[group]
                if axis >= a.ndim:
                    expected = {**PARAMS, **CONSTANTS, **INPUTS, **STATES}[name]
                    raise CellError(
                        f"{NAME}: {group}[{name!r}] has shape {a.shape}, expected an axis for each of ({', '.join(expected)})"
                    )
                sizes[size] = a.shape[axis] * times // divisor + plus
        if size not in sizes:
            raise CellError(f"{NAME}: the size {size} cannot be read off what was given; pass an initial state that has it")
    return sizes


def _check_shapes(group, arrays, symbolic, wanted, lead):
    """Every array has the shape that the equations give it."""
    letters = ("T", "B")[2 - len(lead) :]
    for name, a in arrays.items():
        expected = (*lead, *wanted[name])
        if a.shape != expected:
            words = ", ".join((*letters, *symbolic[name]))
            origin = "".join(f"; {size} was read off {_origin(size)}" for size in symbolic[name] if size in SIZES)
            raise CellError(f"{NAME}: {group}[{name!r}] has shape {a.shape}, expected ({words}) = {expected}{origin}")


def _origin(size):
    """The first array that has a size as an axis."""
    group, name, axis = SIZES[size][0][:3]
    return f"axis {axis} of {group}[{name!r}]"


def _initial(name, params, B, shape, real):
    """The declared value of a state before the first step."""
    source = INITIAL[name]
    start = np.empty((B, *shape), real)
    start[...] = params[source] if isinstance(source, str) else source
    return start


def _quotient(n, k, words):
    """n / k, which must be a whole number."""
    if n % k:
        raise CellError(f"{NAME}: {words} = {n} must be a multiple of {k}")
    return n // k


def _given_sizes(sizes):
    numbers = {}
    for size, n in sizes.items():
        if size not in SIZES and size not in ALIASES:
            raise CellError(f"{NAME}: unknown size {size}; expected {', '.join(SIZES)}")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise CellError(f"{NAME}: the size {size} must be a positive integer, found {n!r}")
        own = ALIASES.get(size, size)
        if numbers.setdefault(own, int(n)) != n:
            raise CellError(f"{NAME}: {size} and {own} are one size in this cell, found {n} and {numbers[own]}")
    missing = [size for size in SIZES if size not in numbers]
    if missing:
        raise CellError(f"{NAME}: init needs the sizes {', '.join(missing)}")
    return numbers
