"""The sizes of a layer's cells, from what its user says."""

from collections.abc import Mapping
from typing import Any

from symcell.errors import CellError
from symcell.runtime.interface import Interface, shapes_of
from symcell.runtime.sizes import sizes_of_init


def main_input(cell: Interface) -> str | None:
    """The input that is called x, or the only one; layers above the first read the outputs of the one below as this."""
    return "x" if "x" in cell.inputs else next(iter(cell.inputs)) if len(cell.inputs) == 1 else None


def sizes_of_layers(
    cell: Interface, input_size: int | None, hidden_size: int | None, sizes: Mapping[str, int] | None, layers: int = 1,
    directions: int = 1,
) -> list[dict[str, int]]:  # fmt: skip
    """For each layer, size -> number. Raises CellError for sizes that are missing, unknown or contradict each other, and where
    the outputs of a layer cannot be the input of the next one."""
    numbers = dict(sizes or {})
    for name, axis, n in (("input_size", _input_axis(cell), input_size), ("hidden_size", _hidden_axis(cell), hidden_size)):
        if n is None:
            continue
        if axis is None:
            raise CellError(f"{cell.name}: {name} is the size of no axis of this cell; sizes= takes {', '.join(cell.sizes)}")
        if numbers.setdefault(axis, n) != n:
            raise CellError(f"{cell.name}: {name} is {n}, and the same size, {axis}, is {numbers[axis]}")
    found = [_checked(cell, numbers)]
    for _ in range(1, layers):
        found.append(_above(cell, found[0], directions))
    return found


def width(cell: Interface, sizes: dict[str, int]) -> int:
    """The length of a cell's outputs side by side."""
    shapes = shapes_of(cell, sizes)
    for name in cell.outputs:
        if len(shapes[name]) != 1:
            raise CellError(f"{cell.name}: the output {name} of shape {shapes[name]} is no vector that another layer can read")
    return sum(shapes[name][0] for name in cell.outputs)


def _above(cell: Interface, sizes: dict[str, int], directions: int) -> dict[str, int]:
    """The sizes of a layer above one of these sizes."""
    axis, n = _input_axis(cell), directions * width(cell, sizes)
    if axis is None:
        raise CellError(f"{cell.name}: several layers need an input vector, called x or the only one, and found none")
    found = sizes | {axis: n}
    if width(cell, found) != width(cell, sizes):
        raise CellError(f"{cell.name}: in this cell {axis} is the size of its input and of a state, found {sizes[axis]} and {n}")
    return found


def _checked(cell: Interface, numbers: dict[str, Any]) -> dict[str, int]:
    names = {"input_size": _input_axis(cell), "hidden_size": _hidden_axis(cell)}
    told = {cell.aliases.get(name, (name, ""))[0] for name in numbers}
    if unknown := sorted(told - {*cell.sizes}):
        raise CellError(f"{cell.name}: unknown size {', '.join(unknown)}; expected {', '.join(cell.sizes)}")
    if missing := [name for name in cell.sizes if name not in told]:
        words = [next((label for label, axis in names.items() if axis == name), f"sizes={{{name!r}: ...}}") for name in missing]
        raise CellError(f"{cell.name}: a layer needs {' and '.join(words)}")
    return sizes_of_init(cell, numbers)


def _input_axis(cell: Interface) -> str | None:
    """The size of the main input, if that is a vector."""
    name = main_input(cell)
    axes = cell.inputs[name] if name else ()
    return axes[0] if len(axes) == 1 and axes[0] in cell.sizes else None


def _hidden_axis(cell: Interface) -> str | None:
    """n_h, or else the size of the first output."""
    axes = cell.states[cell.outputs[0]]
    return "n_h" if "n_h" in cell.sizes else axes[-1] if axes and axes[-1] in cell.sizes else None
