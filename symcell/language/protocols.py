"""Protocols of Python, NumPy and PyTorch: operations on arrays, which expressions of a cell refuse with a hint."""

import operator

from numpy import ndarray
from sympy import Expr, sympify

from symcell.errors import CellError, NoSuchAttribute, NoSuchOperation
from symcell.language.hints import ATTRIBUTES, FIXED, instead_of, is_silent, not_of_arrays, not_taken
from symcell.language.writing import written

# Arithmetic with one of NumPy's numbers, which NumPy asks for by the names of its functions.
_ARITHMETIC = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv, "power": operator.pow,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "greater": operator.gt, "greater_equal": operator.ge,
    "less": operator.lt, "less_equal": operator.le, "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip


class Foreign:
    """Base of symbols and primitives that refuses the protocols of other libraries, with what to write instead."""

    __slots__ = ()
    _iterable = False  # SymPy asks; `__getitem__` alone would look like a sequence
    _op_priority = 20.0  # SymPy's matrices leave it to these to say what they take

    def __rmul__(self, other):
        """Called by SymPy's matrices, also where they stand before `@`."""
        if getattr(other, "is_Matrix", False):
            raise CellError(f"a product takes expressions, found {not_taken(other)}")
        return super().__rmul__(other)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        """NumPy's elementwise functions. Arithmetic with a number works; SymPy has a name for everything else."""
        name = ufunc.__name__
        if any(getattr(a, "ndim", 0) for a in inputs):
            raise NoSuchOperation(f"an array cannot be combined with {written(self)}; {FIXED}")
        if method != "__call__" or name not in _ARITHMETIC or options:
            raise not_of_arrays(f"np.{name}", name)
        return _ARITHMETIC[name](*[sympify(a[()]) if hasattr(a, "dtype") else a for a in inputs])

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        name = getattr(function, "__name__", str(function))
        raise not_of_arrays(f"torch's {name}", name)

    def __getitem__(self, key):
        """Called by Python's sum, max and list too."""
        parts = (key.start, key.stop) if isinstance(key, slice) else (key,)
        text = f"{self}[{':'.join('' if k is None else str(k) for k in parts)}]"
        raise NoSuchOperation(f"{text} is not defined: {self} stands for all units; {instead_of('take')}; {instead_of('sum')}")

    def __setitem__(self, key, value):
        self[key]

    def __len__(self):
        raise NoSuchOperation(f"len({self}) is not defined: {self} stands for all units; {instead_of('shape')}")

    def __bool__(self):  # Python would ask for the length
        return True

    def __xor__(self, other):
        raise NoSuchOperation(f"{self} ^ {other} is not defined; a power is {self}**{other}, and Xor(a, b) joins conditions")

    def __float__(self):
        raise NoSuchOperation(f"{self} is no number; of math's functions write SymPy's, sympy.tanh for math.tanh")

    def __getattr__(self, name):
        hint = ATTRIBUTES.get(name, "")
        raise NoSuchAttribute(f"{type(self).__name__!r} object has no attribute {name!r}" + (f"; {hint}" if hint else ""))


def answer_numpy(e, function, types, arguments, options):
    """NumPy's functions of whole arrays, which would treat an expression as one number."""
    given = [a for a in _flat((*arguments, *options.values())) if isinstance(a, Expr) and not a.is_Matrix]
    of_a_cell = any(isinstance(s, Foreign) for a in given for s in a.free_symbols)
    if of_a_cell or (is_silent(function.__name__) and any(a.free_symbols for a in given)):
        raise not_of_arrays(f"np.{function.__name__}", function.__name__)
    return ndarray.__array_function__(ndarray(()), function, (ndarray,), arguments, options)


def _flat(arguments):
    for a in arguments:
        if isinstance(a, (list, tuple)):
            yield from _flat(a)
        else:
            yield a
