"""vmap of the operators: one call for each element, as of an ensemble of parameters, and the results side by side. A call goes
over all samples anyway; what vmap saves elsewhere, many small products, there are none of here.

There are two of them: `torch.func.vmap`, and the older one of `torch.autograd.grad(is_grads_batched=True)`, which
`torch.autograd.functional.jacobian(vectorize=True)` and PyTorch's gradcheck use.
"""

from typing import Any

import torch
from torch import Tensor
from torch._C import _dispatch_keys, _vmapmode_decrement_nesting, _vmapmode_increment_nesting

from symcell.torch.operators import backward, forward, library


def _element(value: Any, dim: Any, k: int) -> Any:
    """One element of an argument, or of each tensor in it."""
    if isinstance(value, (list, tuple)):
        dims = dim if isinstance(dim, (list, tuple)) else [None] * len(value)
        return [_element(v, d, k) for v, d in zip(value, dims, strict=True)]
    return value.select(dim, k) if isinstance(value, Tensor) and dim is not None else value


def _each(operator: Any, size: int, in_dims: Any, arguments: Any) -> list[Tensor]:
    found = [operator(*_element(arguments, in_dims, k)) for k in range(size)]
    return [torch.stack(tensors) for tensors in zip(*found, strict=True)]


def _unwrapped(value: Any, level: int) -> tuple[Any, Any]:
    """An argument of the older vmap without its batches, and where these are now."""
    if isinstance(value, (list, tuple)):
        pairs = [_unwrapped(v, level) for v in value]
        return [v for v, _ in pairs], [d for _, d in pairs]
    if isinstance(value, Tensor) and _dispatch_keys(value).has("Batched"):
        return torch._remove_batch_dim(value, level, 1, 0), 0  # type: ignore[attr-defined]
    return value, None


def _size(value: Any, dim: Any) -> int:
    """How many elements there are."""
    if isinstance(value, list):
        return max((_size(v, d) for v, d in zip(value, dim, strict=True)), default=0)
    return 0 if dim is None else len(value)


def _register(operator: Any) -> None:
    def newer(info: Any, in_dims: tuple, *arguments: Any) -> tuple[list[Tensor], list[int]]:
        found = _each(operator, info.batch_size, in_dims, arguments)
        return found, [0] * len(found)

    def older(*arguments: Any) -> list[Tensor]:
        level = _vmapmode_increment_nesting() - 1
        _vmapmode_decrement_nesting()
        plain, dims = _unwrapped(arguments, level)
        found = _each(operator, _size(plain, dims), dims, plain)
        return [torch._add_batch_dim(t, 0, level) for t in found]  # type: ignore[attr-defined]

    torch.library.register_vmap(operator.name(), newer, lib=library)
    library.impl(operator.name().split("::")[1], older, "Batched")


_register(forward)
_register(backward)
