"""A cell with every kind of symbol, called by names that generated modules use themselves, beside the same cell with plain names."""

import ast
import builtins
import random
import re
from functools import cache
from pathlib import Path

import numpy as np
from sympy import Eq, Symbol, exp, tanh

from support.plain import plain_kernel
from symcell import Cell, Constant, Input, Param, State, sigmoid, softmax, total
from symcell.compiler import source_of
from symcell.language.identifiers import is_name
from symcell.language.sizes import size

GENERATED = Path(__file__).parents[2] / "generated"
SIZES = ("n_x", "n_h", "n_k")
SYMBOLS = ("x", "y", "u", "h", "c", "s", "i", "f", "z", "q", "w", "W_i", "U_i", "W_f", "U_f", "G", "b", "p", "a", "k")
NAMES = (*SIZES, *SYMBOLS)
NUMBERS = dict(zip(SIZES, (2, 3, 5), strict=True))


def cell_called(names):
    """The cell with its symbols and sizes called `names`, plain name -> name."""
    n_x, n_h, n_k = (size(names[n]) for n in SIZES)
    x, y, u = Input(names["x"], n_x), Input(names["y"], n_k), Input(names["u"], ())
    h, c, s = State(names["h"], n_h), State(names["c"], n_k), State(names["s"], (), initial=Param(names["a"], ()))
    i, f, z, q, w = (Symbol(names[n]) for n in "ifzqw")
    W_i, U_i, W_f, U_f, G = (Param(names[n]) for n in ("W_i", "U_i", "W_f", "U_f", "G"))
    b, p, k = Param(names["b"]), Param(names["p"]), Constant(names["k"])
    return Cell("called", [
        Eq(w, exp(p)),
        Eq(i, sigmoid(W_i @ x + U_i @ h.prev + b)),
        Eq(f, sigmoid(W_f @ x + U_f @ h.prev)),
        Eq(z, softmax(k * y + G @ h.prev)),
        Eq(q, total(z * c.prev)),
        Eq(c, tanh(c.prev * w + z) - q * y),
        Eq(h, f * h.prev + i * tanh(h.prev + q)),
        Eq(s, s.prev * u / 2 + tanh(q) + n_k * u),
    ], outputs=[h, s])  # fmt: skip


def results(cell, source, names):
    """All states and gradients of one random call, in plain Python, by plain names."""
    numbers, plain, random = {names[n]: NUMBERS[n] for n in SIZES}, {name: n for n, name in names.items()}, np.random.default_rng(5)
    kernel = plain_kernel(cell, source=source)
    shapes = kernel.interface.shapes(*[numbers[n] for n in kernel.interface.sizes])
    params = {names[n]: random.normal(size=shapes[names[n]]) for n in SYMBOLS[10:] if names[n] in kernel.interface.given}
    inputs = {names[n]: random.normal(size=(4, 2, *shapes[names[n]])) for n in "xyu"}
    run = kernel.forward(params, inputs)
    gradients = kernel.backward(run, {names[n]: random.normal(size=run.states[names[n]].shape) for n in "hcs"})
    groups = {"states": run.states, "params": gradients.params, "inputs": gradients.inputs, "initial": gradients.initial}
    return {(group, plain[name]): a for group, arrays in groups.items() for name, a in arrays.items()}


@cache
def plain_results():
    """Those of the cell with plain names."""
    names = dict(zip(NAMES, NAMES, strict=True))
    cell = cell_called(names)
    return results(cell, source_of(cell), names)


def assert_names_yield(names):
    """The cell with these names does what it does with plain ones, and its module is sound."""
    cell = cell_called(names)
    source = source_of(cell)
    assert_sound(source)
    found = results(cell, source, names)
    assert found.keys() == plain_results().keys()
    for key, expected in plain_results().items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-12, atol=1e-14, err_msg=f"{key} of {names}")


def assert_sound(source):
    """In every function made for the cell, each name is known, none hides one of the module or of Python, and row functions keep
    what they are given."""
    tree = ast.parse(source)
    whole = module_names(tree)
    for function in made_for_the_cell(tree):
        stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        given = [a.arg for f in ast.walk(function) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for a in f.args.args]
        inner = {f.name for f in ast.walk(function) if isinstance(f, ast.FunctionDef)} - {function.name}
        loaded = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        unknown = loaded - {*stored, *given, *inner, *whole, *dir(builtins)}
        assert not unknown, (function.name, unknown)
        called = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        hidden = {*stored, *given} & (whole | called & {*dir(builtins)})
        assert not hidden, (function.name, hidden)
        assert "_row" not in function.name or not stored & {*given}, (function.name, stored & {*given})


def module_names(tree):
    """What a module defines and imports."""
    made = {n.id for a in tree.body if isinstance(a, ast.Assign) for t in a.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    made |= {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return made | {(a.asname or a.name).split(".")[0] for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}


def made_for_the_cell(tree):
    """The functions of a module that are written for its cell."""
    names = re.compile("pack_weights|shapes|(forward|backward)_.+")
    return [n for n in tree.body if isinstance(n, ast.FunctionDef) and names.fullmatch(n.name)]


def identifiers(source):
    """Every name, argument and attribute of a module."""
    for node in ast.walk(ast.parse(source)):
        yield from (getattr(node, field) for field in ("id", "arg", "attr", "name") if isinstance(getattr(node, field, None), str))


@cache
def all_identifiers():
    """Every word of all generated modules that may be a name, those in comments among them."""
    words = {word for path in GENERATED.glob("*.py") for word in re.findall(r"[^\W\d]\w*", path.read_text("utf-8"))}
    return tuple(sorted(word for word in words if is_name(word)))


@cache
def own_identifiers():
    """Those that the functions made for the plain cell have beside its own names: `h_out`, `from_x`, `dW_i`."""
    functions = made_for_the_cell(ast.parse(source_of(cell_called(dict(zip(NAMES, NAMES, strict=True))))))
    return tuple(sorted({name for f in functions for name in identifiers(ast.unparse(f))} - {*NAMES, *(f.name for f in functions)}))


def random_names(seed):
    """Names for the cell: some of its own, the others from generated modules, or from its own one."""
    chosen = random.Random(seed)
    pool = own_identifiers() if seed % 2 else all_identifiers()
    names = dict(zip(NAMES, NAMES, strict=True))
    for n in chosen.sample(NAMES, 12 if seed % 2 else len(NAMES)):
        names[n] = chosen.choice([name for name in pool if _may_be(n, name) and not _is_in(names, name)])
    return names


def _may_be(n, name):
    """Whether a symbol may have a name: sizes are called as arguments of init that do not begin with an underscore."""
    return n not in SIZES or not (name.startswith("_") or name in ("seed", "dtype"))


def _is_in(names, name):
    """Whether another symbol has that name, the previous states among them."""
    return name in names.values() or f"{name}_prev" in names.values() or name.removesuffix("_prev") in names.values()
