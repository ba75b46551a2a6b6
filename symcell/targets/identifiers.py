"""Identifiers of a generated module: those that it uses itself, and how a cell's names make way for them.

No name is reserved: a quantity whose name the module uses itself is called otherwise there, `tanh_` for `tanh`, and by its own
name everywhere outside.
"""

import keyword
import re
import symtable
from functools import cache
from importlib import resources

# What a module defines or takes from elsewhere that the runtime never names.
_EMITTED = ("CONTENT_HASH", "RUNTIME_HASH", "erf", "erfc", "step", "_")
_FUNCTION = re.compile(r"(forward|backward)_(pass|single|once|(once|before|step|after)_row(_\d+)?)")


@cache
def own_names():
    """The names that a generated module uses itself: all that the runtime defines, imports, or reads from its module or from
    Python, and Python's keywords; the functions of the passes apart."""
    names = {*keyword.kwlist, *_EMITTED}
    for file in resources.files("symcell.runtime").iterdir():
        if file.name.endswith(".py"):
            names.update(_global_names(symtable.symtable(file.read_text("utf-8"), file.name, "exec")))
    return frozenset(names)


def _global_names(table):
    whole = table.get_type() == "module"
    yield from (symbol.get_name() for symbol in table.get_symbols() if whole or symbol.is_global())
    for inner in table.get_children():
        yield from _global_names(inner)


def yielding(name):
    """A name as a module may use it for a quantity, a size or an array: itself, or with an underscore more if it is the module's
    own. Different names stay different, since `len` becomes `len_`, and `len_` becomes `len__`."""
    stem = name.rstrip("_")
    is_own = not stem or stem in own_names() or _FUNCTION.fullmatch(stem)
    return f"{name}_" if is_own else name
