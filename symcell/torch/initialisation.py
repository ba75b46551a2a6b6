"""Parameters before training, by what they do in the equations.

Input matrices: Glorot, Bengio, AISTATS 2010; recurrent ones orthogonal: Saxe, McClelland, Ganguli, ICLR 2014; gates that keep a
state opened by their bias: Jozefowicz, Zaremba, Sutskever, ICML 2015.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from symcell.derivation.derive import derive
from symcell.derivation.roles import kept_by_gates
from symcell.language.declaration import Declaration
from symcell.torch.stacks import BIAS, INPUT, RECURRENT, role_of


@torch.no_grad()
def initialise(cell: Declaration, weights: dict[str, Tensor], forget_bias: float) -> None:
    """Fill the parameters of a cell, name -> tensor, by their roles; biases with zero, and `forget_bias` for gates that keep a
    state; others, and constants, uniformly between -1/sqrt(n) and 1/sqrt(n), n the length of the last axis, as `kernel.init`
    does."""
    roles, opened = _roles(cell)
    for name, a in weights.items():
        role = roles.get(name)
        if role == INPUT:
            torch.nn.init.xavier_uniform_(a)
        elif role == RECURRENT:
            a.copy_(torch.nn.init.orthogonal_(torch.empty(a.shape, dtype=_exact(a), device=a.device)))
        elif role == BIAS:
            a.fill_(forget_bias if name in opened else 0.0)
        else:
            bound = 1 / math.sqrt(a.shape[-1] if a.ndim else 1)
            a.uniform_(-bound, bound)


def _exact(a: Tensor) -> torch.dtype:
    """A dtype in which PyTorch can make a matrix orthogonal."""
    return a.dtype if a.dtype in (torch.float32, torch.float64) else torch.float32


@lru_cache(maxsize=64)
def _roles(cell: Declaration) -> tuple[dict[str, str | None], frozenset[str]]:
    """Parameter -> its role; and the biases in the equations of gates that keep a state; of several in one, the first."""
    roles = {p.name: role_of(cell, p) for p in cell.params}
    keepers = kept_by_gates(derive(cell))
    opened = set()
    for e in cell.equations:
        if e.target in keepers:
            opened |= {*[p.name for p in cell.params if roles[p.name] == BIAS and e.rhs.has(p)][:1]}
    return roles, frozenset(opened)
