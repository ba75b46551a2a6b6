"""The runtime of generated modules: matrix products, functions of one unit, memory, threads, and the face of a kernel.

It needs NumPy and Numba, and nothing of symcell. A standalone module has a copy of this folder beside it, as `symcell_runtime`;
copies of one text are one runtime within a process.
"""

from .sharing import adopted

if not adopted(__name__):
    from .activations import (
        added,
        exp,
        expm1,
        heaviside,
        maximum,
        minimum,
        remainder,
        sigmoid,
        sign,
        softplus,
        tanh,
    )
    from .arguments import whole_quotient
    from .barrier import barrier
    from .dispatch import add_outer_products, multiply, products_of
    from .errors import CellError
    from .interface import Interface
    from .jit import fused, jit, unfused
    from .kernel import Kernel
    from .matrices import multiply_matrices
    from .memory import allocate
    from .packing import empty_panels, outer_product_buffers, pack, padded
    from .parameters import Frozen, Weights
    from .run import Gradients, Run
    from .stream import Stream
    from .sums import carry, collect, summed, sums_of_products, sums_of_rows
    from .threads import in_parallel, packers, parts_of, run_pass, steps_at_a_time
    from .version import VERSION, check_version
    from .views import columns_at, copy_steps, hold_final, row_at, steps_at
    from .workspace import array_in, release, scratch

    __all__ = [
        "VERSION",
        "CellError",
        "Frozen",
        "Gradients",
        "Interface",
        "Kernel",
        "Run",
        "Stream",
        "Weights",
        "add_outer_products",
        "added",
        "allocate",
        "array_in",
        "barrier",
        "carry",
        "check_version",
        "collect",
        "columns_at",
        "copy_steps",
        "empty_panels",
        "exp",
        "expm1",
        "fused",
        "heaviside",
        "hold_final",
        "in_parallel",
        "jit",
        "maximum",
        "minimum",
        "multiply",
        "multiply_matrices",
        "outer_product_buffers",
        "pack",
        "packers",
        "padded",
        "parts_of",
        "products_of",
        "release",
        "remainder",
        "row_at",
        "run_pass",
        "scratch",
        "sigmoid",
        "sign",
        "softplus",
        "steps_at",
        "steps_at_a_time",
        "summed",
        "sums_of_products",
        "sums_of_rows",
        "tanh",
        "unfused",
        "whole_quotient",
    ]  # fmt: skip
