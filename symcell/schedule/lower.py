"""Derivation -> statements: every row as assignments to entries, matrix products and weight gradients.

Whole vectors disappear here. `at` asks each primitive for its entry at given indices, until only entries of named values, and
reductions over indices, are left; every reduction becomes a statement of its own.
"""

from sympy import Add, Expr, Piecewise, Symbol

from symcell.derivation.derive import SEEDS
from symcell.language.primitives import Entry, Primitive, Reduction, concat, matmul, number_apart, outer, part, transpose
from symcell.language.shapes import resolved_shape
from symcell.language.symbols import Adjoint, Constant, Param
from symcell.language.words import unused
from symcell.schedule.program import Assign, Gradient, Product, Program, Weight

# The axes of a target, in order; reductions use the later ones.
AXES = tuple(Symbol(f"j{k}", integer=True, nonnegative=True) for k in range(8))


def lower(derivation):
    """Derivation -> Program, still without places."""
    lowering = _Lowering(derivation)
    for row in derivation.forward:
        lowering.forward_row(row)
    forward, lowering.statements = lowering.statements, []
    for row in derivation.adjoint:
        lowering.adjoint_row(row)
    recurrent = {r.target.of.state for r in derivation.adjoint if hasattr(r.target.of, "state")}
    carried = {}
    for s in derivation.cell.states:
        if s in recurrent:
            carried[s.prev] = s
            carried[Adjoint(s, "later")] = Adjoint(s.prev)
    return Program(
        derivation.cell,
        derivation,
        lowering.shapes,
        frozenset(lowering.once),
        tuple(forward),
        tuple(lowering.statements),
        carried,
    )


class _Lowering:
    def __init__(self, derivation):
        self.derivation = derivation
        self.shapes = dict(derivation.shapes)
        self.once = {q for q in self.shapes if isinstance(q, (Param, Constant))}
        self.once |= {r.target for r in derivation.forward if r.once}
        self.statements = []
        self.temporaries = {}
        self.products = {}  # (weight, operand) -> what their product is called
        self.concatenations = {r.target: self._parts(r.rhs) for r in derivation.forward if isinstance(r.rhs, concat)}
        self.deferred = {}  # the adjoint of a concatenation -> the products that make it
        self.taken = {q.name for q in self.shapes}
        self.note = ""
        self.target = None  # what the statements now made are for
        for row in derivation.adjoint:
            self.shapes[row.target] = row.shape
            for kind in ("given", "later"):
                self.shapes[Adjoint(row.target.of, kind)] = row.shape
            if row.summed:
                self.once.add(row.target)

    def shape_of(self, e):
        return resolved_shape(e, self.shapes.__getitem__)

    # Rows

    def forward_row(self, row):
        self.note, self.target = f"({row.equation})", row.target
        self._assign(row.target, self._with_products_named(row.rhs, row.target))

    def adjoint_row(self, row):
        seeds = dict.fromkeys(t.rule for t in row.terms if t.rule in SEEDS)
        numbers = sorted({t.equation for t in row.terms if t.equation and t.rule not in SEEDS})
        through = ["through " + ", ".join(f"({n})" for n in numbers)] if numbers else []
        self.note = ", ".join([*seeds, *through])
        self.target = row.target
        if row.summed:
            self._summed(row)
        elif row.target.of in self.concatenations and all(_is_transposed_product(t.expr) for t in row.terms):
            self.deferred[row.target] = [t.expr for t in row.terms]
        else:
            self._assign(row.target, self._with_products_named(row.rhs, row.target))

    def _summed(self, row):
        """A gradient that all steps share: outer products as Gradients, the rest added up step by step."""
        parts, rest = [], []
        for term in row.terms:
            parts_of_term = term.expr.args if isinstance(term.expr, Add) else (term.expr,)
            for e in parts_of_term:
                number, product = number_apart(e)
                gradient = self._gradient(product)
                parts.append(number * gradient) if gradient is not None else rest.append(e)
        shared = [e for e in rest if self._is_once(e)]
        stepwise = Add(*[e for e in rest if not self._is_once(e)])
        if stepwise != 0:
            parts.append(self._sum_over_steps(stepwise, row.target, alone=not parts and not shared))
            if parts == [None]:
                return
        if len(parts) == 1 and parts[0].is_Symbol and not shared and isinstance(self.statements[-1], Gradient):
            self.statements[-1] = Gradient((row.target,), *self._gradient_fields(self.statements[-1]))
            return
        self._assign(row.target, Add(*parts, *shared))

    @staticmethod
    def _gradient_fields(g):
        return g.bars, g.operand, g.place, g.note

    def _is_once(self, e):
        return all(s in self.once or s.is_integer for s in e.free_symbols)

    def _gradient(self, e):
        """The symbol of a weight gradient, if the expression is the outer product of two values."""
        if not isinstance(e, outer) or not all(a.is_Symbol for a in e.args) or self._is_once(e):
            return None
        bar, operand = e.args
        if len(self.shapes[operand]) != 1:
            return None
        if operand in self.concatenations:
            return self._joined([(self._one_gradient(bar, q), start) for q, (start, _) in self.concatenations[operand]])
        return self._one_gradient(bar, operand)

    def _one_gradient(self, bar, operand):
        target = self._new(f"{bar}_{operand}", self.shapes[bar] + self.shapes[operand], once=True)
        if self.once & {bar, operand}:  # the same at every step: no product over all of them
            return self._sum_over_steps(outer(bar, operand), target, alone=True) or target
        self.statements.append(Gradient((target,), (bar,), operand, note=self.note))
        return target

    def _joined(self, blocks):
        """Blocks of columns side by side, as one matrix."""
        width = Add(*[self.shapes[b][-1] for b, _ in blocks])
        *rows, column = AXES[: len(self.shapes[blocks[0][0]])]
        cases = [(Entry(b, *rows, column - start), column < start + self.shapes[b][-1]) for b, start in blocks]
        target = self._new("joined", (*self.shapes[blocks[0][0]][:-1], width), once=True)
        body = Piecewise(*cases[:-1], (cases[-1][0], True))
        self.statements.append(Assign(target, (*rows, column), body, note=self.note))
        return target

    def _sum_over_steps(self, e, target, alone):
        e = self._with_products_named(e, target)
        symbol = target if alone else self._new(f"{target}_steps", self.shapes[target], once=True)
        indices = AXES[: len(self.shapes[symbol])]
        lengths = dict(zip(indices, self.shapes[symbol], strict=True))
        body = self._without_reductions(self.at(e, indices), lengths)
        self.statements.append(Assign(symbol, indices, body, "sum over steps", note=self.note))
        return None if alone else symbol

    # Products

    def _with_products_named(self, e, target):
        """The expression with each product by a parameter replaced by a value that a Product makes."""
        if isinstance(e, Add):
            return Add(*[self._with_products_named(a, target) for a in e.args])
        number, rest = number_apart(e)
        if number != 1 and rest != 1:
            return number * self._with_products_named(rest, target)
        if isinstance(e, part) and e.args[0] in self.deferred:
            return Add(*[self._product(p, target, e.args[1:]) for p in self.deferred[e.args[0]]])
        if isinstance(e, Primitive) and not isinstance(e, matmul):
            return e.func(*[self._with_products_named(a, target) if isinstance(a, Expr) else a for a in e.args])
        if not isinstance(e, matmul):
            return e
        return self._product(e, target)

    def _product(self, e, target, columns=None):
        """matmul(A, v) as a value made by Products, if A is a parameter and v a vector; over a concatenation, part by part,
        so that what part waits for no state is not held up by the rest."""
        a, v = e.args
        symbol = a.args[0] if isinstance(a, transpose) else a
        by_parameter = symbol.is_Symbol and symbol in self.once and len(self.shapes[symbol]) >= 2
        if not by_parameter or not v.is_Symbol or v in self.once or len(self.shapes[v]) != 1:
            return e
        shape = self.shape_of(e) if columns is None else columns[1:]
        parts = [(v, columns)] if isinstance(a, transpose) or v not in self.concatenations else self.concatenations[v]
        return Add(
            *[
                self._product_once(symbol, q, c, shape, target)
                if q in self.once
                else self._one_product(Weight(symbol, isinstance(a, transpose), c), q, shape, target)
                for q, c in parts
            ]
        )

    def _one_product(self, weight, operand, shape, target):
        if (weight, operand) not in self.products:
            name = self.products[weight, operand] = self._new(f"{target}_from_{operand}", shape)
            self.statements.append(Product((name,), (weight,), (operand,), note=self.note))
        return self.products[weight, operand]

    def _product_once(self, matrix, operand, columns, shape, target):
        """Some columns of a parameter times a part of a concatenation that is a parameter too: the same at every step."""
        name = self._new(f"{target}_from_{operand}", shape, once=True)
        *rows, k = AXES[: len(shape) + 1]
        body = Entry(matrix, *rows, columns[0] + k) * Entry(operand, k)
        self.statements.append(Assign(name, tuple(rows), body, "sum", ((k, columns[1]),), note=self.note))
        return name

    def _parts(self, e):
        """A concatenation's arguments, each with the columns that it meets: (symbol, (start, length))."""
        lengths = [self.derivation.shape(a)[0] for a in e.args]
        return [(a, (start, n)) for a, start, n in zip(e.args, e.starts(self.derivation.shape), lengths, strict=True)]

    # Entries

    def _assign(self, target, e):
        indices = AXES[: len(self.shapes[target])]
        self._emit(target, indices, self.at(e, indices))

    def at(self, e, idx):
        """The entry of `e` at `idx`, in entries of named values."""
        if e.is_Symbol:
            if e.is_integer:
                return e
            return Entry(e, *idx) if self.shapes[e] else Entry(e)
        if isinstance(e, Primitive):
            return e.index(idx if self.shape_of(e) else (), self.at, self.shape_of)
        if not e.args:
            return e
        return e.func(*[self.at(a, idx) for a in e.args])

    def _emit(self, target, indices, body):
        lengths = dict(zip(indices, self.shapes[target], strict=True))
        op, over = "", ()
        if isinstance(body, Reduction):
            op, body, over = _unnested(body)
        body = self._without_reductions(body, {**lengths, **dict(over)})
        if op and not op.startswith("scan"):
            body, over = _renamed(body, over, len(indices))
        self.statements.append(Assign(target, indices, body, op, over, note=self.note))

    def _without_reductions(self, body, lengths):
        """`body` with every reduction in it computed beforehand, into a value of its own. `lengths`: index -> size."""
        while reductions := body.atoms(Reduction):
            lengths = lengths | {r.args[2]: r.args[3] for r in reductions}  # an inner one may have an outer one's index
            whole = [r for r in reductions if not _unnested(r)[1].has(Reduction)]
            inner = {r.args[1] for r in whole}
            found = [r for r in whole if r not in inner]
            body = body.xreplace({r: self._reduced(r, lengths) for r in sorted(found, key=str)})
        return body

    def _reduced(self, r, lengths):
        op, inner, over = _unnested(r)
        scanned = op.startswith("scan")
        free = [k for k in lengths if (inner.has(k) and k not in dict(over)) or (scanned and k == over[0][0])]
        place = dict(zip(free, AXES, strict=False))
        body, over = inner.xreplace(place), tuple((place.get(k, k), n) for k, n in over)
        if not scanned:
            body, over = _renamed(body, over, len(free))
        key = (op, body, over)
        if key not in self.temporaries:
            once = all(e.args[0] in self.once for e in body.atoms(Entry))
            symbol = self.temporaries[key] = self._new(f"{op.split()[0]}_{self.target}", tuple(lengths[k] for k in free), once)
            self.statements.append(Assign(symbol, AXES[: len(free)], body, op, over, note=self.note))
        return Entry(self.temporaries[key], *free)

    def _new(self, hint, shape, once=False):
        symbol = Symbol(unused(hint, self.taken))
        self.shapes[symbol] = shape
        if once:
            self.once.add(symbol)
        return symbol


def _is_transposed_product(e):
    return isinstance(e, matmul) and isinstance(e.args[0], transpose) and e.args[0].args[0].is_Symbol and e.args[1].is_Symbol


def _unnested(r):
    """A reduction of a reduction of the same kind as one over several indices."""
    op, body, k, n = r.args
    over = [(k, n)]
    while isinstance(body, Reduction) and body.args[0] == op and str(op) in ("sum", "max"):
        _, body, k, n = body.args
        over.append((k, n))
    return str(op), body, tuple(over)


def _renamed(body, over, rank):
    """The indices of a reduction named after the axes that follow the target's."""
    new = {k: AXES[rank + p] for p, (k, _) in enumerate(over)}
    return body.xreplace(new), tuple((new[k], n) for k, n in over)
