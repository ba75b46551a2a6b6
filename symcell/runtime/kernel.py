"""What a generated module offers: init, freeze, forward, backward, step and stream."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .arguments import (
    SEQUENCE,
    STEP,
    Arrays,
    check_shapes,
    checked_arrays,
    checked_dtype,
    checked_threads,
    copied,
    dtype_of,
)
from .calls import Call, Given, check_given, given_arrays, initial_states, segments_of
from .errors import CellError
from .interface import Interface, shapes_of
from .lengths import checked_lengths, within
from .loading import load_module, text_of
from .memory import zeros
from .parameters import Frozen, random_parameters
from .passes import Passes
from .run import Gradients, Run
from .sizes import Made, Sizes, all_sizes, sizes_found, sizes_of_init, sizes_told
from .stream import Stream
from .sums import rounded

Named = Mapping[str, ArrayLike]
_MANY = 64  # sets of shapes that are remembered


class Kernel:
    """A cell's passes: `interface` says what the cell has, and three functions of a generated module do the work.

    A value of shape s is an array (T, B, *s) over a sequence and (B, *s) at one step. All arrays of a call have one dtype,
    float32 or float64: the kernel's own, if it has one, or that of the first array that is given. Compiling happens at the
    first call of a dtype, once for all sizes."""

    def __init__(
        self, module: str, interface: Interface, pack: Callable, forward: Callable, backward: Callable,
        dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        self.interface, self.passes = interface, Passes(interface, pack, forward, backward)
        self._given = interface.given
        self._known: dict[tuple, tuple] = {}  # the shapes of parameters that tell all sizes -> these, and all shapes
        self._made: list[Made] = []  # what `init` made, if it does not tell all sizes: the latest for each set of sizes
        self._module, self._dtype = module, None if dtype is None else checked_dtype(interface, dtype)

    def init(self, /, seed: int = 0, dtype: Any = None, **sizes: int) -> dict[str, np.ndarray]:
        """Random parameters, name -> array: uniform between -1/sqrt(n) and 1/sqrt(n), n the length of the last axis.

        Every size is given by its symbol, init(n_x=8, n_h=16). Sizes that parameters do not tell, such as a number of heads that
        is only a factor of their axes, are known to the kernel from here on, for parameters of these shapes. The dtype is float32
        unless the kernel has another one. Raises CellError for a size that is missing, unknown or no positive integer, and for
        what no memory holds."""
        dtype, numbers = self._own_dtype(dtype) or checked_dtype(self.interface, "float32"), sizes_of_init(self.interface, sizes)
        params = random_parameters(self.interface, seed, dtype, numbers)
        if len(sizes_told(self.interface, {"params": params})) < len(numbers):
            self._made = [*(m for m in self._made[-_MANY:] if m.sizes != numbers), Made(numbers, params)]
        return params

    def freeze(self, params: Named, dtype: DTypeLike | None = None, sizes: Mapping[str, int] | None = None) -> Frozen:
        """Parameters packed once, for many calls: name -> read-only array. Every call takes it as its `params`;
        `frozen.update(params)` packs other numbers in place. sizes: as of forward. Raises CellError for wrong names, shapes and
        dtypes."""
        dtype = self._own_dtype(dtype) or dtype_of(self.interface, params, {})
        arrays = checked_arrays(self.interface, "params", params, self._given, dtype)
        return Frozen(self, arrays, dtype, sizes_found(self.interface, {"params": arrays}, given=sizes, made=self._made))

    def forward(
        self,
        params: Named,
        inputs: ArrayLike | Named,
        initial: Named | None = None,
        lengths: Sequence[int] | np.ndarray | None = None,
        threads: int | None = None,
        checkpoint: int | bool | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> Run:
        """Run the cell over a sequence.

        params: name -> array, packed anew at each call, or frozen parameters.
        inputs: an array (T, B, *shape), or name -> array.
        initial: state -> (B, *shape); states left out begin at their declared value.
        lengths: (B,) integers, how many of the T steps each sample has. States behind them are zeros, and `final` is the state
        after the last. Whatever inputs and cotangents hold there has no influence on anything.
        threads: at most so many; default NUMBA_NUM_THREADS.
        checkpoint: keep the states of every so many steps only (True: of about sqrt(T), or more where steps are small);
        `backward` computes what is between them again.
        sizes: name -> number, for those that no array tells.

        Returns a Run: `states` name -> (T, B, *shape), every state at every step; `final` name -> (B, *shape); `outputs`, the
        states that the cell shows. Raises CellError for wrong names, shapes and dtypes before anything runs."""
        call, start = self._checked_call(params, inputs, initial, lengths, threads, checkpoint, sizes=sizes)
        return Run(self, call, *self.passes.run(call, start), params if isinstance(params, Frozen) else None)

    def backward(
        self, run: Run, cotangents: Named | None = None, final: Named | None = None, input_gradients: bool = True
    ) -> Gradients:
        """The gradients of a loss, given its derivatives with respect to the states.

        cotangents: state -> (T, B, *shape), for every step; final: state -> (B, *shape), for the state after the last step;
        what is left out is zero. Returns Gradients: `params`, `inputs` and `initial`, name -> array. Without `input_gradients`,
        `inputs` stays empty, and products that only these need are left out. Raises CellError like forward."""
        self._check_run(run)
        cell, call = self.interface, run._call
        of_states = checked_arrays(
            cell, "cotangents", {} if cotangents is None else cotangents, cell.states, call.dtype, partly=True
        )
        of_final = checked_arrays(cell, "final", {} if final is None else final, cell.states, call.dtype, partly=True)
        check_shapes(cell, "cotangents", of_states, cell.states, call.shapes, (call.T, call.B))
        check_shapes(cell, "final", of_final, cell.states, call.shapes, (call.B,))
        carried = {
            name: copied(of_final[name]) if name in of_final else zeros((call.B, *call.shapes[name]), call.dtype)
            for name in cell.states
        }
        of_params, of_inputs = self.passes.run_back(call, run._parts, of_states, carried, input_gradients)
        for name, source in cell.initial.items():
            if isinstance(source, str) and source in cell.params and name not in call.given:
                of_params[source] = rounded(of_params[source] + carried[name].sum(0, np.float64), call.dtype)
        if call.ragged:
            of_inputs = {name: within(a, call.lengths) for name, a in of_inputs.items()}
        return Gradients(of_params, of_inputs, carried, cell.name)

    def step(
        self, params: Named, inputs: ArrayLike | Named, state: Named | None = None, sizes: Mapping[str, int] | None = None
    ) -> dict[str, np.ndarray]:
        """One step: inputs (B, *shape), or name -> array; state: name -> (B, *shape), as `initial` of forward; sizes: as there.
        Returns the new state in arrays of its own. `stream` is made for many steps. Raises CellError like forward."""
        call, start = self._checked_call(params, inputs, state, axes=STEP, sizes=sizes)
        sequences, _ = self.passes.steps(call, 0, 1, start)
        return {name: a[1] for name, a in sequences.items()}

    def stream(self, params: Named, batch: int = 1) -> Stream:
        """An object that goes step by step through samples, in buffers of its own: see Stream. Frozen parameters are read where
        they are, and may be updated between steps; others are copied."""
        if isinstance(params, Frozen):
            self._check_frozen(params)
            self._own_dtype(params._dtype)
        return Stream(self, params if isinstance(params, Frozen) else self.freeze(params), batch)

    def _checked_call(
        self, params: Any, inputs: Any, initial: Any, lengths: Any = None, threads: Any = None, checkpoint: Any = None,
        axes: tuple[str, ...] = SEQUENCE, sizes: Any = None,
    ) -> tuple[Call, Arrays]:  # fmt: skip
        """The call, and the states that it begins with, which may be the caller's arrays. Inputs of one step get an axis T."""
        cell = self.interface
        frozen = isinstance(params, Frozen)
        if frozen:
            self._check_frozen(params)
        dtype = self._dtype or dtype_of(cell, params, inputs)
        threads = checked_threads(cell, threads)
        same = frozen and params._dtype == dtype
        arrays = params._own if same else checked_arrays(cell, "params", params, self._given, dtype)
        given = given_arrays(cell, inputs, initial, dtype, axes)
        made = [Made(params._told, {})] if frozen and params._knows_all else self._made
        sizes, shapes = self._sizes_and_shapes(arrays, given, sizes, made)
        check_given(cell, given, shapes)
        T, B = given.lead if len(axes) == 2 else (1, *given.lead)
        ragged, lengths = lengths is not None, checked_lengths(cell, lengths, T, B)
        segments = segments_of(cell, T, B, checkpoint, shapes)
        start = initial_states(cell, given.initial, arrays, shapes, B, dtype)
        weights = params._packed(sizes, threads) if same else self.passes.pack(sizes, arrays, dtype, threads)
        steps = given.inputs if len(axes) == 2 else {name: a[None] for name, a in given.inputs.items()}
        return Call(T, B, sizes, shapes, dtype, weights, steps, lengths, ragged, tuple(given.initial), threads, segments), start

    def _sizes_and_shapes(
        self, params: Arrays, given: Given, told: Any, made: list[Made]
    ) -> tuple[Sizes, dict[str, tuple[int, ...]]]:
        """All sizes, and the shapes of all arrays. Parameters are checked against these, once for each set of their shapes."""
        cell, form = self.interface, tuple([a.shape for a in params.values()])
        if form in self._known and told is None:
            return self._known[form]
        groups = {"params": params, "inputs": given.inputs, "initial": given.initial}
        sizes = all_sizes(cell, groups, given.axes, told, made)
        shapes = shapes_of(cell, sizes)
        check_shapes(cell, "params", params, self._given, shapes, (), given.axes)
        if len(self._known) < _MANY and len(sizes_told(cell, {"params": params})) == len(sizes):
            self._known[form] = sizes, shapes
        return sizes, shapes

    def _own_dtype(self, dtype: DTypeLike | None) -> np.dtype | None:
        """The dtype that a call asks for, or else the kernel's own."""
        wanted = self._dtype if dtype is None else checked_dtype(self.interface, dtype)
        if self._dtype is not None and wanted != self._dtype:
            raise CellError(f"{self.interface.name}: this kernel is compiled for {self._dtype}, found dtype {wanted}")
        return wanted

    def _check_frozen(self, params: Frozen) -> None:
        """Raise CellError unless a kernel of this cell has frozen these parameters."""
        name, other = self.interface.name, params._kernel.interface
        if other is not self.interface:
            raise CellError(f"{name}: a kernel of {other.name} has frozen these parameters; freeze a dict of them with this one")

    def _check_run(self, run: Any) -> None:
        """Raise CellError unless a run is one of this cell's kernels, and its parameters are what they were."""
        if not isinstance(run, Run) or run._kernel.interface is not self.interface:
            found = repr(run) if hasattr(run, "final") else f"a {type(run).__name__}"
            raise CellError(f"{self.interface.name}: backward takes the Run that this kernel's forward returned, found {found}")
        run._check_current()

    def __repr__(self) -> str:
        return f"Kernel({self.interface.name!r}, {self._dtype or 'float32 or float64'})"

    def __reduce__(self) -> tuple[Any, ...]:
        """A kernel is found again in its module, which travels as text if it was compiled by symcell."""
        text = text_of(sys.modules[self._module])
        return kernel_of, (self.interface.name if text else self._module, text, self._dtype and self._dtype.name, self._made)


def kernel_of(name: str, text: str | None, dtype: str | None, made: list[Made]) -> Kernel:
    """The kernel of a module that can be imported by its name, or of one that is given as text."""
    module = import_module(name) if text is None else load_module(name, text)
    kernel: Kernel = module.kernel
    if dtype is not None:
        kernel = Kernel(module.__name__, kernel.interface, *kernel.passes.functions, dtype)
    known = [m.sizes for m in kernel._made]
    kernel._made += [m for m in made if m.sizes not in known]
    return kernel
