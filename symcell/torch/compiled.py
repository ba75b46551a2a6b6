"""The cells that operators compute, by a key that an operator's text argument carries; and how their tensors lie."""

import builtins
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import accumulate
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias
from unittest.mock import patch

import numpy as np
import torch

from symcell.cells import get, names
from symcell.compiler import compile_declaration, source_of
from symcell.errors import CellError
from symcell.language.declaration import Declaration
from symcell.runtime.arguments import Arrays
from symcell.runtime.interface import shapes_of
from symcell.runtime.loading import load_module
from symcell.runtime.memory import LINE
from symcell.runtime.parameters import Weights
from symcell.torch.stacks import Stack, stacks_of
from symcell.torch.states import Shown, order

Rows: TypeAlias = tuple[tuple[str, int, int], ...]
_known: dict[str, "Compiled"] = {}
# A plan compiles the passes, and Numba knows these functions; torch.export puts others in their place while it traces.
_MIN, _MAX, _POW = min, max, math.pow


class Plan(NamedTuple):
    """For some sizes and a dtype: the shape of every array and of every stack; the first row of each parameter in its stack, and
    the row behind its last; the shapes of the tape; and the packed weights' places in one piece of memory of `total` numbers."""

    sizes: dict[str, int]
    dtype: np.dtype
    shapes: dict[str, tuple[int, ...]]
    stacked: tuple[tuple[int, ...], ...]
    rows: tuple[Rows, ...]
    tape: dict[str, tuple[int, ...]]
    packs: tuple[tuple[str, int, tuple[int, ...]], ...]
    total: int


class Compiled:
    """A cell's passes as functions of tensors' arrays. key: its name and the hash of its module's text; tensors: the stacks of
    its parameters, and its constants, one by one."""

    def __init__(self, cell: Declaration) -> None:
        kernel = compile_declaration(cell)
        self.declaration, self.kernel = cell, kernel.module.kernel  # of either dtype
        self.interface, self.passes = self.kernel.interface, self.kernel.passes
        self.key = f"{cell.name}:{kernel.module.CONTENT_HASH}"
        self.stacks = stacks_of(cell)
        self.tensors = (*self.stacks, *(Stack(name, (name,), None) for name in self.interface.constants))
        self.as_outputs = Shown(self.interface, self.interface.outputs)
        self.as_states = Shown(self.interface, order(self.interface))
        self.operations: Any = None  # the cell's module for the torch target
        self.side_by_side: dict[str, bool] = {}  # stack -> whether the gradients in it are computed as one array
        self._plans: dict[tuple, Plan] = {}

    @torch.compiler.assume_constant_result  # torch.compile executes it while it traces
    def know_operations(self) -> None:
        """Load the cell's module of PyTorch operations, when the first call needs it. Raises CellError if there is no such
        target."""
        if self.operations is None:
            self.operations = _operations(self.declaration)

    def plan(self, sizes: Sequence[int], dtype: np.dtype) -> Plan:
        """The plan for sizes in the interface's order; made once."""
        key = (*sizes, dtype)
        if key not in self._plans:
            with patch.multiple(builtins, min=_MIN, max=_MAX), patch.object(math, "pow", _POW):
                self._plans[key] = self._planned(dict(zip(self.interface.sizes, sizes, strict=True)), dtype)
        return self._plans[key]

    def _planned(self, sizes: dict[str, int], dtype: np.dtype) -> Plan:
        cell, shapes = self.interface, shapes_of(self.interface, sizes)
        rows = tuple(self._rows(shapes))
        stacked = tuple(shapes[r[0][0]] if len(r) == 1 else (r[-1][2], *shapes[r[0][0]][1:]) for r in rows)
        weights = self.passes.pack(sizes, {name: np.zeros(shapes[name], dtype) for name in cell.given}, dtype)
        packs, place = [], 0
        for name, a in weights.packs.items():
            packs.append((name, place, a.shape))
            place += -(-a.size // LINE) * LINE  # each begins on a cache line
        inputs, initial = (
            {name: np.zeros((*lead, *shapes[name]), dtype) for name in names}
            for names, lead in ((cell.inputs, (0, 1)), (cell.states, (1,)))
        )
        _, tape = self.passes.forward(weights, inputs, initial)  # of no steps
        of_tape = {name: a.shape[2:] for name, a in tape.items()}
        return Plan(sizes, dtype, shapes, stacked, rows, of_tape, tuple(packs), place)

    def _rows(self, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Rows]:
        """Of each tensor, the first row of every parameter, and the one behind its last."""
        for stack in self.tensors:
            ends = [0, *accumulate(shapes[name][0] for name in stack.members)] if len(stack.members) > 1 else [0, 0]
            yield tuple(zip(stack.members, ends, ends[1:], strict=False))

    def unstacked(self, stacks: Mapping[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
        """Tensors by stack -> by parameter, views of them."""
        rows = self._rows(shapes_of(self.interface, sizes))
        return named([stacks[stack.name] for stack in self.tensors], rows)

    def weights(self, plan: Plan, params: Arrays, memory: np.ndarray) -> Weights:
        """The weights of parameters, which lie in `memory` if they are packed. They are valid as long as both are."""
        packs = {name: memory[first : first + math.prod(shape)].reshape(shape) for name, first, shape in plan.packs}
        copies = {name: params[name] for name in self.interface.copied}
        return Weights(plan.sizes, copies, packs)


def named(stacks: Sequence[Any], rows: Iterable[Rows]) -> dict[str, Any]:
    """Stacks, arrays or tensors -> name -> the rows of a parameter, a view."""
    found = {}
    for a, members in zip(stacks, rows, strict=True):
        if len(members) == 1:
            found[members[0][0]] = a
        else:
            for name, first, last in members:
                found[name] = a[first:last]
    return found


def _operations(cell: Declaration) -> ModuleType:
    try:
        import_module("symcell.targets.torch")
    except ModuleNotFoundError as error:
        if error.name != "symcell.targets.torch":
            raise
        raise CellError(f"{cell.name}: this symcell has no target 'torch', which engine='torch' needs, and every device but "
                        "the CPU, bfloat16 and autocast") from None  # fmt: skip
    return load_module(f"{cell.name}_torch", source_of(cell, "torch"))


@cache
def compiled(cell: Declaration) -> Compiled:
    """The Compiled of a cell, made once for each text of a module; operators find it by its key from here on."""
    made = Compiled(cell)
    return _known.setdefault(made.key, made)


def by_key(key: str) -> Compiled:
    """The Compiled of a key. A cell of the catalogue is found by its name, as in a process that has loaded an exported program.
    Raises CellError for another one that no layer of this process has."""
    if key not in _known:
        name = key.split(":")[0]
        if name in names():
            compiled(get(name).declaration)
        if key not in _known:
            raise CellError(f"{name}: this process does not know the cell {key}; make a symcell.torch.Layer of it first, or "
                            "generate the program again if the cell or symcell has changed")  # fmt: skip
    return _known[key]
