"""Values and derivatives of the cases: exact ones, those of symcell's kernels, and the errors of some against the others.

What is found of a case is one array, (1 + arguments, points) or (1 + arguments, samples, units): the values, and below them the
derivatives by each argument; of a vector, the derivatives of its first unit."""


import mpmath
import numpy as np
from mpmath import mpf
from sympy import Eq

from symcell import Cell, CellError, Input, State

from . import arguments, words
from .cases import CASES, EXACTLY, OF_PAIRS, OF_VECTORS
from .exact import Jet

DIGITS = {"float32": 250, "float64": 700}
CHUNK = 12  # cases in a kernel
FEW = 16.0  # ulp, that a formula may be off whatever PyTorch finds
CANCELS = 256.0  # ulp: where PyTorch's formula loses so much, digits cancel in it
SOME = 8  # numbers in a region: where terms cancel to nothing, what rounding leaves of them is nothing or not by chance
LUCK = 64.0  # what is left of them then is chance, and errors differ by so much
LOST, RESIDUE, NOT_FINITE = 1e30, 2e30, 1e31  # more than any error in units in the last place


def arguments_of(name, dtype):
    return arguments.of(dtype, name in OF_PAIRS, name in OF_VECTORS)


def exact(name, dtype, points=slice(None)):
    """The values and derivatives rounded once, at all arguments or at some; NaN where none is expected."""
    given = [a[points] for a in arguments_of(name, dtype)]
    function, w = EXACTLY.get(name, CASES[name]), words.of_exact()
    with mpmath.workdps(DIGITS[dtype]):
        along = name in OF_VECTORS
        rows = [(_exact_vectors if along else _exact_units)(function, w, point) for point in zip(*given, strict=True)]
        rounded = np.array([[[_rounded(v, dtype) for v in part] for part in row] for row in rows])  # (points, parts, units)
    rounded[np.isnan(rounded[:, 0, 0]), 1:] = np.nan  # no value, no derivative
    parts = np.moveaxis(rounded, 1, 0)
    return parts if along else parts[..., 0]


def _exact_units(function, w, point):
    count = len(point)
    jets = [Jet(mpf(float(p)), tuple(mpf(k == j) for j in range(count))) for k, p in enumerate(point)]
    result = function(w, *jets)
    result = result if isinstance(result, Jet) else Jet(mpf(result), (mpf(0),) * count)
    return [[result.value], *([s] for s in result.slopes)]


def _exact_vectors(function, w, point):
    n, count = arguments.UNITS, len(point) * arguments.UNITS
    vectors = [
        np.array([Jet(mpf(float(p)), tuple(mpf(j == k * n + i) for j in range(count))) for i, p in enumerate(vector)])
        for k, vector in enumerate(point)
    ]
    result = function(w, *vectors)
    slopes = result[0].slopes
    return [[r.value for r in result], *(slopes[k * n : (k + 1) * n] for k in range(len(point)))]


def _rounded(v, dtype):
    """The nearest float64; NaN at the edge of what the precision holds, where rounding decides between it and infinity."""
    if isinstance(v, mpmath.mpc) or mpmath.isnan(v):
        return np.nan
    info = np.finfo(dtype)
    largest, margin = mpf(float(info.max)), 64 * float(info.eps)
    if abs(abs(v) / largest - 1) < margin:
        return np.nan
    return float(v) if abs(v) <= largest else float(mpmath.sign(v)) * np.inf


def cell_of(names):
    """One cell for several cases, each of inputs of its own, so that no case's NaN meets another's."""
    w, equations = words.of_symcell(), []
    for k, name in enumerate(names):
        inputs = [Input(f"{v}{k}", "n") for v in "xy"[: 2 if name in OF_PAIRS else 1]]
        equations.append(Eq(State(f"s{k}", "n"), CASES[name](w, *inputs)))
    return Cell("accuracy", equations)


def accepted(names):
    """Those of the cases that symcell does not refuse."""
    return [name for name in names if _is_accepted(name)]


def _is_accepted(name):
    try:
        return bool(cell_of([name]))
    except CellError:
        return False


def chunks(names):
    """The cases that a kernel has together, since they take the same arguments: tuples of names."""
    kinds = {}
    for name in names:
        kinds.setdefault((name in OF_PAIRS, name in OF_VECTORS), []).append(name)
    return [tuple(kind[k : k + CHUNK]) for kind in kinds.values() for k in range(0, len(kind), CHUNK)]


def computed(names, dtype):
    """What a kernel finds for these cases, which take the same arguments: name -> array."""
    kernel, given = cell_of(names).compile(dtype), arguments_of(names[0], dtype)
    along = names[0] in OF_VECTORS
    shaped = [a[None] if along else a[None, None] for a in given]
    inputs = {n: shaped["xy".index(n[0])] for n in kernel.interface.inputs}
    run = kernel.forward({}, inputs)
    cotangent = np.zeros_like(shaped[0])
    cotangent[..., 0 if along else slice(None)] = 1
    slopes = kernel.backward(run, dict.fromkeys(run.states, cotangent)).inputs
    place = 0 if along else (0, 0)
    return {
        name: np.stack([run.states[f"s{k}"][place], *(slopes[f"{v}{k}"][place] for v in "xy"[: len(given)])])
        for k, name in enumerate(names)
    }


def errors(found, truth, dtype):
    """In units in the last place. LOST where not one digit is right, RESIDUE where next to nothing is expected and more is found,
    NOT_FINITE where a number is NaN or infinite and should not be, or an infinity is missing; 0 where nothing is expected."""
    info = np.finfo(dtype)
    found = found.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = np.spacing(np.maximum(np.abs(truth), float(info.tiny)).astype(dtype)).astype(np.float64)
        off = np.abs(found - truth)
        lost = np.where(np.abs(truth) < 1e-3 * np.abs(found), RESIDUE, LOST)
        error = np.where(off > np.maximum(np.abs(truth) / 2, float(info.tiny)), lost, off / scale)
    error = np.where(np.isfinite(truth), np.where(np.isfinite(found), error, NOT_FINITE), error)
    error = np.where(np.isinf(truth), np.where(np.abs(found) == np.inf, 0, NOT_FINITE), error)
    return np.where(np.isnan(truth), 0, error)


def excesses(ours, theirs, region, factor=1.0):
    """Where our errors exceed theirs: region -> (kind, our figure, their figure, index of the worst), for regions where a number
    is not finite and theirs is right, where more numbers have no digit right, or where the worst error is larger than FEW ulp and
    than `factor` times theirs. Where digits cancel in the formula itself, and theirs are lost too, chance has more room."""
    shape = (-1,) + (1,) * (ours.ndim - 1)
    both = np.maximum(ours, theirs)
    found = {}
    for r in np.unique(region):
        here = np.broadcast_to((region == r).reshape(shape), ours.shape)
        broken = here & (ours == NOT_FINITE) & (theirs < LOST)
        lost, their_lost = here & (ours >= LOST), here & (theirs >= LOST)
        worst, their_worst = np.where(here & (both < LOST), ours, 0), np.where(here & ~their_lost, theirs, 0).max()
        cancels = their_worst > CANCELS or their_lost.any()
        if broken.any():
            found[int(r)] = ("not finite", int(broken.sum()), 0, int(broken.argmax()))
        elif lost.sum() - min(SOME, (here & (ours == RESIDUE)).sum()) > (1.5 * their_lost.sum() if cancels else 0):
            found[int(r)] = ("no digit right", int(lost.sum()), int(their_lost.sum()), int((lost & ~their_lost).argmax()))
        elif worst.max() > max(FEW, (LUCK if cancels else factor) * their_worst):
            found[int(r)] = ("ulp", float(worst.max()), float(their_worst), int(worst.argmax()))
    return found
