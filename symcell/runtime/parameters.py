"""Parameters as runs see them: copies, which do not follow them, and weights packed for products.

Parameters that are given again, and have not changed, are neither copied nor packed again; so a trained cell works at once. If
they have changed, as in training, copies and packed weights take the memory of earlier ones that no run needs.
"""

from collections.abc import Mapping
from sys import getrefcount
from typing import NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from symcell.runtime.jit import ir, jit
from symcell.runtime.memory import _LINE, room
from symcell.runtime.threads import in_parallel

_WORTH_KEEPING, _IN_ALL, _MANY = 1 << 26, 1 << 27, 16  # bytes of parameters that are kept for the next call, of all, and sets
_WORTH_A_THREAD = 1 << 22  # bytes that are worth while to wake a thread for

_kept = {}  # the identities of the caller's arrays -> these parameters, the latest last: every layer of a network has its own


class _Parameters(NamedTuple):
    """Parameters as they were when they were given."""

    given: dict  # the caller's arrays, if they can be found again
    forms: list  # of each its name, shape and dtype
    places: np.ndarray  # for each of them: its address, where its copy lies in memory, and its bytes
    memory: np.ndarray
    copies: dict
    weights: dict  # direction -> the weights that it multiplies with, packed
    rooms: dict  # direction -> packed weights of earlier values, to be overwritten
    earlier: list  # these parameters with their values before, if they have changed
    real: np.dtype
    sizes: dict
    shapes: dict


class Frozen(Mapping):
    """Parameters that never change, name -> read-only array: what `freeze` returns, and every call takes as its parameters."""

    def __init__(self, cell, parameters):
        self._cell, self._parameters, self._arrays = cell, parameters, {}
        for name, a in parameters.copies.items():
            self._arrays[name] = a.view()
            self._arrays[name].flags.writeable = False

    def _of(self, sizes, shapes):
        """What is known of them, now that an input tells all sizes."""
        self._parameters = self._parameters._replace(sizes=sizes, shapes=shapes, weights={})
        return self._parameters

    def __getitem__(self, name):
        return self._arrays[name]

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __repr__(self):
        return f"Frozen parameters of {self._cell}: " + ", ".join(f"{name} {a.shape}" for name, a in self.items())


def _known_parameters(params, real, threads):
    """What is known of arrays that were given before, copied anew if they have changed since; None if they are others."""
    if isinstance(params, Frozen):
        return params._parameters if params._parameters.real == real else None
    if not isinstance(params, dict):
        return None
    key = _key(params)
    known = _kept.get(key)
    if known is None or known.real != real or _forms(params) != known.forms:
        return None
    if _unchanged(known, threads):
        return known
    name = id(known)
    del known  # it counts who refers to it
    return _changed(key, name, threads)


def _changed(key, name, threads):
    """Known parameters with the values that they have now, in memory whose values no run needs any more if there is some."""
    known = _kept.pop(key, None)  # no other thread finds it now
    if id(known) != name:  # another one took it
        return None
    if getrefcount(known) == _UNREFERRED:
        new, earlier = known, []
    else:
        new, earlier = _free(known.earlier), [known]
    if new:
        new.rooms.update(new.weights)
        new.weights.clear()
        _of_all(_take, new, threads)
    else:
        arrays = {name: known.given[name] for name in known.copies}
        memory, copies = _copies(arrays, known.real, threads)
        new = known._replace(memory=memory, copies=copies, weights={}, rooms={}, earlier=[])
    new.earlier.extend(earlier)
    return _remembered(new)


def _free(earlier):
    """Take parameters out of a list, which only one thread can; None if there are none, or something else refers to them."""
    try:
        parameters = earlier.pop()
    except IndexError:
        return None
    return parameters if getrefcount(parameters) == _UNREFERRED else None


def _references_of_a_local():
    """What getrefcount says of a local variable that nothing else refers to."""
    parameters = [object()].pop()
    return getrefcount(parameters)


_UNREFERRED = _references_of_a_local()


def _new_parameters(params, arrays, sizes, shapes, real, threads):
    """Copies of arrays that were checked; they are remembered if that is worth while, and if they can be found again."""
    memory, copies = _copies(arrays, real, threads)
    if memory.nbytes > _WORTH_KEEPING or not all(_is_ready(a, real) for a in params.values()):
        return _Parameters({}, [], None, memory, copies, {}, {}, [], real, sizes, shapes)
    goals = dict(zip(arrays, _goals(arrays), strict=False))
    places = np.array([(_address(a), goals[name], a.nbytes) for name, a in params.items()], np.int64).reshape(len(params), 3)
    return _remembered(_Parameters(dict(params), _forms(params), places, memory, copies, {}, {}, [], real, sizes, shapes))


def _key(params):
    return tuple(map(id, params.values()))


def _forms(params):
    """The name, shape and dtype of each array; the last two can be changed in place."""
    return [(name, a.shape, a.dtype) for name, a in params.items()]


def _remembered(parameters):
    """Keep parameters, and forget what is too much. Their arrays live as long as the key that stands for them."""
    _kept[_key(parameters.given)] = parameters
    kept = [(key, sum(p.memory.nbytes for p in (known, *known.earlier))) for key, known in list(_kept.items())]
    while len(kept) > _MANY or sum(size for _, size in kept) > _IN_ALL:
        _kept.pop(kept.pop(0)[0], None)
    return parameters


def _is_ready(value, real):
    return type(value) is np.ndarray and value.dtype == real and value.flags.carray


def _address(array):
    return array.__array_interface__["data"][0]


def _copied(array):
    """A copy, which does not follow the array when that changes in place."""
    copy = room(array.shape, array.dtype)
    copy[...] = array
    return copy


def _goals(arrays):
    """Where the copies of arrays begin in their memory, each on a cache line, and where the last one ends."""
    goals = [0]
    for a in arrays.values():
        goals.append(goals[-1] + -(-a.nbytes // _LINE) * _LINE)
    return goals


def _copies(arrays, real, threads):
    """Memory in one piece, and copies of all arrays in it."""
    *goals, end = _goals(arrays)
    memory = room((end,), np.dtype(np.uint8))
    copies = {name: np.ndarray(a.shape, real, memory, goal) for (name, a), goal in zip(arrays.items(), goals, strict=True)}
    pairs = [(copy, arrays[name]) for name, copy in copies.items()]

    def part(first, last):
        for copy, a in pairs[first:last]:
            copy[...] = a

    in_parallel(part, _some(len(pairs), end, threads))
    return memory, copies


def _unchanged(known, threads):
    """Whether the caller's arrays hold what their copies hold."""
    return all(_of_all(_same, known, threads))


def _of_all(task, known, threads):
    """What a task says of parameters and their copies, one part after another; several threads see to it if there are many."""
    if known.memory.nbytes < _WORTH_A_THREAD:
        return [task(known.places, known.memory)]
    found = []

    def part(first, last):
        found.append(task(known.places[first:last], known.memory))

    in_parallel(part, _some(len(known.places), known.memory.nbytes, threads))
    return found


def _some(count, size, threads):
    """(first, last) of the arrays that each thread has, of so many with so many bytes."""
    parts = max(1, min(threads, size // _WORTH_A_THREAD, count))
    return [(count * k // parts, count * (k + 1) // parts) for k in range(parts)]


@intrinsic
def _same_bytes(typing, address, memory, place, count):
    """Whether what lies at an address is what lies at a place in memory."""
    signature = types.boolean(types.intp, memory, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        number, byte = ir.IntType(32), cgutils.voidptr_t
        kind = ir.FunctionType(number, [byte, byte, arguments[3].type])
        compare = cgutils.get_or_insert_function(builder.module, kind, "memcmp")
        found = builder.call(compare, [*_pointers(context, builder, signature, arguments), arguments[3]])
        return builder.icmp_signed("==", found, number(0))

    return signature, generate


@intrinsic
def _take_bytes(typing, address, memory, place, count):
    """Copy what lies at an address to a place in memory."""
    signature = types.void(types.intp, memory, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, goal = _pointers(context, builder, signature, arguments)
        cgutils.raw_memcpy(builder, goal, source, arguments[3], 1)
        return context.get_dummy_value()

    return signature, generate


def _pointers(context, builder, signature, arguments):
    """To the address and to the place in memory that the arguments begin with."""
    address, memory, place, _ = arguments
    memory = context.make_array(signature.args[1])(context, builder, memory)
    return builder.inttoptr(address, cgutils.voidptr_t), builder.gep(memory.data, [place])


@jit
def _same(places, memory):
    """Whether arrays hold the very bits that their copies hold."""
    same = True
    for k in range(places.shape[0]):
        same = same and _same_bytes(places[k, 0], memory, places[k, 1], places[k, 2])
    return same


@jit
def _take(places, memory):
    """Copy arrays to where their copies are."""
    for k in range(places.shape[0]):
        _take_bytes(places[k, 0], memory, places[k, 1], places[k, 2])
