"""How an equation uses its quantities."""

from sympy import Mul, default_sort_key, preorder_traversal

from symcell.language.primitives import Primitive, matmul, transpose
from symcell.language.symbols import Constant, Param, Quantity
from symcell.language.writing import written


def products_meant(e):
    """A hint for parameters that are multiplied elementwise, where a matrix product may have been intended."""
    found = []
    for product in sorted(e.atoms(Mul), key=str):
        weights = [a for a in product.args if isinstance(a, (Param, Constant)) and a.declared is None]
        values = [a for a in product.args if isinstance(a, Quantity) and a not in weights]
        found += [f"{w} @ {written(v)} for {w} * {written(v)}" for w in weights[:1] for v in values[:1]]
    return f"; for a matrix product, write {', '.join(found)}" if found else ""


def in_order(rhs):
    """The quantities of an expression, each once, in the order of SymPy's traversal."""
    return dict.fromkeys(q for q in preorder_traversal(rhs, keys=default_sort_key) if isinstance(q, Quantity))


def used_as_matrices(rhs):
    """The parameters before an @ or under a .T, which are matrices unless they declare another shape."""
    found = set()
    for e in rhs.atoms(matmul, transpose):
        todo = [e.args[0]]
        while todo:
            a = todo.pop()
            if isinstance(a, (Param, Constant)):
                found.add(a)
            elif not isinstance(a, Primitive) or isinstance(a, transpose):
                todo.extend(a.args)
    return found
