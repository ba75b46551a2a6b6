"""Equations -> the nodes and edges of a diagram."""

from collections import Counter

from sympy import Add, Expr, Function, Mul, Pow, default_sort_key, preorder_traversal

from symcell.documents.diagram.affine import HOLE, Affine, is_view, viewed
from symcell.documents.diagram.graph import Edge, Node
from symcell.documents.diagram.labels import Labels, function_sign
from symcell.language.delays import Delay
from symcell.language.primitives import Primitive, concat, dot, matmul, outer
from symcell.language.symbols import Input, Previous, State
from symcell.notation.order import PaperOrder

LINEAR = r"\mathrm{linear}"


class Builder:
    """Adds the equations of a cell one by one. Those of `whole` become one box each; those of `within` are parts of the boxes of
    the equations that read them."""

    def __init__(self, derivation, labels: Labels, whole=frozenset(), within=frozenset()):
        self.labels, self.whole = labels, whole
        self.within = {e.target: e.rhs for e in derivation.declaration.equations if e.target in within}
        self.paper, self.affine = PaperOrder(derivation), Affine(derivation.once)
        self.delays = Counter(s.of for s in derivation.declaration.states if isinstance(s, Delay))
        self.nodes, self.edges = {}, []
        self.of = {}  # expression -> key of the node that has its value
        self.owner = {}  # key -> target of the equation that made the node
        self.equation = None

    def add(self, equation):
        """Add one equation that is computed in every step."""
        target, self.equation = equation.target, equation
        if target in self.within:
            return
        if target in self.whole:
            key = self._node("formula", self.labels.name(target))
            self._read(key, self._moving_symbols(equation.rhs))
        else:
            key = self.value(equation.rhs)
        node = self.nodes[key]
        if node.symbol is None:
            name = "" if isinstance(target, State) or node.kind == "formula" else self.labels.name(target)
            self.nodes[key] = Node(key, node.kind, node.label, target, name)
        self.of[target] = key
        if isinstance(target, State) and not (isinstance(target, Delay) and target.steps > 1):
            end = self._node("state", self._end(target, target), target)
            self.edges.append(Edge(key, end))

    def value(self, e: Expr) -> str:
        """The key of the node that computes a value."""
        if e not in self.of:
            self.of[e] = self._made(e)
        return self.of[e]

    def _made(self, e):
        if isinstance(e, Input):
            return self._node("input", self.labels.name(e), e)
        if isinstance(e, Previous):
            return self._previous(e)
        if not self.affine.moves(e):
            return self._node("value", self.labels.value(e))
        if is_view(e):
            return self.value(viewed(e, self.affine))
        read = self.affine.read(e)
        if read is not None:
            return self._joined("box", LINEAR, read)
        function, inner = self._peeled(e)
        if function != HOLE:
            return self._applied(function, inner)
        if isinstance(e, (Mul, Pow)):
            return self._product(e)
        if isinstance(e, Add):
            return self._sum(e)
        if isinstance(e, (matmul, dot, outer)):
            return self._joined("product", function_sign(e), e.args)
        return self._joined("unit", function_sign(e), self._arguments(e))

    def _previous(self, e):
        """The node of a previous value. All that a window keeps comes by one line: states of a shift register."""
        if isinstance(e.state, Delay) and e.state.steps > 1:
            return self.value(Delay(e.state.of, 1).prev)
        return self._node("previous", self._end(e, e.state), e)

    def _end(self, symbol, state):
        """The name of a value at the border; of the first of those that a window keeps."""
        more = isinstance(state, Delay) and self.delays[state.of] > 1
        return self.labels.name(symbol) + (r",\ldots" if more else "")

    def _applied(self, function, inner):
        bends = function.has(Function)
        read = self.affine.summed(inner) if bends else self.affine.read(inner)
        if read is not None:
            return self._joined("box", self.labels.function(function) if bends else LINEAR, read)
        return self._joined("unit", self.labels.function(function), [inner])

    def _arguments(self, e):
        """The values of which a function of several arguments is drawn: those of a Piecewise stand in its cases."""
        if isinstance(e, (Primitive, Function)) and all(isinstance(a, Expr) for a in e.args) and not isinstance(e, concat):
            return [a for a in e.args if self.affine.moves(a)]
        return self._moving_symbols(e)

    def _peeled(self, e):
        """An expression as a function of HOLE, and the value that stands there."""
        function = HOLE
        while not e.is_Symbol and (function == HOLE or self.affine.summed(e) is None):
            inner = self._only_argument(e)
            if inner is None:
                break
            function = function.xreplace({HOLE: _replaced(e, inner)})
            e = inner
            while is_view(e):
                e = viewed(e, self.affine)
        return function, e

    def _only_argument(self, e):
        """The largest part of an expression, without which it would not move."""
        moving = {s for s in e.free_symbols if self.affine.moves(s)}
        parts = [a for a in dict.fromkeys(preorder_traversal(e, keys=default_sort_key)) if a != e and isinstance(a, Expr)]
        whole = sorted([a for a in parts if moving <= a.free_symbols], key=_size)
        return next((a for a in whole if not self.affine.moves(_replaced(e, a))), None)

    def _product(self, e):
        key = self._node("times", r"\times")
        moving = [a for a in self.paper.factors(e) if self.affine.moves(a)]
        held = Mul(*[a for a in Mul.make_args(e) if not self.affine.moves(a)])
        for factor in [held] * (held != 1) + moving:
            below = isinstance(factor, Pow) and factor.exp.is_number and factor.exp.is_negative
            self._edge(1 / factor if below else factor, key, r"\div" if below else "")
        return key

    def _sum(self, e):
        key = self._node("plus", "+")
        terms = [a for a in self.paper.terms(e) if self.affine.moves(a)]
        held = Add(*[a for a in e.args if not self.affine.moves(a)])
        heavy = [a for a in terms if self.affine.read(a)]
        if len(heavy) > 1:
            terms = [Add(*heavy), *(a for a in terms if a not in heavy)]
        for term in terms + [held] * (held != 0):
            below = term.could_extract_minus_sign() and term not in heavy
            self._edge(-term if below else term, key, "-" if below else "")
        return key

    def _joined(self, kind, label, values):
        key = self._node(kind, label)
        self._read(key, values)
        return key

    def _read(self, key, values):
        """`values`: a dict tells which of them a matrix multiplies."""
        for value in values:
            self._edge(value, key, matrix=isinstance(values, dict) and values[value])

    def _edge(self, value, target, mark="", matrix=False):
        edge = Edge(self.value(value), target, mark, matrix)
        if edge not in self.edges:
            self.edges.append(edge)

    def _node(self, kind, label, symbol=None):
        key = f"{kind}{sum(n.kind == kind for n in self.nodes.values()) + 1}"
        self.nodes[key] = Node(key, kind, label, symbol)
        self.owner[key] = self.equation.target
        return key

    def _moving_symbols(self, e):
        """The values that an equation reads, with those of its parts."""
        symbols = [s for s in dict.fromkeys(preorder_traversal(e, keys=default_sort_key)) if s.is_Symbol and self.affine.moves(s)]
        return [a for s in symbols for a in (self._moving_symbols(self.within[s]) if s in self.within else [s])]


def _replaced(e, part):
    """An expression with HOLE in the place of a part, also where the part is a sum within a sum: a + b in a + b - mean(a + b)."""
    if e == part:
        return HOLE
    terms = {*Add.make_args(part)}
    if isinstance(e, Add) and isinstance(part, Add) and terms < {*e.args}:
        return Add(HOLE, *[_replaced(a, part) for a in e.args if a not in terms])
    parts = [_replaced(a, part) for a in e.args]
    return e if not parts or parts == list(e.args) else e.func(*parts)


def _size(e):
    return -sum(1 for _ in preorder_traversal(e))
