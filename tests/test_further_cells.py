"""Published cells that the catalogue does not have: the language is general enough if they need no change to symcell."""

from sympy import Eq, symbols, tanh

from symcell import Cell, Input, State, affine, cells, outer, sigmoid, softmax
from symcell.check import check

x, h = Input("x"), State("h")
k, r, u, w = symbols("k r u w")


def memory_machine():
    """After Graves, Wayne, Danihelka, arXiv:1410.5401: a memory read and written by content, its rows n_s slots."""
    M = State("M", ("n_s", "n_k"))
    return [
        Eq(k, affine(x, h.prev)),
        Eq(w, softmax(M.prev @ k)),
        Eq(r, M.prev.T @ w),
        Eq(u, sigmoid(affine(x, r))),
        Eq(M, M.prev * (1 - outer(w, u)) + outer(w, tanh(affine(h.prev)))),
        Eq(h, tanh(affine(x, r))),
    ]


def test_a_memory_that_is_addressed_by_content():
    check(Cell("memory_machine", memory_machine()), cases=1).raise_if_failed()


def test_what_is_a_scan_among_cells_with_heads():
    scans = {name: [s.name for s in cells.get(name).structure.scans] for name in ("mlstm", "deltanet", "gated_deltanet", "rwkv7", "gla")}
    assert scans == {"mlstm": ["C", "n"], "deltanet": ["S"], "gated_deltanet": ["S"], "rwkv7": ["S"], "gla": ["S"]}
    transitions = {name: cells.get(name).structure.states[0].transition for name in scans}
    assert transitions == {"mlstm": "", "deltanet": "a matrix", "gated_deltanet": "a matrix", "rwkv7": "a matrix", "gla": "elementwise"}
