"""Parameters: made at random, and as passes read them, packed for products or copied."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike

from .arguments import Arrays, check_shapes, checked_arrays, copied
from .errors import CellError
from .interface import Interface, Owner, shapes_of
from .memory import allocate


@dataclass(frozen=True, eq=False)
class Weights:
    """Parameters as the passes read them. sizes: size -> number; copies: name -> what they read as it is; packs: name -> matrices
    packed for products, and values that are computed from parameters alone."""

    sizes: dict[str, int]
    copies: Arrays
    packs: Arrays


def packed(
    cell: Interface, pack: Callable, sizes: dict[str, int], params: Arrays, dtype: np.dtype, threads: int,
    into: Weights | None = None,
) -> Weights:  # fmt: skip
    """The weights of parameters that were checked, in new memory or in that of earlier ones."""
    arrays = {name: a if a.flags.carray else copied(a) for name, a in params.items()}
    if into is None:
        copies = {name: copied(arrays[name]) for name in cell.copied}
        return Weights(sizes, copies, pack(sizes, dtype, arrays, None, threads))
    for name, copy in into.copies.items():
        copy[...] = arrays[name]
    pack(sizes, dtype, arrays, into.packs, threads)
    return into


class Frozen(Mapping[str, np.ndarray]):
    """Parameters packed once, for many calls: name -> read-only array. `freeze` makes it, every call takes it as its `params`,
    and `update` packs other numbers in the same memory. A copy of it, by copy or pickle, is one of its own."""

    def __init__(self, kernel: Owner, arrays: Arrays, dtype: np.dtype, sizes: dict[str, int]) -> None:
        self._kernel, self._own, self._dtype = kernel, {name: copied(a) for name, a in arrays.items()}, dtype
        self._weights: Weights | None = None  # those of the last call
        self._in_use: WeakValueDictionary[tuple[int, ...], Weights] = WeakValueDictionary()  # by sizes, those of streams too
        self._version, self._whole = 0, True  # how often it was updated, and whether the last time to the end
        self._arrays = {name: a.view() for name, a in self._own.items()}
        for a in self._arrays.values():
            a.flags.writeable = False
        self._told = sizes  # those that are known; if these are not all, calls tell the others
        if self._knows_all:
            check_shapes(kernel.interface, "params", arrays, kernel.interface.given, shapes_of(kernel.interface, sizes), ())
            self._packed(sizes, 1)

    @property
    def _knows_all(self) -> bool:
        return len(self._told) == len(self._kernel.interface.sizes)

    def update(self, params: Mapping[str, ArrayLike]) -> None:
        """Take the numbers of other parameters of the same shapes, in place. Runs of before cannot go backward any more. Raises
        CellError for wrong names, shapes and dtypes, and changes nothing then. After an update that was interrupted, calls raise
        CellError until another one is whole."""
        cell = self._kernel.interface
        arrays = checked_arrays(cell, "params", params, cell.given, self._dtype)
        check_shapes(cell, "params", arrays, cell.given, {name: a.shape for name, a in self._own.items()}, ())
        self._version += 1
        self._whole = False
        for name, a in arrays.items():
            self._own[name][...] = a
        for weights in list(self._in_use.values()):
            self._kernel.passes.pack(weights.sizes, self._own, self._dtype, into=weights)
        self._whole = True

    def _packed(self, sizes: dict[str, int], threads: int) -> Weights:
        """The weights; packed for each set of sizes, where parameters do not tell all of them. Those in use
        are updated."""
        if not self._whole:
            name = self._kernel.interface.name
            raise CellError(f"{name}: an update of these frozen parameters was interrupted; update them again")
        if self._weights is None or self._weights.sizes != sizes:
            key = tuple(sizes.values())
            self._weights = self._in_use.get(key) or self._kernel.passes.pack(sizes, self._own, self._dtype, threads)
            self._in_use[key] = self._weights
        return self._weights

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in self.items())
        return f"Frozen parameters of {self._kernel.interface.name}: {shapes}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (self._kernel, dict(self._own), self._dtype, self._told)


def random_parameters(cell: Interface, seed: Any, dtype: np.dtype, sizes: dict[str, Any]) -> Arrays:
    """Uniform between -1/sqrt(n) and 1/sqrt(n), n the length of the last axis."""
    wanted = shapes_of(cell, sizes)
    try:
        random = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise CellError(f"{cell.name}: seed {seed!r} is no seed: {error}") from None
    params = {}
    for name in cell.given:
        shape = wanted[name]
        try:
            bound = 1 / math.sqrt(shape[-1] if shape else 1)
            values = random.uniform(-bound, bound, shape)
            params[name] = allocate(shape, dtype)
        except (MemoryError, OverflowError, ValueError):
            raise CellError(f"{cell.name}: there is no memory for {name} of shape {shape}") from None
        params[name][...] = values
    return params
