"""Calls of the products, which are compiled once for a dtype, and called by address: a kernel with their code in it would have to
be optimised together with them.
"""

import os
import threading

import numpy as np
from numba import types

from . import plain
from .internals import ir
from .jit import DISABLED, compile_to_address, intrinsic
from .products import _add_outer_products, _multiply
from .views import _descriptor, _descriptor_type

_compiled: dict = {}  # dtype -> the addresses of both products, and what keeps them alive
_compiling = threading.Lock()


def _kinds_of_arguments(number):
    """The types of the arguments of both products."""
    rows, n = types.Array(number, 3, "C"), types.intp
    team = row_offsets = lengths = types.Array(types.int64, 1, "C")
    return (
        (rows, n, rows, rows, n, n, n, n, team),
        (rows, n, rows, n, rows, n, n, lengths, n, n, n, team, row_offsets, rows),
    )


def products_of(dtype):
    """The addresses of both products for a dtype, compiled when they are first asked for."""
    if dtype not in _compiled:
        with _compiling:
            if dtype not in _compiled:
                _compiled[dtype] = _compile(types.float32 if dtype == np.float32 else types.float64)
    return _compiled[dtype][0]


def _compile(number):
    if DISABLED:
        return np.zeros(2, np.int64), ()
    given = [tuple(map(_descriptor_type, kinds)) for kinds in _kinds_of_arguments(number)]
    both = zip((_multiply, _add_outer_products), given, strict=True)
    compiled = [compile_to_address(function, kinds) for function, kinds in both]
    return np.array([address for _, address in compiled], np.int64), compiled


def _unlock_in_child():
    """In a forked process nobody else compiles."""
    global _compiling
    _compiling = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)


def _called(k, products, rows):
    """The signature and the code of a call of the k-th product."""
    kinds = _kinds_of_arguments(rows.dtype)[k]
    descriptors = tuple(map(_descriptor_type, kinds))
    signature = types.void(products, *kinds)

    def generate(context, builder, signature, arguments):
        addresses = context.make_array(signature.args[0])(context, builder, arguments[0])
        there = [_descriptor(context, builder, kind, a) for kind, a in zip(kinds, arguments[1:], strict=True)]
        address = builder.load(builder.gep(addresses.data, [ir.IntType(64)(k)]))
        function = context.call_conv.get_function_type(types.none, descriptors).as_pointer()
        pointer = builder.inttoptr(address, function)
        context.call_conv.call_function(builder, pointer, types.none, descriptors, there)  # raises nothing
        return context.get_dummy_value()

    return signature, generate


@intrinsic(plain.multiply)
def multiply(typing, products, rows, start, weights, out, direction, batch_start, batch_stop, rank, team):
    """See _multiply; `products` says where it is."""
    return _called(0, products, rows)


@intrinsic(plain.add_outer_products)
def add_outer_products(
    typing, products, left, from_left, right, from_right, out, first, T, lengths, batch_start, batch_stop, rank, team,
    row_offsets, panels,
):  # fmt: skip
    """See _add_outer_products; `products` says where it is."""
    return _called(1, products, left)
