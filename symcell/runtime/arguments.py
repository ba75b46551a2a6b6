"""Checks of what a kernel is given, before any compiled code runs, and its arrays made ready for that."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .errors import CellError
from .interface import Interface, Shapes
from .memory import SMALL, allocate
from .threads import default_threads

SEQUENCE, STEP = ("T", "B"), ("B",)  # the axes of an input before its own
Arrays = dict[str, np.ndarray]
_DTYPES = {name: np.dtype(name) for name in ("float32", "float64")}


def checked_dtype(cell: Interface, dtype: Any) -> np.dtype:
    """float32 or float64, however it is written."""
    if type(dtype) is str and dtype in _DTYPES:
        found = _DTYPES[dtype]
    else:
        try:
            found = np.dtype(dtype)
        except TypeError:
            found = dtype
        if found not in _DTYPES.values():
            raise CellError(f"{cell.name}: the dtype must be float32 or float64, found {found}")
    if cell.only_float64 and found == _DTYPES["float32"]:
        raise CellError(f"cell {cell.name}, {cell.only_float64}; use float64")
    return found


def dtype_of(cell: Interface, params: Any, inputs: Any) -> np.dtype:
    """The dtype of the first array of floating-point numbers."""
    values = [
        *(params.values() if isinstance(params, Mapping) else ()),
        *(inputs.values() if isinstance(inputs, dict) else (inputs,)),
    ]
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return checked_dtype(cell, value.dtype.newbyteorder("="))
    return _DTYPES["float64"]


def by_name(cell: Interface, inputs: Any) -> Any:
    """A single array is the single input."""
    if isinstance(inputs, dict):
        return inputs
    if len(cell.inputs) != 1:
        raise CellError(f"{cell.name}: inputs must be a dict with {', '.join(cell.inputs)}, found {type(inputs).__name__}")
    return {next(iter(cell.inputs)): inputs}


def checked_arrays(
    cell: Interface, group: str, values: Any, names: Collection[str], dtype: np.dtype, partly: bool = False
) -> Arrays:
    """The named arrays, of the dtype; unknown, missing and unfit ones refused."""
    if not isinstance(values, dict):
        if not isinstance(values, Mapping):
            raise CellError(f"{cell.name}: {group} must be a dict from name to array, found {type(values).__name__}")
        values = dict(values)
    found = {
        name: a if type(a := values[name]) is np.ndarray and a.dtype == dtype else _checked_array(cell, group, name, a, dtype)
        for name in names
        if name in values
    }
    if len(found) < len(values):
        unknown = [str(name) for name in values if name not in names]
        raise CellError(f"{cell.name}: {group} has unknown names {', '.join(unknown)}; expected {', '.join(names) or 'none'}")
    if len(found) < len(names) and not partly:
        raise CellError(f"{cell.name}: {group} lacks {', '.join(name for name in names if name not in values)}")
    return found


def _checked_array(cell: Interface, group: str, name: str, value: Any, dtype: np.dtype) -> np.ndarray:
    """`value` as an array of the dtype. An array of another precision is refused, not rounded; lists and numbers have none."""
    label = f"{group}[{name!r}]"
    if value is None or isinstance(value, np.ma.MaskedArray):
        raise CellError(f"{cell.name}: {label} is {'None' if value is None else 'a masked array'}, expected an array of {dtype}")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # torch's, of a tensor that has a gradient
        raise CellError(f"{cell.name}: {label} is no array: {error}") from None
    has_dtype = hasattr(value, "dtype") and array.ndim > 0
    if array.dtype.kind not in "fiub" or (has_dtype and array.dtype.newbyteorder("=") != dtype):
        raise CellError(
            f"{cell.name}: {label} has dtype {array.dtype}, expected {dtype}; convert it with .astype({str(dtype)!r})"
        )
    return np.asarray(array, dtype=dtype)


def copied(array: np.ndarray) -> np.ndarray:
    """A copy, which does not follow the array when that changes in place."""
    if array.nbytes < SMALL:
        return array.copy()
    copy = allocate(array.shape, array.dtype)
    copy[...] = array
    return copy


def ready(array: np.ndarray) -> np.ndarray:
    """The array as compiled code takes it: in one piece, in order, on its own addresses, and not read-only."""
    return array if array.flags.carray else copied(array)


def checked_threads(cell: Interface, threads: Any) -> int:
    return default_threads() if threads is None else positive(cell, "threads", threads)


def positive(cell: Interface, label: str, n: Any) -> int:
    if (type(n) is not int and (isinstance(n, bool) or not isinstance(n, (int, np.integer)))) or n < 1:
        raise CellError(f"{cell.name}: {label} must be a positive integer, found {n!r}")
    return int(n)


def steps_and_samples(cell: Interface, inputs: Arrays, axes: tuple[str, ...]) -> tuple[int, ...]:
    """(T, B), or (B,) of one step, which all inputs share."""
    count = len(axes)
    words = " for one step" if axes == STEP else ""
    for name, a in inputs.items():
        if a.ndim != len(cell.inputs[name]) + count:
            expected = ", ".join((*axes, *cell.inputs[name]))
            raise CellError(f"{cell.name}: inputs[{name!r}] has shape {a.shape}, expected ({expected}){words}")
    leads = {a.shape[:count] for a in inputs.values()}
    if len(leads) > 1:
        found = ", ".join(f"{name}: {a.shape[:count]}" for name, a in inputs.items())
        shared = "samples (B,)" if axes == STEP else "steps or samples (T, B)"
        raise CellError(f"{cell.name}: the inputs differ in {shared}: {found}")
    return leads.pop()


def place_given(group: str, axis: int, axes: tuple[str, ...]) -> tuple[str, int]:
    """A place of the sizes as the caller sees it: what he calls the group, and the axis of the whole array."""
    if group == "initial":
        return initial_of(axes), axis + 1
    return group, axis + (len(axes) if group == "inputs" else 0)


def initial_of(axes: tuple[str, ...]) -> str:
    """What the caller calls the states before a step, or before a sequence."""
    return "state" if axes == STEP else "initial"


def check_shapes(
    cell: Interface, group: str, arrays: Arrays, symbolic: Shapes, wanted: dict[str, tuple[int, ...]], lead: tuple[int, ...],
    axes: tuple[str, ...] = SEQUENCE,
) -> None:  # fmt: skip
    """Every array has the shape that the equations give it."""
    for name, a in arrays.items():
        expected = (*lead, *wanted[name])
        if a.shape != expected:
            words = ", ".join((*SEQUENCE[2 - len(lead) :], *symbolic[name]))
            told = [size for size in dict.fromkeys(symbolic[name]) if size in cell.sizes]
            origin = "".join(f"; {size} was read off {origin_of(cell, size, axes)}" for size in told)
            raise CellError(f"{cell.name}: {group}[{name!r}] has shape {a.shape}, expected ({words}) = {expected}{origin}")


def origin_of(cell: Interface, size: str, axes: tuple[str, ...]) -> str:
    """The first array that has a size as an axis."""
    group, name, axis = cell.sizes[size][0][:3]
    group, axis = place_given(group, axis, axes)
    return f"axis {axis} of {group}[{name!r}]"


def whole_quotient(cell: str, n: int, k: int, words: str) -> int:
    """n / k, which must be a whole number."""
    if n % k:
        raise CellError(f"{cell}: {words} = {n} must be a multiple of {k}")
    return n // k
