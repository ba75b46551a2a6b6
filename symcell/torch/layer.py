"""Layer: a cell over sequences, in the place of torch.nn.LSTM, GRU or RNN."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.torch import states
from symcell.torch.compiled import compiled
from symcell.torch.engines import Tensors, engine_for
from symcell.torch.episodes import beginnings, resets_of, resettable_of
from symcell.torch.module import CellModule, Init
from symcell.torch.options import check_layers
from symcell.torch.sequences import Sequences, check_inputs, reversal, sequences
from symcell.torch.sizes import main_input, sizes_of_layers, width
from symcell.torch.stream import LayerStream


class Layer(CellModule):
    """A recurrent cell over sequences, with the calling conventions of torch.nn.LSTM, GRU and RNN.

    input_size, hidden_size: the sizes of the input, called x or the only one, and of the state (n_h, or else the first output's);
    sizes: name -> number, for a cell's other sizes. num_layers: layers, each reading the outputs of the one below as its input;
    other inputs go to every layer. bidirectional: a second cell goes from the end to the beginning, its outputs beside those of
    the first. dropout: of the outputs of all layers but the last, in training. engine: "kernels", Numba on CPU; "torch", the
    cell's equations and derivatives as PyTorch operations, on any device; "auto", the kernels where they can. forget_bias: the
    bias of gates that keep a state, at the beginning; init: a function (name, tensor) that fills parameters instead.

    Raises CellError for what is no cell, and sizes that are missing or wrong."""

    def __init__(
        self,
        cell: Cell,
        input_size: int | None = None,
        hidden_size: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        batch_first: bool = False,
        dropout: float = 0.0,
        sizes: Mapping[str, int] | None = None,
        engine: str = "auto",
        forget_bias: float = 1.0,
        init: Init | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(cell, sizes, engine, forget_bias, init, device, dtype)
        check_layers(cell.name, num_layers, bidirectional, batch_first, dropout)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bidirectional, self.batch_first, self.dropout = bidirectional, batch_first, float(dropout)
        found = sizes_of_layers(self._compiled.interface, input_size, hidden_size, sizes, num_layers, 1 + bidirectional)
        self.sizes, self._resettable = found[0], self._compiled
        if bidirectional:
            width(self._compiled.interface, self.sizes)
        for layer, numbers in enumerate(found):
            for direction in range(1 + bidirectional):
                self._add(_suffix(layer, direction), numbers)
        self.reset_parameters()

    def forward(
        self,
        input: Tensor | PackedSequence | Mapping[str, Tensor],
        hx: Any = None,
        lengths: Any = None,
        resets: Tensor | None = None,
        return_states: bool = False,
    ) -> Any:
        """The outputs at every step, and the states after each sample's last one.

        input: (T, B, *shape), or (B, T, *shape) with batch_first, or (T, *shape) of one sample, or a PackedSequence; of several
        inputs, a dict of such tensors. hx: the states before the first step, each (layers * directions, B, *shape), as they are
        returned, or by name; those left out begin at their declared value. lengths: (B,) integers, the steps of each sample;
        outputs behind them are zero. resets: (T, B) or (B, T), as inputs are, true where a sample begins a new episode, from the
        declared values. return_states: return also every state at every step, (layers * directions, T, B, *shape), or
        (layers * directions, B, T, *shape) with batch_first.

        Returns (output, states): one output is a tensor, several are a named tuple; the same for states, the outputs first, as
        out, (h, c) of an LSTM. With return_states, (output, states, all states). Raises CellError for wrong names, shapes, dtypes
        and devices."""
        cell, given = self._compiled.interface, sequences(self._compiled.interface, input, lengths, self.batch_first)
        first = states.given(cell, hx)
        self._check(given.inputs, first)
        steps, samples = check_inputs(cell, given.inputs, self._shapes["_l0"])
        self._check_states(first, () if given.unbatched else (samples,))
        start = {name: self._start(given, t) for name, t in first.items()}
        episodes = None if resets is None else beginnings(cell, given, resets, self.batch_first)
        wanted = tuple(cell.states) if return_states else cell.outputs
        outputs, places = self._layers(given, start, steps, samples, episodes, wanted)
        ended = {name: self._end(given, _side_by_side([final[name] for _, final in places])) for name in cell.states}
        found, as_states = self._compiled.as_outputs({n: given.shown(t) for n, t in outputs.items()}), self._compiled.as_states
        if not return_states:
            return found, as_states(ended)
        sequences_of = {name: torch.stack([self._whole(given, every[name]) for every, _ in places]) for name in cell.states}
        return found, as_states(ended), as_states(sequences_of)

    def _layers(
        self, given: Sequences, start: Tensors, steps: int, samples: int, episodes: Tensor | None, wanted: tuple[str, ...]
    ) -> tuple[Tensors, list[tuple[Tensors, Tensors]]]:
        """The outputs of the last layer; of every place, the wanted states at every step, and all after the last one."""
        cell, inputs = self._compiled.interface, given.inputs
        reverse = reversal(steps, given.lengths, samples) if self.bidirectional else None
        places: list[tuple[Tensors, Tensors]] = []
        for layer in range(self.num_layers):
            for direction in range(1 + self.bidirectional):
                k, back = len(places), reverse if direction else None
                first = start if len(self._places) == 1 else {name: t[k : k + 1] for name, t in start.items()}
                places.append(self._run(_suffix(layer, direction), inputs, first, given.lengths, episodes, wanted, back))
            last = [found for found, _ in places[-1 - self.bidirectional :]]
            outputs = {name: last[0][name] if len(last) == 1 else torch.cat([t[name] for t in last], -1) for name in cell.outputs}
            if layer < self.num_layers - 1:
                x = torch.cat([*outputs.values()], -1) if len(outputs) > 1 else outputs[cell.outputs[0]]
                inputs = inputs | {main_input(cell) or "": torch.nn.functional.dropout(x, self.dropout, self.training)}
        return outputs, places

    def _run(
        self, suffix: str, inputs: Tensors, start: Tensors, lengths: Tensor | None, episodes: Tensor | None,
        wanted: tuple[str, ...], reverse: Any,
    ) -> tuple[Tensors, Tensors]:  # fmt: skip
        """The wanted states at every step, and all after the last one, of one place."""
        cell, stacks, sizes = self._compiled, self._stacks(suffix), self._places[suffix]
        x = next(iter(inputs.values()))
        start = self._with_declared(suffix, start, x)
        if episodes is not None:
            self._know_resettable()
            cell = self._resettable
            inputs = resets_of(cell.interface, inputs, episodes, lengths, reverse is not None)
        if reverse is not None:
            inputs = {name: reverse(t) for name, t in inputs.items()}
        found, final = engine_for(self.engine, self.cell.name, x)(cell, sizes, stacks, inputs, start, lengths, wanted)
        return found if reverse is None else {name: reverse(found[name]) for name in wanted}, final

    @torch.compiler.assume_constant_result  # torch.compile executes it while it traces
    def _know_resettable(self) -> None:
        """Make the cell that begins new episodes, when the first call needs it."""
        self._resettable = compiled(resettable_of(self.cell.declaration))

    def _start(self, given: Sequences, t: Tensor) -> Tensor:
        """States before the first step in the order of a PackedSequence, and with an axis of samples."""
        if given.unbatched:
            return t.unsqueeze(1)
        return t if given.order is None else t.index_select(1, given.order)

    def _end(self, given: Sequences, t: Tensor) -> Tensor:
        """States after the last step in the user's order, and as he gives samples."""
        if given.unbatched:
            return t.squeeze(1)
        return t if given.back is None else t.index_select(1, given.back)

    def _whole(self, given: Sequences, t: Tensor) -> Tensor:
        """A sequence (T, B, ...) in the user's order and axes, padded."""
        if given.unbatched:
            return t.squeeze(1)
        t = t if given.back is None else t.index_select(1, given.back)
        return t.transpose(0, 1) if self.batch_first else t

    def _check_states(self, first: Tensors, samples: tuple[int, ...]) -> None:
        shapes = self._shapes["_l0"]
        for name, t in first.items():
            expected = (len(self._places), *samples, *shapes[name])
            if tuple(t.shape) != expected:
                axes = ", ".join(("layers * directions", *("B" for _ in samples), *self._compiled.interface.states[name]))
                raise CellError(f"{self.cell.name}: the state {name} has shape {tuple(t.shape)}, expected ({axes}) = {expected}")

    def weight(self, name: str, layer: int = 0, direction: int = 0) -> Tensor:
        """One of the cell's parameters or constants, by its own name, as a view: `weight("W_i")`. direction: 1 is backward. Write
        to it under `torch.no_grad()`. Raises CellError for a name, layer or direction that is not there."""
        suffix = _suffix(layer, direction)
        if suffix not in self._places:
            raise CellError(f"{self.cell.name}: there is no layer {layer} with direction {direction} in {self!r}")
        return self._weight(name, suffix)

    def stream(self, batch: int = 1) -> LayerStream:
        """An object that goes step by step, with the present parameters, for inference: see LayerStream."""
        if self.bidirectional:
            raise CellError(f"{self.cell.name}: a bidirectional layer cannot go step by step; its end comes first")
        return LayerStream(self._compiled, list(self._places.values()), [self._weights(suffix) for suffix in self._places], batch)

    def flatten_parameters(self) -> None:
        """Nothing to do: torch.nn.LSTM has this for cuDNN, and training scripts call it."""

    def extra_repr(self) -> str:
        words = [self.cell.name, *(f"{name}={n}" for name, n in self.sizes.items())]
        options = ("num_layers", 1), ("bidirectional", False), ("batch_first", False), ("dropout", 0.0), ("engine", "auto")
        return ", ".join(words + [f"{name}={value!r}" for name, usual in options if (value := getattr(self, name)) != usual])


def _side_by_side(values: list[Tensor]) -> Tensor:
    return values[0] if len(values) == 1 else torch.cat(values)


def _suffix(layer: int, direction: int) -> str:
    return f"_l{layer}{'_reverse' if direction else ''}"
