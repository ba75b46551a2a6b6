"""One runtime in a process: a copy of the runtime that another import has loaded already is not loaded again."""

import sys

from .version import source_hash

_LOADED = "symcell_runtimes"  # in sys.modules: the hash of a runtime's text -> the name that it was loaded by


def adopted(name: str) -> bool:
    """Whether a runtime of the same text is there already; the package of this name, and its modules, are then that one's."""
    registry = vars(sys.modules.setdefault(_LOADED, type(sys)(_LOADED)))
    first = registry.setdefault(source_hash(), name)
    if first == name:
        return False
    for module in [m for m in sys.modules if m == first or m.startswith(f"{first}.")]:
        sys.modules[name + module.removeprefix(first)] = sys.modules[module]
    return True
