"""Parameters as runs see them: copies, which do not follow them, and weights packed for products. Those of the backward pass are
copies in another order; so what only products read has no other copy, and forward weights are made of those.

Parameters that are given again, and have not changed, are neither copied nor packed again; so a trained cell works at once. If
they have changed, as in training, copies and packed weights take the memory of earlier ones that no run needs.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from sys import getrefcount
from typing import NamedTuple

import numpy as np

from symcell.runtime.copies import _of_all, _places, _ready, _same, _take
from symcell.runtime.fingerprints import _KEYS, _as_noted, _fingerprints, _pieces
from symcell.runtime.memory import room

_WORTH_KEEPING, _IN_ALL = 1 << 26, 1 << 27  # bytes of one set of parameters that is kept for the next call, and of all sets
_MANY = 16  # sets that are kept
_WORTH_NOTING = 1 << 18  # bytes of parameters whose fingerprints are worth while: smaller ones are near, and so are their copies

_form = attrgetter("shape", "dtype")
_kept = {}  # the identities of the caller's arrays -> these parameters, the latest last: every layer of a network has its own


class _Parameters(NamedTuple):
    """Parameters as they were when they were given."""

    given: dict  # the caller's arrays, if they can be found again
    forms: list  # of each its shape and dtype
    places: np.ndarray  # of them and their copies
    noted: list  # pieces of them and their fingerprints, once they have been found unchanged
    size: int  # of all copies, in bytes
    copies: dict  # of what is not in packed weights, or of everything if parameters are frozen
    held: list  # packed weights that hold parameters, with their parts: see _held_weights
    weights: dict  # direction -> the other weights that it multiplies with, packed
    rooms: dict  # direction -> packed weights of earlier values, to be overwritten
    earlier: list  # these parameters with their values before, if they have changed
    real: np.dtype
    sizes: dict
    shapes: dict


class Frozen(Mapping[str, np.ndarray]):
    """Parameters that never change, name -> read-only array: what `freeze` returns, and every call takes as its parameters."""

    def __init__(self, cell, parameters):
        self._cell, self._parameters, self._arrays = cell, parameters, {}
        for name, a in parameters.copies.items():
            self._arrays[name] = a.view()
            self._arrays[name].flags.writeable = False

    def _of(self, sizes, shapes):
        """What is known of them, now that an input tells all sizes."""
        self._parameters = parameters = _frozen(self._parameters.copies, self._parameters.real, sizes, shapes)
        return parameters

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self):
        return f"Frozen parameters of {self._cell}: " + ", ".join(f"{name} {a.shape}" for name, a in self.items())


def _known_parameters(params, real, threads):
    """What is known of arrays that were given before, copied anew if they have changed since; None if they are others."""
    if not isinstance(params, dict):
        frozen = isinstance(params, Frozen) and params._parameters.real == real
        return params._parameters if frozen else None
    key = _key(params)
    known = _kept.get(key)
    if known is None or known.real != real or list(params) != list(known.given) or _forms(params) != known.forms:
        return None
    if _unchanged(known, threads):
        return known
    places = known.places
    del known  # who refers to it is counted
    return _changed(key, places, threads)


def _unchanged(known, threads):
    """Whether the caller's arrays have the values of their copies."""
    places, noted, size = known.places, known.noted, known.size
    if size < _WORTH_NOTING:
        return _same(places)
    if noted:
        pieces, sums = noted
        return all(_of_all(lambda a, b: _as_noted(pieces[a:b], _KEYS, sums[a:b]), len(pieces), size, threads))
    same = all(_of_all(lambda a, b: _same(places[a:b]), len(places), size, threads))
    if same:
        noted[:] = _pieces(known.given), _fingerprints(known.given, known.copies, known.held)
    return same


def _changed(key, places, threads):
    """Known parameters with the values that they have now, in memory whose values no run needs any more if there is some."""
    known = _kept.pop(key, None)  # no other thread finds it now
    if known is None or known.places is not places:  # another one took it
        return None
    if getrefcount(known) == _UNREFERRED:
        new, earlier = known, []
    else:
        new, earlier = _free(known.earlier), [known]
    if new:
        new.rooms.update(new.weights)
        new.weights.clear()
        new.noted.clear()
    else:
        new = _uncopied(known.given, known.real, known.sizes, known.shapes)
    _take_all(new, threads)
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
    ready = all(_is_ready(a, real) for a in params.values())
    given = dict(params) if ready else {name: _ready(a) for name, a in arrays.items()}
    new = _uncopied(given, real, sizes, shapes)
    _take_all(new, threads)
    return _remembered(new) if ready and new.size <= _WORTH_KEEPING else new._replace(given={}, places=None)


def _uncopied(given, real, sizes, shapes):
    """Parameters with room for copies of arrays, which are still to be taken."""
    held = _held_weights(sizes, real)
    elsewhere = {name for _, parts in held for name, *_ in parts}
    copies = {name: room(a.shape, real) for name, a in given.items() if name not in elsewhere}
    size = sum(a.nbytes for a in (*copies.values(), *panels_of(held)))
    places = _places(given, copies, held)
    return _Parameters(given, _forms(given), places, [], size, copies, held, {}, {}, [], real, sizes, shapes)


def _take_all(parameters, threads):
    """Copy the arrays."""
    places = parameters.places
    _of_all(lambda a, b: _take(places[a:b]), len(places), parameters.size, threads)


def _frozen(copies, real, sizes, shapes):
    """Parameters of which nobody else has these copies; if sizes are known, with packed weights."""
    held = [] if sizes is None else _held_weights(sizes, real)
    _take(_places(copies, {}, held))
    return _Parameters({}, [], None, [], 0, copies, held, {}, {}, [], real, sizes, shapes)


def panels_of(held):
    """The packed weights that hold parameters, their parts left out."""
    return [panels for panels, _ in held]


def _weights(parameters, direction, pack, *arguments):
    """The other weights of a direction's products, packed if they are not yet, where earlier ones were if there are any."""
    if direction not in parameters.weights:
        made = parameters.rooms.pop(direction, None)
        parameters.weights[direction] = pack(parameters.sizes, parameters.real, made, parameters.copies, *arguments)
    return parameters.weights[direction]


def _key(params):
    return tuple(map(id, params.values()))


def _forms(params):
    """The shape and dtype of each array, which can be changed in place."""
    return list(map(_form, params.values()))


def _remembered(parameters):
    """Keep parameters, and forget what is too much. Their arrays live as long as the key that stands for them."""
    _kept[_key(parameters.given)] = parameters
    kept = [(key, sum(p.size for p in (known, *known.earlier))) for key, known in list(_kept.items())]
    while len(kept) > _MANY or sum(size for _, size in kept) > _IN_ALL:
        _kept.pop(kept.pop(0)[0], None)
    return parameters


def _is_ready(value, real):
    """Whether an array can be read where it is."""
    return type(value) is np.ndarray and value.dtype == real and value.flags.c_contiguous and value.flags.aligned
