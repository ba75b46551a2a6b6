"""The names of generated modules: which a cell may not take, and which give way to a cell's."""

# Names that generated modules use themselves, which a cell may not take.
RESERVED = frozenset(
    [
        "np", "njit", "jit", "fused", "exact_jit", "inlined", "overload", "intrinsic", "cgutils", "codegen", "config",
        "types", "ir", "range", "len", "tanh", "sigmoid", "exp", "softplus", "sign", "heaviside", "maximum",
        "minimum", "erf", "erfc", "multiply", "multiply_and_fetch", "noted_ahead", "room_ahead", "add_outer_products",
        "pack", "packed", "turn_over", "init", "forward", "backward", "step", "Run", "Gradients", "CellError",
    ]
)  # fmt: skip

# And names of theirs that give way where a cell takes one for a quantity: that quantity is then called otherwise in the module.
YIELDING = frozenset(
    [
        "apply", "array_at", "array_in", "carry", "collect", "columns_at", "in_parallel", "keep", "max",
        "meet", "min", "outer_room", "packers", "panels_of", "products_of", "release", "room", "row_at",
        "scratch", "shares", "spread", "steps_at", "steps_at_a_time", "summed", "sums_of_products",
        "sums_of_rows", "wait", "zeros",
    ]
)  # fmt: skip
