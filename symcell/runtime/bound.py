"""A pass with all its arguments in a table, so that calling it again costs little: Python hands over two arrays, not thirty."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import typeof, types
from numba.core import cgutils

from .internals import compiled_to_address, ir
from .jit import DISABLED, intrinsic, jit
from .views import _array_at

# Words: where the pass lies, then each argument, an array as its address and its shape; at last, how many calls were made.
Table = np.ndarray
Caller = Callable[[Table, Table, int], int]


def bound(pass_: Any, arguments: tuple, moving: dict[int, int]) -> tuple[Caller, Table, Table]:
    """What calls a pass with the arguments in a table, the table, and what is added to it after each call: to the addresses of
    some arrays, by their place among the arguments, so many bytes.

    It returns how many calls were made, this one included; 0, and makes none, if so many were made as its last argument says.
    The call and its count are one operation, which no interrupt divides."""
    if DISABLED:
        return _plainly(pass_, arguments, moving)
    kinds = tuple(map(typeof, arguments))
    _, address = compiled_to_address(pass_, kinds, {})
    words, steps = [address], [0]
    for k, argument in enumerate(arguments):
        is_array = isinstance(argument, np.ndarray)
        some = [argument.ctypes.data, *argument.shape] if is_array else [int(argument)]
        words += some
        steps += [moving.get(k, 0), *[0] * (len(some) - 1)]
    table, added = np.array([*words, 0], np.int64), np.array([*steps, 1], np.int64)
    call = _caller(kinds)
    call.compile((typeof(table), typeof(added), types.intp))
    return call, table, added


@cache
def _caller(kinds: tuple) -> Any:
    """The compiled function that calls a pass for arguments of some types; all passes of these types share it."""
    call = _call_at(kinds)

    def call_and_move(table, added, most):
        last = table.shape[0] - 1
        if table[last] == most:
            return 0
        call(table)
        for k in range(table.shape[0]):
            table[k] += added[k]
        return table[last]

    call_and_move.__qualname__ = f"call_and_move_{hashlib.sha256(str(kinds).encode()).hexdigest()[:16]}"
    return jit(call_and_move)


def _call_at(kinds: tuple) -> Any:
    @intrinsic()
    def call(typing, table):
        signature = types.void(table)

        def generate(context, builder, signature, arguments):
            words = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            count = iter(range(1 + sum(1 + getattr(kind, "ndim", 0) for kind in kinds)))

            def word():
                return builder.load(builder.gep(words, [ir.IntType(64)(next(count))]))

            address, given = word(), []
            for kind in kinds:
                if isinstance(kind, types.Array):
                    data = builder.inttoptr(word(), context.get_data_type(kind.dtype).as_pointer())
                    given.append(_array_at(context, builder, kind, data, [word() for _ in range(kind.ndim)]))
                else:
                    given.append(context.cast(builder, word(), types.int64, kind))
            function = context.call_conv.get_function_type(types.none, kinds).as_pointer()
            status, _ = context.call_conv.call_function(builder, builder.inttoptr(address, function), types.none, kinds, given)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return context.get_dummy_value()

        return signature, generate

    return call


def _plainly(pass_: Callable, arguments: tuple, moving: dict[int, int]) -> tuple[Caller, Table, Table]:
    """The same where nothing is compiled, with a table that has the count alone."""

    def call_and_move(table: Table, added: Table, most: int) -> int:
        done = int(table[0])
        if done == most:
            return 0
        steps = {k: done * size // arguments[k][0].nbytes for k, size in moving.items()}
        pass_(*(a[steps[k] :] if k in steps else a for k, a in enumerate(arguments)))
        table += added
        return done + 1

    return call_and_move, np.zeros(1, np.int64), np.ones(1, np.int64)
