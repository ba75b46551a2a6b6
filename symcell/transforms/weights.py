"""Structured matrices in place of full ones."""

from collections.abc import Sequence

from sympy import Expr
from sympy.core.traversal import bottom_up

from symcell.cell import Cell
from symcell.language.primitives import matmul
from symcell.language.primitives.blocks import block_diagonal as of_blocks
from symcell.language.sizes import Size, size
from symcell.language.symbols import Param
from symcell.transforms.draft import Draft


def low_rank(cell: Cell, parameters: str | Sequence[str], rank: Size, name: str | None = None) -> Cell:
    """Factorised matrices: W (n, m) becomes W_left (n, rank) times W_right (rank, m), and W @ v becomes W_left @ (W_right @ v).

    parameters: one or several patterns of names, such as "U_*", for parameters of two axes. rank: a size, such as "n_r"; one that
    the cell has already is that very size. Raises CellError for a pattern that matches none.
    Source: Kuchaiev, Ginsburg, Factorization tricks for LSTM networks, ICLR workshop 2017, arXiv:1703.10722."""
    draft = Draft(cell, "low_rank", "Kuchaiev, Ginsburg, Factorization tricks for LSTM networks, arXiv:1703.10722")
    r = size(rank, "the rank")
    factors = {}
    for W in draft.matching(parameters):
        n, m = draft.dims(W)
        factors[W] = tuple(
            Param(draft.fresh(f"{W}_{side}"), shape, over=W.over) for side, shape in (("left", (n, r)), ("right", (r, m)))
        )

    def applied(e: Expr) -> Expr:
        """W @ v as two products of vectors."""
        if not (isinstance(e, matmul) and e.args[0] in factors):
            return e
        left, right = factors[e.args[0]]
        return matmul(left, matmul(right, e.args[1]))

    draft.pairs = [(target, bottom_up(rhs, applied)) for target, rhs in draft.pairs]
    draft.replace({W: matmul(left, right) for W, (left, right) in factors.items()})
    return draft.finished(name)


def block_diagonal(cell: Cell, parameters: str | Sequence[str], blocks: Size, name: str | None = None) -> Cell:
    """Block-diagonal matrices: each block of units, or head, sees its own units alone. W is stored as (blocks, rows, columns).

    parameters: one or several patterns of names, such as "U_*", for parameters of two axes. blocks: a size, such as "n_heads",
    or a number. Raises CellError for a pattern that matches none.
    Source: the groups of Kuchaiev, Ginsburg, arXiv:1703.10722, and the heads of Beck et al., xLSTM, arXiv:2405.04517."""
    draft = Draft(cell, "block_diagonal", "groups as in Kuchaiev, Ginsburg, arXiv:1703.10722")
    count = size(blocks, "the number of blocks")
    chosen = draft.matching(parameters)
    for W in chosen:
        if W.over:
            raise draft.error(f"makes blocks of one matrix, and {W} is one for each of {', '.join(map(str, W.over))} already")
    draft.replace({W: of_blocks(Param(W.name, W.declared, count)) for W in chosen})
    return draft.finished(name)
