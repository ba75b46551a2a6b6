"""`torch.func.vmap` of the operators: one call for each element, as of an ensemble of parameters, and the results side by side.
A call goes over all samples anyway; what vmap saves elsewhere, many small products, there are none of here.
"""

from typing import Any

import torch
from torch import Tensor

from symcell.torch.operators import backward, forward, library


def _element(value: Any, dim: Any, k: int) -> Any:
    """One element of an argument, or of each tensor in it."""
    if isinstance(value, (list, tuple)):
        dims = dim if isinstance(dim, (list, tuple)) else [None] * len(value)
        return [_element(v, d, k) for v, d in zip(value, dims, strict=True)]
    return value.select(dim, k) if isinstance(value, Tensor) and dim is not None else value


def _each(operator: Any, info: Any, in_dims: tuple, arguments: tuple) -> tuple[list[Tensor], list[int]]:
    found = [operator(*_element(arguments, in_dims, k)) for k in range(info.batch_size)]
    return [torch.stack(tensors) for tensors in zip(*found, strict=True)], [0] * len(found[0])


torch.library.register_vmap(
    "symcell::forward", lambda info, in_dims, *arguments: _each(forward, info, in_dims, arguments), lib=library
)
torch.library.register_vmap(
    "symcell::backward", lambda info, in_dims, *arguments: _each(backward, info, in_dims, arguments), lib=library
)
