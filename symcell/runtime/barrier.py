"""The barrier of a team: threads that share one sequence, each with some columns of every product, wait for one another.

A team is an array of integers, which all of its threads see: its size, how many have arrived, how often all have, and whether
the team is aborted. A member that raises aborts it, so that the others do not wait for ever: what they compute then is discarded,
and products leave it out, which are most of it.
"""

import os
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils

from .internals import ir
from .jit import exact_jit, intrinsic

_ARRIVED, _GENERATION, ABORTED, _LENGTH = 8, 16, 24, 32  # entries of a team, a cache line apart
_SPINS = 4000  # looks before a waiting thread gives way


def team_of(size: int) -> np.ndarray:
    """A team of so many threads."""
    team = np.zeros(_LENGTH, np.int64)
    team[0] = size
    return team


def abort(team: np.ndarray) -> None:
    """Let nobody wait for the others any more."""
    team[ABORTED] = 1


@intrinsic()
def _atomic_add(typing: Any, array: Any, place: Any, added: Any) -> Any:
    """Add to an entry of an array, for all threads to see, and return what it was."""
    signature = types.intp(array, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.atomic_rmw("add", builder.gep(array.data, [arguments[1]]), arguments[2], "seq_cst")

    return signature, generate


@intrinsic()
def _atomic_load(typing: Any, array: Any, place: Any) -> Any:
    """An entry of an array as another thread may have left it just now."""
    signature = types.intp(array, types.intp)

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.load_atomic(builder.gep(array.data, [arguments[1]]), "acquire", align=8)

    return signature, generate


@intrinsic()
def _give_way(typing: Any) -> Any:
    """Let another thread run, where the system can be asked to."""

    def generate(context, builder, signature, arguments):
        if os.name == "posix":
            name, kind = "sched_yield", ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), generate


@exact_jit
def barrier(team):
    """Wait until all threads of a team are here, or one has aborted it."""
    size = team[0]
    if size > 1:
        generation = _atomic_load(team, _GENERATION)
        if _atomic_add(team, _ARRIVED, 1) == size - 1:
            _atomic_add(team, _ARRIVED, -size)
            _atomic_add(team, _GENERATION, 1)
        else:
            looks = 0
            while _atomic_load(team, _GENERATION) == generation and _atomic_load(team, ABORTED) == 0:
                looks += 1
                if looks > _SPINS:
                    _give_way()
