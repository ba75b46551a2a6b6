"""Noise as masks, which are inputs: a kernel draws no random numbers, and a call repeats exactly."""

from sympy import Expr, Symbol

from symcell.cell import Cell
from symcell.language.primitives import matmul
from symcell.language.symbols import Input, Quantity, State
from symcell.language.writing import written
from symcell.transforms.draft import Draft, Quantities


def zoneout(cell: Cell, states: Quantities | None = None, mask: str = "m", name: str | None = None) -> Cell:
    """Zoneout: s = m * s.prev + (1 - m) * s_hat, where s_hat is what the cell would have made of the state.

    The mask of a state s is the input m_s of its shape, 1 where a unit keeps its value: random in training, and the rate in use.
    Equations that the states need read s_hat, as in the paper; those that only show them, such as a readout, read s.
    states: by default those that are carried. mask: the beginning of the masks' names. Raises CellError for what is no state, and
    where a mask's name is taken. Source: Krueger et al., ICLR 2017, arXiv:1606.01305."""
    draft = Draft(cell, "zoneout", "Krueger et al., Zoneout, ICLR 2017, arXiv:1606.01305")
    chosen = draft.states(states)
    masks = {s: Input(draft.given(f"{mask}_{s}", "mask"), draft.dims(s), draft.dims(s).over) for s in chosen}
    new = {s: Symbol(draft.fresh(f"{s}_hat")) for s in chosen}
    transition = draft.reached_from(chosen)
    draft.pairs = [
        *[(new.get(target, target), rhs.xreplace(new)) for target, rhs in draft.pairs if target in transition],
        *[(s, m * s.prev + (1 - m) * new[s]) for s, m in masks.items()],
        *[(target, rhs) for target, rhs in draft.pairs if target not in transition],
    ]
    return draft.finished(name)


def recurrent_dropout(cell: Cell, on: Quantities | None = None, mask: str = "d", name: str | None = None) -> Cell:
    """Dropout inside a step. The mask of a quantity q is the input d_q of its shape: 0, or 1 / (1 - rate); 1 in use.

    on: None, the states whose previous values matrix products read: d_h * h.prev in place of h.prev there, and h.prev elsewhere
    (Gal, Ghahramani, NeurIPS 2016, arXiv:1512.05287, if all steps of a sequence have the same mask). Inputs, likewise. Or an
    intermediate, such as an LSTM's candidate: d_g * g in place of g (Semeniuta, Severyn, Barth, COLING 2016, arXiv:1603.05118).
    mask: the beginning of the masks' names. Raises CellError where no product reads a state or input, and where a mask's name is
    taken."""
    draft = Draft(cell, "recurrent_dropout", "Gal, Ghahramani, arXiv:1512.05287")
    read = {q for _, rhs in draft.pairs for product in rhs.atoms(matmul) for q in product.args[1].free_symbols}
    if on is None:
        chosen: list[Symbol] = [s for s in cell.states if s.prev in read]
    else:
        known = (*cell.states, *cell.inputs, *cell.intermediates)
        chosen = draft.quantities(on, "states, inputs and intermediates of the cell", known)
    if not chosen:
        raise draft.error("needs a matrix product that reads a previous state, as W @ h.prev, and found none; on= names others")
    for q in chosen:
        masked = Input(draft.given(f"{mask}_{q}", "mask"), draft.dims(q), draft.dims(q).over)
        value = q.prev if isinstance(q, State) else q
        if not isinstance(q, Quantity):
            draft.source = "Semeniuta, Severyn, Barth, arXiv:1603.05118"
            draft.pairs = [(target, masked * rhs if target == q else rhs) for target, rhs in draft.pairs]
        elif value in read:
            draft.pairs = [(target, _in_products(rhs, value, masked * value)) for target, rhs in draft.pairs]
        else:
            raise draft.error(f"masks {written(value)} where matrix products read it, and none does")
    return draft.finished(name)


def _in_products(e: Expr, value: Symbol, masked: Expr) -> Expr:
    """An expression with another value in the right operands of its matrix products."""
    return e.xreplace({p: matmul(p.args[0], p.args[1].xreplace({value: masked})) for p in e.atoms(matmul)})
