"""Identifiers of a generated module: those that it uses itself, and how a cell's names make way for them.

No name is reserved: a quantity whose name the module uses itself is called otherwise there, `tanh_` for `tanh`, and by its own
name everywhere outside.
"""

import builtins
import keyword
import re
from functools import cache

# What a module takes from the runtime, and the functions there that its expressions may call.
RUNTIME_NAMES = frozenset(
    [
        "CellError", "Interface", "Kernel", "add_outer_products", "allocate", "array_in", "barrier", "carry", "collect",
        "columns_at", "copy_steps", "empty_panels", "fused", "hold_final", "in_parallel", "jit", "multiply",
        "outer_product_buffers", "pack", "packers", "padded", "parts_of", "products_of", "release", "row_at", "run_pass",
        "scratch", "steps_at", "steps_at_a_time", "summed", "sums_of_products", "sums_of_rows", "unfused", "whole_quotient",
    ]
)  # fmt: skip
RUNTIME_FUNCTIONS = frozenset(
    [
        "added", "exp", "expm1", "heaviside", "maximum", "minimum", "multiply_matrices", "remainder", "sigmoid", "sign",
        "softplus", "tanh",
    ]
)  # fmt: skip
# What it defines, and what else it reads.
_OWN = frozenset(
    [
        "CONTENT_HASH", "Path", "backward", "backward_steps", "check_version", "erf", "erfc", "forward",
        "forward_steps", "freeze", "init", "kernel", "np", "pack_weights", "shapes", "step", "stream", "sys", "_",
    ]
)  # fmt: skip
_FUNCTION = re.compile(r"(forward|backward)_(pass|once|(once|before|step|after)_row(_\d+)?)")


@cache
def own_names():
    """The names that a generated module uses itself, Python's keywords and functions among them."""
    return frozenset([*keyword.kwlist, *dir(builtins), *RUNTIME_NAMES, *RUNTIME_FUNCTIONS, *_OWN])


def identifier_of(name):
    """A name as a module may use it for a quantity, a size or an array: itself, or with an underscore more if it is the module's
    own. Different names stay different, since `len` becomes `len_`, and `len_` becomes `len__`."""
    stem = name.rstrip("_")
    is_own = not stem or stem in own_names() or _FUNCTION.fullmatch(stem)
    return f"{name}_" if is_own else name
