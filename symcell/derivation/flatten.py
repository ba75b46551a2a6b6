"""Declaration -> forward rows: nested equations as a list of small ones, so that every quantity with an adjoint has a name.

The right side of a row is an elementwise expression, a sum of matrix products (with an elementwise rest), or one primitive.
Names end with that of the equation: z_i for a sum of products (the argument of an activation, usually), v_g for the operand of a
product, w_h for an expression of parameters alone, softmax_h for any other primitive. Deeply nested functions and products of
sums get rows too, tanh_h and product_h, because the derivative of a long chain would otherwise be much longer than the chain.
"""

from collections import Counter
from dataclasses import dataclass

from sympy import Add, Expr, Function, Mul, Symbol, preorder_traversal
from sympy.functions.elementary.piecewise import ExprCondPair

from symcell.language.identifiers import unused
from symcell.language.primitives import Primitive, is_product_of, matmul, transpose
from symcell.language.shapes import resolved_shape
from symcell.language.stable import stable
from symcell.language.symbols import Constant, Param

_DEEPEST = 4  # functions inside one another in one row


@dataclass(frozen=True)
class Row:
    """target = rhs, which came from the equation of that number; `once` if it needs parameters alone, `filled` if a scalar
    fills a whole vector or matrix."""

    target: Symbol
    rhs: Expr
    shape: tuple
    equation: int
    once: bool = False
    filled: bool = False


def flatten(declaration):
    """The forward rows of a declaration, in the order of computation."""
    flattener = _Flattener(declaration)
    for equation in declaration.equations:
        flattener.add(equation)
    return tuple(flattener.rows)


class _Flattener:
    def __init__(self, declaration):
        self.declaration = declaration
        self.rows = []
        self.shapes = dict(declaration.shapes)
        self.shapes.update((s.prev, declaration.shapes[s]) for s in declaration.states)
        self.once = {q for q in self.shapes if isinstance(q, (Param, Constant))}
        self.named = {}  # expression -> the symbol that a row gave it
        self.taken = {q.name for q in self.shapes} | set(declaration.sizes)
        self.equation = None
        self.uses = Counter()  # how often a product stands in the equation

    def add(self, equation):
        """Append the rows of one equation, its own row last."""
        self.equation = equation
        rhs = stable(equation.rhs)
        self.uses = Counter(a for a in preorder_traversal(rhs) if isinstance(a, matmul))
        rhs = self._with_named_arguments(rhs) if isinstance(rhs, Primitive) else self._inline(rhs, top=True)
        self._emit(equation.target, rhs)

    def _emit(self, target, rhs):
        rhs = rhs.func(*[self._in_steps(a)[0] for a in rhs.args]) if rhs.args and not isinstance(rhs, Primitive) else rhs
        own = resolved_shape(rhs, self.shapes.__getitem__)
        shape = self.shapes.setdefault(target, own)
        once = self._is_once(rhs) and target not in self.declaration.states
        if once:
            self.once.add(target)
        self.rows.append(Row(target, rhs, shape, self.equation.number, once, filled=bool(shape) and not own))
        return target

    def _is_once(self, e):
        symbols = {s for s in e.free_symbols if not s.is_integer}
        return bool(symbols) and symbols <= self.once

    def _inline(self, e, top=False):
        """`e` as a row may contain it: primitives other than views are replaced by the names of rows of their own."""
        if e.is_Symbol or e.is_number or not e.args:
            return e
        if not e.has(Primitive):
            return self._with_once_part_named(e, top)
        if isinstance(e, Primitive):
            e = self._with_named_arguments(e)
            return e if e.view else self._name(e, "z" if isinstance(e, matmul) else type(e).__name__)
        if isinstance(e, Add) and any(is_product_of(a, matmul) for a in e.args):
            return self._sum_of_products(e, top)
        return self._with_once_part_named(e.func(*[self._inline(a) for a in e.args]), top)

    def _sum_of_products(self, e, top):
        terms = [self._product(a) if is_product_of(a, matmul) else self._inline(a) for a in e.args]
        sum_ = Add(*terms)
        return sum_ if top else self._name(sum_, "z")

    def _product(self, e):
        sign, product = (-1, -e) if isinstance(e, Mul) else (1, e)
        named = self._with_named_arguments(product)
        return sign * (self._name(named, "z") if self.uses[product] > 1 else named)

    def _with_named_arguments(self, e):
        """A primitive whose arguments are symbols, or a transposed symbol before a product."""
        arguments = []
        for k, a in enumerate(e.args):
            if isinstance(a, transpose) and isinstance(e, matmul) and k == 0:
                a = transpose(self._atom(a.args[0], "v"))
            arguments.append(self._atom(a, "v"))
        return e.func(*arguments)

    def _atom(self, e, prefix):
        if e.is_Symbol or not isinstance(e, Expr) or all(s.is_integer for s in e.free_symbols):  # a number or a size
            return e
        if isinstance(e, transpose) and e.args[0].is_Symbol:
            return e
        e = self._with_named_arguments(e) if isinstance(e, Primitive) else self._inline(e, top=True)
        if self._is_once(e):
            prefix = "w"
        elif (not isinstance(e, Primitive) and e.has(matmul)) or isinstance(e, matmul):
            prefix = "z"
        return self._name(e, prefix)

    def _with_once_part_named(self, e, top):
        """Move functions of parameters alone to rows of their own, which are computed once a sequence."""
        if isinstance(e, ExprCondPair):
            return ExprCondPair(self._with_once_part_named(e.expr, False), e.cond)
        if not isinstance(e, Expr):
            return e
        if self._is_once(e):
            return e if top or not _costs(e) else self._name(e, "w")
        if isinstance(e, (Add, Mul)):
            once = [a for a in e.args if a.is_number or self._is_once(a)]
            part = e.func(*once)
            if len(once) > 1 and _costs(part):
                rest = [self._with_once_part_named(a, False) for a in e.args if a not in once]
                return e.func(self._name(part, "w"), *rest)
        if not e.args or e.is_Symbol or isinstance(e, Primitive):
            return e
        return e.func(*[self._with_once_part_named(a, False) for a in e.args])

    def _in_steps(self, e):
        """Move deeply nested subexpressions to rows of their own. Returns the rest of `e`, and its depth: the number of nested
        functions, where a product of sums counts as one. Kernels mask rows that are NaN in a branch that is not taken."""
        if not e.args or e.is_number or isinstance(e, Primitive):
            return e, 0
        parts, depths = zip(*map(self._in_steps, e.args), strict=True)
        depth = max(depths) + _is_a_function(e)
        e = e if parts == e.args else e.func(*parts)
        return (self._name(e, _name_of_kind(e)), 0) if depth == _DEEPEST else (e, depth)

    def _name(self, e, prefix):
        """The symbol of the row of `e`; equal expressions share a row."""
        if e not in self.named:
            base = f"{prefix}_{self.equation.target.name}"
            self.named[e] = self._emit(Symbol(unused(base, self.taken)), e)
        return self.named[e]


def _is_a_function(e):
    """Whether an expression is nonlinear in its parts. A condition, or one case of a Piecewise, is not a function by itself."""
    if isinstance(e, Mul):
        return any(isinstance(a, Add) for a in e.args)
    return isinstance(e, Expr) and not isinstance(e, Add)


def _name_of_kind(e):
    return "product" if isinstance(e, Mul) else type(e).__name__.lower()


def _costs(e):
    """Whether an expression is more than sums, products and views."""
    return any(not getattr(f, "view", False) for f in e.atoms(Function))
