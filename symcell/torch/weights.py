"""torch.nn.LSTM, GRU and RNN as Layers, and back.

PyTorch adds two biases where the equations have one: their sum becomes it, and it becomes the first, beside zeros. Only the GRU's
candidate has two, one inside the reset gate's product.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from sympy import Eq, S
from torch import Tensor

from symcell import cells
from symcell.cell import Cell
from symcell.errors import CellError
from symcell.torch.layer import Layer
from symcell.torch.stacks import BIAS, role_of

_SECOND, _PROJECTION = "d", "P"  # of a gate, its second bias; the matrix of an LSTM's projection


class _Counterpart(NamedTuple):
    """A cell with the equations of a module, made with some arguments; its gates in the module's order."""

    cell: Cell
    module: Callable[..., torch.nn.RNNBase]
    gates: str
    arguments: dict[str, Any]
    projected: bool = False


def from_torch(module: torch.nn.RNNBase, engine: str = "auto") -> Layer:
    """A Layer with the equations, options and numbers of a torch.nn.LSTM, GRU or RNN: biases, a projection, layers, directions,
    nonlinearity. Two biases become one, their sum, so outputs are those of the module to rounding; from there on, to_torch and
    from_torch keep every number. Raises CellError for another module."""
    if type(module) not in (torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN):
        raise CellError(f"from_torch takes a torch.nn.LSTM, GRU or RNN, found {type(module).__name__}")
    arguments = {"bias": module.bias} | ({"nonlinearity": module.nonlinearity} if isinstance(module, torch.nn.RNN) else {})
    found = next(
        c for c in _counterparts()
        if c.module is type(module) and c.arguments == arguments and c.projected == bool(module.proj_size)
    )  # fmt: skip
    first: torch.Tensor = module.weight_ih_l0  # type: ignore[assignment]  # torch says that it may be a module
    layer = Layer(
        found.cell, module.input_size, module.hidden_size, module.num_layers, module.bidirectional, module.batch_first,
        module.dropout, {"n_r": module.proj_size} if found.projected else None, engine, device=first.device, dtype=first.dtype,
    )  # fmt: skip
    for place in range(module.num_layers * (1 + module.bidirectional)):
        _copy(found, layer, module, *divmod(place, 1 + module.bidirectional), back=False)
    return layer.train(module.training)


def to_torch(layer: Layer) -> torch.nn.RNNBase:
    """The torch.nn.LSTM, GRU or RNN of a Layer whose cell has its equations, with the same names. Raises CellError for others."""
    if not isinstance(layer, Layer):
        raise CellError(f"to_torch takes a symcell.torch.Layer, found {type(layer).__name__}")
    found = next((c for c in _counterparts() if _meaning(c.cell) == _meaning(layer.cell)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(c.cell.name for c in _counterparts() if c.arguments["bias"]))
        raise CellError(f"{layer.cell.name}: no module of torch.nn has these equations; those of {known} have one "
                        "(torch.nn.GRU resets after the product, as gru_reset_after)")  # fmt: skip
    sizes, first = layer.sizes, next(layer.parameters())
    arguments = found.arguments | ({"proj_size": sizes["n_r"]} if found.projected else {})
    module = found.module(
        sizes["n_x"], sizes["n_h"], layer.num_layers, batch_first=layer.batch_first, dropout=layer.dropout,
        bidirectional=layer.bidirectional, device=first.device, dtype=first.dtype, **arguments,
    )  # fmt: skip
    for place in range(layer.num_layers * (1 + layer.bidirectional)):
        _copy(found, layer, module, *divmod(place, 1 + layer.bidirectional), back=True)
    return module.train(layer.training)


@torch.no_grad()
def _copy(found: _Counterpart, layer: Layer, module: torch.nn.RNNBase, k: int, direction: int, back: bool) -> None:
    """The numbers of one layer and direction."""
    own, suffix = layer._weights(f"_l{k}{'_reverse' if direction else ''}"), f"_l{k}{'_reverse' if direction else ''}"
    theirs = {name: getattr(module, name + suffix) for name in ("weight_ih", "weight_hh")}
    if module.bias:
        theirs |= {name: getattr(module, name + suffix) for name in ("bias_ih", "bias_hh")}
    for j, gate in enumerate(found.gates):
        rows = slice(j * module.hidden_size, (j + 1) * module.hidden_size)
        _assign(own[f"W_{gate}"], theirs["weight_ih"][rows], back)
        _assign(own[f"U_{gate}"], theirs["weight_hh"][rows], back)
        if module.bias:
            _copy_biases(own, gate, theirs["bias_ih"][rows], theirs["bias_hh"][rows], back)
    if found.projected:
        _assign(own[_PROJECTION], getattr(module, f"weight_hr{suffix}"), back)


def _copy_biases(own: dict[str, Tensor], gate: str, first: Tensor, second: Tensor, back: bool) -> None:
    bias, other = own[f"b_{gate}"], own.get(f"{_SECOND}_{gate}")
    if other is not None:
        _assign(bias, first, back)
        _assign(other, second, back)
    elif back:
        first.copy_(bias)
        second.zero_()
    else:
        bias.copy_(first + second)


def _assign(own: Tensor, theirs: Tensor, back: bool) -> None:
    if back:
        theirs.copy_(own)
    else:
        own.copy_(theirs)


@cache
def _counterparts() -> tuple[_Counterpart, ...]:
    found = []
    for name, module, gates, arguments, projected in (
        ("lstm", torch.nn.LSTM, "ifgo", {}, False),
        ("lstmp", torch.nn.LSTM, "ifgo", {}, True),
        ("gru_reset_after", torch.nn.GRU, "rzn", {}, False),
        ("rnn", torch.nn.RNN, "a", {"nonlinearity": "tanh"}, False),
        ("irnn", torch.nn.RNN, "h", {"nonlinearity": "relu"}, False),
    ):
        cell = cells.get(name)
        for bias, of in ((True, cell), (False, _without_biases(cell))):
            found.append(_Counterpart(of, module, gates, {"bias": bias, **arguments}, projected))
    return tuple(found)


def _without_biases(cell: Cell) -> Cell:
    absent = {p: S.Zero for p in cell.params if role_of(cell.declaration, p) == BIAS}
    equations = [Eq(e.target, e.rhs.xreplace(absent), evaluate=False) for e in cell.equations]
    return Cell(f"{cell.name}_without_biases", equations, cell.outputs, cell.reference)


def _meaning(cell: Cell) -> tuple:
    """What two declarations of one cell have in common."""
    return {e.target: e.rhs for e in cell.equations}, cell.outputs, {s: s.initial for s in cell.states}
