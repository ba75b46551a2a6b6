"""Cells side by side and one above another: a residual connection, several streams, several layers."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sympy import Basic, Eq, Expr, S, Symbol

from symcell.cell import Cell
from symcell.errors import CellError
from symcell.language.primitives import concat
from symcell.language.sizes import Dims, shape_text, size
from symcell.language.symbols import Input, State
from symcell.transforms.draft import Draft
from symcell.transforms.renaming import renamed, resized

Fed: TypeAlias = tuple[Expr, Dims]  # a value that stands for an input, and its shape


def residual(cell: Cell, name: str | None = None) -> Cell:
    """A residual connection: the output is y = h + x, a state of its own, and the recurrence stays as it is. The input's size
    becomes that of the output.

    Raises CellError for a cell with several outputs, or without an input that is called x or is the only one.
    Source: Wu et al., Google's neural machine translation system, arXiv:1609.08144."""
    draft = Draft(cell, "residual", "Wu et al., arXiv:1609.08144")
    x, outputs = draft.main_input(), cell.outputs
    if len(outputs) != 1:
        raise draft.error(f"needs one output, found {', '.join(map(str, outputs))}; declare the cell with outputs=h")
    h, old, new = outputs[0], draft.dims(x), draft.dims(outputs[0])
    if len(old) != len(new) or old.over != new.over:
        raise draft.error(f"adds the input {x} of shape {shape_text(old)} to the output {h} of shape {shape_text(new)}")
    symbols = resized(cell, {m: n for m, n in zip(old, new, strict=True) if m.is_Symbol and m != n})
    draft.replace(symbols)
    shown = State(draft.fresh("y"), new, over=new.over)
    draft.pairs = [(symbols.get(target, target), rhs) for target, rhs in draft.pairs]
    draft.pairs.append((shown, symbols.get(h, h) + symbols.get(x, x)))
    return draft.finished(name, [shown])


def concat_inputs(cell: Cell, names: Sequence[str], name: str | None = None) -> Cell:
    """Several streams in place of one input x: x = concat(u, v, ...), of vectors u (n_u), v (n_v) ...

    Raises CellError where a name is taken, for fewer than two, and for a cell without a vector as its input, called x or the only
    one. Source: the input feeding of Luong, Pham, Manning, EMNLP 2015, arXiv:1508.04025."""
    draft = Draft(cell, "concat_inputs", "as the input feeding of Luong, Pham, Manning, arXiv:1508.04025")
    x = draft.main_input()
    if isinstance(names, str) or len(names) < 2:
        raise draft.error(f"takes the names of two inputs or more, as ['u', 'v'], found {names!r}")
    if len(draft.dims(x).whole) != 1:
        raise draft.error(f"puts vectors in place of the input {x}, which has shape {shape_text(draft.dims(x))}")
    streams = [Input(draft.given(n, "names"), f"n_{n}") for n in names]
    (length,) = cell.shape(x)
    symbols = resized(cell, {length: sum((size(f"n_{n}") for n in names), S.Zero)} if length.is_Symbol else {})
    joined = Symbol(x.name)
    draft.replace(symbols | {x: joined})
    draft.pairs = [(joined, concat(*streams)), *[(symbols.get(target, target), rhs) for target, rhs in draft.pairs]]
    return draft.finished(name, [symbols.get(s, s) for s in cell.outputs])


def stack(cells: Sequence[Cell], name: str | None = None) -> Cell:
    """Several layers as one cell, in one fused step: the outputs of each, side by side if there are several, are the next one's
    input x, or its only one. The cell shows the outputs of the last.

    Symbols and sizes of layer k get the suffix _k, as W_i_2 and n_h_2. The first layer's input x, or its only one, keeps its
    name, and so does its size, unless a state has it. Other inputs, such as masks, remain inputs, each layer its own. Raises
    CellError for fewer than two layers, and for outputs that a layer cannot take.
    Source: Graves, Mohamed, Hinton, ICASSP 2013, arXiv:1303.5778."""
    if not isinstance(cells, (list, tuple)) or len(cells) < 2:
        raise CellError(f"stack takes a list of two cells or more, as stack([lstm, gru]), found {cells!r}")
    drafts = [Draft(cell, "stack") for cell in cells]
    symbols: dict[Basic, Basic] = {}
    equations: list[Eq] = []
    for k, draft in enumerate(drafts, 1):
        fed = _first_input(draft) if k == 1 else {draft.main_input(): _outcome(drafts[k - 2], symbols)}
        symbols = _layer(draft, fed, k)
        equations += [Eq(symbols[target], rhs.xreplace(symbols), evaluate=False) for target, rhs in draft.pairs]
    made = "; ".join(f"{cell.name}: {cell.reference}" if cell.reference else cell.name for cell in cells)
    return Cell(
        f"{'_'.join(cell.name for cell in cells)}_stack" if name is None else name,
        equations,
        outputs=[symbols[s] for s in cells[-1].outputs],
        reference=f"stack (layers as in Graves, Mohamed, Hinton, ICASSP 2013, arXiv:1303.5778) of {made}",
    )


def _first_input(draft: Draft) -> dict[Input, Fed]:
    """The main input of the first layer, if it has one, and what stands for it: its size keeps its name unless a state has it."""
    cell = draft.cell
    of_states = {n for s in cell.states for m in cell.shape(s) for n in m.free_symbols}
    suffixed = {n: size(f"{n}_1") for n in of_states}
    shapes = {x: draft.dims(x).map(lambda n: n.xreplace(suffixed)) for x in draft.main_inputs()}
    return {x: (Input(x.name, shape, shape.over), shape) for x, shape in shapes.items()}


def _layer(draft: Draft, fed: Mapping[Input, Fed], k: int) -> dict[Basic, Basic]:
    """The symbols of a layer -> what stands for them in the stack."""
    cell = draft.cell
    sizes: dict[Expr, Expr] = {size(n): size(f"{n}_{k}") for n in cell.sizes}
    for x, (_, shape) in fed.items():
        old = draft.dims(x)
        if len(shape) != len(old) or len(shape.over) != len(old.over):
            found = f"whose input {x} has shape {shape_text(old)}"
            raise draft.error(f"feeds a value of shape {shape_text(shape)} to layer {k}, {found}")
        sizes |= {m: n for m, n in zip(old.whole, shape.whole, strict=True) if m.is_Symbol}
    others = [q for q in cell.shapes if q not in fed]
    return renamed(cell, others, lambda name: f"{name}_{k}", sizes) | {x: value for x, (value, _) in fed.items()}


def _outcome(draft: Draft, symbols: Mapping[Basic, Basic]) -> Fed:
    """What a layer feeds the next one: its output, or several as one vector."""
    outputs = draft.cell.outputs
    shapes = [draft.dims(s).map(lambda n: n.xreplace(symbols)) for s in outputs]
    if len(outputs) == 1:
        return symbols[outputs[0]], shapes[0]
    for s, shape in zip(outputs, shapes, strict=True):
        if len(shape.whole) != 1:
            raise draft.error(f"joins several outputs, which are vectors, found {s} of shape {shape_text(shape)}")
    return concat(*(symbols[s] for s in outputs)), Dims([sum((n for (n,) in shapes), S.Zero)])
