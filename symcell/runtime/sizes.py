"""The sizes of a call: read off its arrays, given by the caller, or those with which parameters were made."""

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import ref

import numpy as np

from .arguments import SEQUENCE, Arrays, origin_of, place_given, positive
from .errors import CellError
from .interface import Interface, shapes_of

Sizes = dict[str, int]


class Made:
    """The sizes with which parameters were made, and these, as long as they live."""

    def __init__(self, sizes: Sizes, params: Arrays) -> None:
        self.sizes, self._arrays = sizes, [ref(a) for a in params.values()]

    def has(self, params: Arrays) -> bool:
        """Whether parameters are these themselves."""
        return any(made() is a for made, a in zip(self._arrays, params.values(), strict=False))

    def fits(self, cell: Interface, params: Arrays, sizes: Sizes) -> bool:
        """Whether parameters have the shapes of these, and agree with what is known of their sizes."""
        shapes = shapes_of(cell, self.sizes)
        agree = all(self.sizes[size] == n for size, n in sizes.items())
        return agree and all(a.shape == shapes[name] for name, a in params.items())

    def __reduce__(self) -> tuple[Any, ...]:
        return Made, (self.sizes, {})


def sizes_told(cell: Interface, groups: dict[str, Arrays], axes: tuple[str, ...] = SEQUENCE) -> Sizes:
    """The sizes that some arrays tell, each read off one that has it as an axis."""
    sizes: Sizes = {}
    for size, places in cell.sizes.items():
        for group, name, axis, times, divisor, plus in places:
            a = groups.get(group, {}).get(name)
            if a is not None and size not in sizes:
                label, axis = place_given(group, axis, axes)
                if axis >= a.ndim:
                    expected = (cell.given | cell.inputs | cell.states)[name]
                    words = f"an axis for each of ({', '.join(expected)})"
                    raise CellError(f"{cell.name}: {label}[{name!r}] has shape {a.shape}, expected {words}")
                sizes[size] = a.shape[axis] * times // divisor + plus
    return sizes


def sizes_found(
    cell: Interface, groups: dict[str, Arrays], axes: tuple[str, ...] = SEQUENCE, given: Any = None, made: Iterable[Made] = (),
) -> Sizes:  # fmt: skip
    """The sizes that are known: those that arrays tell, and of the others, such as a number of heads that arrays have as a factor
    only, those that are `given`, or else those with which parameters of these shapes were `made`."""
    sizes = sizes_told(cell, groups, axes)
    for size, n in _checked(cell, given).items():
        if sizes.setdefault(size, n) != n:
            raise CellError(f"{cell.name}: sizes[{size!r}] is {n}, and {origin_of(cell, size, axes)} says {sizes[size]}")
    if len(sizes) < len(cell.sizes):
        params = groups["params"]
        fitting = [m for m in made if m.fits(cell, params, sizes)]
        chosen = [m for m in fitting if m.has(params)] or fitting
        if chosen and all(m.sizes == chosen[0].sizes for m in chosen):
            sizes = chosen[0].sizes
    return {size: sizes[size] for size in cell.sizes if size in sizes}


def all_sizes(
    cell: Interface, groups: dict[str, Arrays], axes: tuple[str, ...] = SEQUENCE, given: Any = None, made: Iterable[Made] = (),
) -> Sizes:  # fmt: skip
    """The same. Raises CellError where some are not known."""
    sizes = sizes_found(cell, groups, axes, given, made)
    if missing := [size for size in cell.sizes if size not in sizes]:
        words = ", ".join(f"{size!r}: ..." for size in missing)
        raise CellError(
            f"{cell.name}: the size {missing[0]} cannot be read off what was given; pass sizes={{{words}}}, or an initial state "
            "that has it"
        )
    return sizes


def _checked(cell: Interface, given: Any) -> Sizes:
    """Sizes by name, as a caller gives them to a call."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise CellError(f"{cell.name}: sizes must be a dict from name to number, found {type(given).__name__}")
    for size in given:
        if size not in cell.sizes:
            raise CellError(f"{cell.name}: unknown size {size!r} in sizes; expected {', '.join(cell.sizes)}")
    return {size: positive(cell, f"sizes[{size!r}]", n) for size, n in given.items()}


def sizes_of_init(cell: Interface, sizes: dict[str, Any]) -> Sizes:
    """size -> number, each given by its own name or an alias."""
    numbers: Sizes = {}
    for size, n in sizes.items():
        if size not in cell.sizes and size not in cell.aliases:
            raise CellError(f"{cell.name}: unknown size {size}; expected {', '.join(cell.sizes)}")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise CellError(f"{cell.name}: the size {size} must be a positive integer, found {n!r}")
        own, _ = cell.aliases.get(size, (size, ""))
        if numbers.setdefault(own, int(n)) != n:
            given = {name: sizes[name] for name in sizes if cell.aliases.get(name, (name, ""))[0] == own}
            raise CellError(_one_size(cell, given))
    missing = [size for size in cell.sizes if size not in numbers]
    if missing:
        raise CellError(f"{cell.name}: init needs the sizes {', '.join(missing)}")
    return numbers


def _one_size(cell: Interface, given: dict[str, Any]) -> str:
    """What to say of names of one size that were given different numbers."""
    names, numbers = " and ".join(given), " and ".join(map(str, given.values()))
    reasons = dict.fromkeys(cell.aliases[name][1] for name in given if name in cell.aliases)
    return ": ".join([f"{cell.name}: {names} are one size in this cell, found {numbers}", *filter(None, reasons)])
