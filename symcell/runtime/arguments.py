"""Checks of what a generated module is given, before any compiled code runs, and its arrays made ready for that.

The module's tables say what the cell has: NAME, PARAMS, CONSTANTS, INPUTS, STATES (name -> shape in symbolic sizes), OUTPUTS,
INITIAL (state -> number, or the name of a parameter), SIZES (size -> where to read it off), RECURRENT, ONLY_FLOAT64 (the number
that float32 cannot hold, in words, or nothing), shapes(**sizes).
"""

import numpy as np
from numba.core import config

from symcell.runtime.errors import CellError
from symcell.runtime.parameters import Frozen

_SEQUENCE, _STEP = ("T", "B"), ("B",)  # the axes of an input before its own
_REALS = {name: np.dtype(name) for name in ("float32", "float64")}


def _real_dtype(dtype):
    if type(dtype) is str and dtype in _REALS:
        found = _REALS[dtype]
    else:
        try:
            found = np.dtype(dtype)
        except TypeError:
            found = dtype
        if found not in _REALS.values():
            raise CellError(f"{NAME}: the dtype must be float32 or float64, found {found}")
    if ONLY_FLOAT64 and found == _REALS["float32"]:
        raise CellError(f"cell {NAME}, {ONLY_FLOAT64}; use float64")
    return found


def _dtype_of(params, inputs):
    """The dtype of the first array among what was given."""
    values = [
        *(params.values() if isinstance(params, (dict, Frozen)) else ()),
        *(inputs.values() if isinstance(inputs, dict) else (inputs,)),
    ]
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return _real_dtype(value.dtype.newbyteorder("="))
    return np.dtype("float64")


def _by_name(inputs):
    """A single array is the single input."""
    if isinstance(inputs, dict):
        return inputs
    if len(INPUTS) != 1:
        raise CellError(f"{NAME}: inputs must be a dict with {', '.join(INPUTS)}, found {type(inputs).__name__}")
    return {next(iter(INPUTS)): inputs}


def _arrays(group, values, names, real, partly=False):
    """The named arrays, of the dtype; unknown, missing and unfit ones refused."""
    if not isinstance(values, dict) and isinstance(values, Frozen):  # an abstract class takes long to say no
        values = dict(values)
    if not isinstance(values, dict):
        raise CellError(f"{NAME}: {group} must be a dict from name to array, found {_found(values)}")
    found = {name: _array(group, name, values[name], real) for name in names if name in values}
    if len(found) < len(values):
        unknown = [str(name) for name in values if name not in names]
        raise CellError(f"{NAME}: {group} has unknown names {', '.join(unknown)}; expected {', '.join(names) or 'none'}")
    if len(found) < len(names) and not partly:
        raise CellError(f"{NAME}: {group} lacks {', '.join(name for name in names if name not in values)}")
    return found


def _found(values):
    """What was given in place of a dict, in words."""
    if type(values).__name__ == "Frozen" and hasattr(values, "_cell"):
        return f"parameters that a kernel of {values._cell} has frozen; freeze a dict of them with this one"
    return type(values).__name__


def _array(group, name, value, real):
    """`value` as an array of the dtype. An array of another precision is refused, not rounded; lists and numbers have none."""
    if type(value) is np.ndarray and value.dtype == real:
        return value
    label = f"{group}[{name!r}]"
    if value is None or isinstance(value, np.ma.MaskedArray):
        raise CellError(f"{NAME}: {label} is {'None' if value is None else 'a masked array'}, expected an array of {real}")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # torch's, of a tensor that has a gradient
        raise CellError(f"{NAME}: {label} is no array: {error}") from None
    has_dtype = hasattr(value, "dtype") and array.ndim > 0
    if array.dtype.kind not in "fiub" or (has_dtype and array.dtype.newbyteorder("=") != real):
        raise CellError(f"{NAME}: {label} has dtype {array.dtype}, expected {real}; convert it with .astype({str(real)!r})")
    return np.asarray(array, dtype=real)


def _number_of_threads(threads):
    if threads is None:
        return config.NUMBA_NUM_THREADS
    return _positive("threads", threads)


def _positive(label, n):
    if (type(n) is not int and (isinstance(n, bool) or not isinstance(n, (int, np.integer)))) or n < 1:
        raise CellError(f"{NAME}: {label} must be a positive integer, found {n!r}")
    return int(n)


def _steps_and_samples(inputs, axes):
    """(T, B), or (B,) of one step, which all inputs share."""
    count = len(axes)
    for name, a in inputs.items():
        if a.ndim != len(INPUTS[name]) + count:
            expected = ", ".join((*axes, *INPUTS[name]))
            words = " for one step" if axes == _STEP else ""
            raise CellError(f"{NAME}: inputs[{name!r}] has shape {a.shape}, expected ({expected}){words}")
    leads = {a.shape[:count] for a in inputs.values()}
    if len(leads) > 1:
        found = ", ".join(f"{name}: {a.shape[:count]}" for name, a in inputs.items())
        words = "samples (B,)" if axes == _STEP else "steps or samples (T, B)"
        raise CellError(f"{NAME}: the inputs differ in {words}: {found}")
    return leads.pop()


def _sizes(groups, axes=_SEQUENCE):
    """Every size, read off an array that has it as an axis."""
    sizes = {}
    for size, places in SIZES.items():
        for group, name, axis, times, divisor, plus in places:
            a = groups[group].get(name)
            if a is not None and size not in sizes:
                group, axis = _place_given(group, axis, axes)
                if axis >= a.ndim:
                    expected = {**PARAMS, **CONSTANTS, **INPUTS, **STATES}[name]
                    raise CellError(
                        f"{NAME}: {group}[{name!r}] has shape {a.shape}, expected an axis for each of ({', '.join(expected)})"
                    )
                sizes[size] = a.shape[axis] * times // divisor + plus
        if size not in sizes:
            raise CellError(f"{NAME}: the size {size} cannot be read off what was given; pass an initial state that has it")
    return sizes


def _place_given(group, axis, axes):
    """A place of SIZES as the caller sees it: what he calls the group, and the axis of the whole array."""
    if group == "initial":
        return _initial_of(axes), axis + 1
    return group, axis + (len(axes) if group == "inputs" else 0)


def _initial_of(axes):
    """What the caller calls the states before a step, or before a sequence."""
    return "state" if axes == _STEP else "initial"


def _check_shapes(group, arrays, symbolic, wanted, lead, axes=_SEQUENCE):
    """Every array has the shape that the equations give it."""
    for name, a in arrays.items():
        expected = (*lead, *wanted[name])
        if a.shape != expected:
            words = ", ".join((*_SEQUENCE[2 - len(lead) :], *symbolic[name]))
            told = [size for size in dict.fromkeys(symbolic[name]) if size in SIZES]
            origin = "".join(f"; {size} was read off {_origin(size, axes)}" for size in told)
            raise CellError(f"{NAME}: {group}[{name!r}] has shape {a.shape}, expected ({words}) = {expected}{origin}")


def _origin(size, axes):
    """The first array that has a size as an axis."""
    group, name, axis = SIZES[size][0][:3]
    group, axis = _place_given(group, axis, axes)
    return f"axis {axis} of {group}[{name!r}]"


def _initial(name, params, shape, real):
    """The declared value of a state before the first step."""
    source = INITIAL[name]
    start = np.zeros(shape, real)
    if source != 0:
        start[...] = params[source] if isinstance(source, str) else source
    return start


def _quotient(n, k, words):
    """n / k, which must be a whole number."""
    if n % k:
        raise CellError(f"{NAME}: {words} = {n} must be a multiple of {k}")
    return n // k


def _given_sizes(sizes):
    """size -> number, each given by its own name or an alias."""
    numbers = {}
    for size, n in sizes.items():
        if size not in SIZES and size not in ALIASES:
            raise CellError(f"{NAME}: unknown size {size}; expected {', '.join(SIZES)}")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise CellError(f"{NAME}: the size {size} must be a positive integer, found {n!r}")
        own, _ = ALIASES.get(size, (size, ""))
        if numbers.setdefault(own, int(n)) != n:
            raise CellError(_one_size(own, {name: sizes[name] for name in sizes if ALIASES.get(name, (name, ""))[0] == own}))
    missing = [size for size in SIZES if size not in numbers]
    if missing:
        raise CellError(f"{NAME}: init needs the sizes {', '.join(missing)}")
    return numbers


def _one_size(own, given):
    """What to say of names of one size that were given different numbers."""
    names, numbers = " and ".join(given), " and ".join(map(str, given.values()))
    reasons = dict.fromkeys(ALIASES[name][1] for name in given if name in ALIASES)
    return ": ".join([f"{NAME}: {names} are one size in this cell, found {numbers}", *filter(None, reasons)])
