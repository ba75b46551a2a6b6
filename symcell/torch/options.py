"""What the options of a Layer or a StepCell may be; CellError names one that is something else."""

from collections.abc import Mapping
from typing import Any

import torch

from symcell.errors import CellError

ENGINES = ("auto", "kernels", "torch")
_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def check_options(cell: str, engine: Any, forget_bias: Any, init: Any, sizes: Any, dtype: Any) -> None:
    """Those of a Layer and of a StepCell."""
    _check(cell, "engine", f"one of {', '.join(ENGINES)}", engine, engine in ENGINES)
    _check(cell, "dtype", f"one of {', '.join(map(str, _DTYPES))}", dtype, dtype is None or dtype in _DTYPES)
    _check(cell, "forget_bias", "a number", forget_bias, _is_number(forget_bias))
    _check(cell, "init", "a function init(name, tensor)", init, init is None or callable(init))
    _check(cell, "sizes", "a dict, name -> number", sizes, sizes is None or isinstance(sizes, Mapping))


def check_layers(cell: str, num_layers: Any, bidirectional: Any, batch_first: Any, dropout: Any) -> None:
    """Those of a Layer."""
    whole = isinstance(num_layers, int) and not isinstance(num_layers, bool)
    _check(cell, "num_layers", "a positive integer", num_layers, whole and num_layers > 0)
    _check(cell, "bidirectional", "True or False", bidirectional, isinstance(bidirectional, bool))
    _check(cell, "batch_first", "True or False", batch_first, isinstance(batch_first, bool))
    _check(cell, "dropout", "a number from 0 to 1", dropout, _is_number(dropout) and 0 <= dropout <= 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check(cell: str, name: str, expected: str, found: Any, fine: bool) -> None:
    if not fine:
        raise CellError(f"{cell}: {name} must be {expected}, found {found!r}")
