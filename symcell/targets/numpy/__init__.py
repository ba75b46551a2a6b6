"""NumPy modules: plain and vectorised over samples, to be read. `emit(program) -> text` is the entry."""

from symcell.targets.numpy.module import emit

__all__ = ["emit"]
