"""The names and shapes of a cell's symbols, collected equation by equation."""

from sympy import Expr

from symcell.errors import CellError
from symcell.language.delays import Delay
from symcell.language.identifiers import is_name
from symcell.language.naming import expand_affine
from symcell.language.numbers import check_numbers
from symcell.language.primitives import merge, outer
from symcell.language.shapes import Disagreement, Sizes, infer
from symcell.language.sizes import Dims, shape_text, size
from symcell.language.symbols import Input, Param, Previous, Quantity, State
from symcell.language.uses import in_order, products_meant, used_as_matrices
from symcell.language.writing import written

_SHARING = "give affine another name=, or, to share weights, write the same Param in both places: Param('W') @ x + Param('b')"


class Registry:
    """Every name has one symbol; every symbol has a shape, as far as the equations seen so far determine it."""

    def __init__(self, cell, declared):
        self.cell, self.owners = cell, {}
        self.shapes, self.sizes = {}, Sizes()
        self.of_inputs, self.reasons = {}, {}  # input -> its size, and size -> which equation made it another one
        self.made = {}  # parameters that affine has made -> the left side of the equation
        self.usual = self._usual_size(declared)
        self.matrices = {q for _, rhs in declared for q in used_as_matrices(rhs)}
        inputs = {q.name for _, rhs in declared for q in rhs.atoms(Input) if q.declared is None}
        self.size_names = _names_of_sizes(inputs)

    def _usual_size(self, declared):
        """The size of states that declare none: n_h, or what it has to be, such as n_heads * n_k."""
        n_h, symbols = size("n_h"), {s for target, rhs in declared for s in (target, *rhs.free_symbols)}
        symbols |= {q.initial for q in symbols if isinstance(getattr(q, "initial", None), Param)}
        named = {s for q in symbols for n in (q, *(getattr(q, "declared", None) or ())) for s in n.free_symbols}
        return n_h if n_h in named else self.sizes.fresh("n_h", lasting=True, usual=True)

    def claim(self, q, made_by=""):
        """Reserve the name of a symbol. Raises CellError if another symbol has it."""
        name = q.name
        if not is_name(name):
            raise CellError(f"the name {name!r} is no Python identifier, or a keyword; the generated code could not use it")
        owner = self.owners.setdefault(name, q)
        if owner != q:
            raise CellError(f"the name {name!r} stands for two things: {described(owner)} and {described(q)}{made_by}")
        if isinstance(q, State):
            self.claim(q.prev)

    def expanded(self, target, rhs):
        """Expand the affine(...) of a right side, and register all its symbols."""
        for q in in_order(rhs):
            self._check_not_made(q, f"{q} stands here too")
            self._register(q, self.matrices)

        def register(q, rank):
            self._register_made(q, rank, target)
            return q

        return self._with_axes(expand_affine(rhs, target, lambda e: len(self.shape(e)), register))

    def _with_axes(self, rhs):
        """Name the axis of every merge, the innermost first."""
        while merges := [e for e in rhs.atoms(merge) if len(e.args) == 1]:
            inner = [e for e in merges if not any(len(a.args) == 1 for a in e.args[0].atoms(merge))]
            rhs = rhs.xreplace({e: e.with_axis(self.shape(e.args[0]).over) for e in inner})
        return rhs

    def _register_made(self, q, rank, target):
        """Register a parameter that affine creates. Raises CellError if it exists already."""
        self.claim(q, " made by affine")
        self._check_not_made(q, "this one would make it again")
        if q in self.shapes:
            raise CellError(f"affine would make the parameter {q}, which is written as Param({q.name!r}) already; {_SHARING}")
        self.made[q] = target
        self._register(q, {q} if rank == 2 else ())

    def _check_not_made(self, q, what):
        if q in self.made:
            raise CellError(f"the parameter {q} was made by affine in the equation for {self.made[q]}, and {what}; {_SHARING}")

    def _register(self, q, matrices):
        self.claim(q)
        q = getattr(q, "state", q)
        if q not in self.shapes:
            self.shapes[q] = self._first_shape(q, matrices)

    def _first_shape(self, q, matrices):
        """The declared shape of a symbol, or else one of unknown sizes, which its use determines."""
        blocks = getattr(q, "blocks", None)
        if q.declared is not None:
            whole = blocks is not None and len(q.declared) == 2  # the shape of the matrix, which is stored block by block
            return Dims((blocks, *(n / blocks for n in q.declared)) if whole else q.declared, q.over)
        if isinstance(q, Delay):
            return self._shape_of_delayed(q.of)
        if isinstance(q, State):
            return Dims((self.usual,), q.over)
        if isinstance(q, Input):
            self.of_inputs[q] = self.sizes.fresh(self.size_names[q.name], lasting=True)
            return Dims((self.of_inputs[q],), q.over)
        rank = 2 if blocks is not None or q in matrices else 1
        fresh = tuple(self.sizes.fresh(f"n_{q.name}") for _ in range(rank))
        return Dims(fresh if blocks is None else (blocks, *fresh), q.over)

    def _shape_of_delayed(self, q):
        if isinstance(q, Quantity):
            self._register(q, self.matrices)
        if q not in self.shapes:
            raise CellError(f"an earlier value of {q} is read before {q} has its equation, which tells its shape; put that first")
        return self.shapes[q]

    def shape(self, e):
        """The shape of an expression. Unifies sizes on the way."""
        return infer(e, lambda symbol: shape_of_symbol(symbol, self.shapes, self.cell), self.sizes)

    def _check_outer(self, e):
        """Raise CellError for an outer product of other things than vectors."""
        for product in e.atoms(outer):
            product.demand_vectors([self.shape(a) for a in product.args])

    def learn(self, target, rhs):
        """Unify the shapes of an equation's sides, and record the shape of its target."""
        try:
            shape = self.shape(rhs)
            self._check_outer(rhs)
            self._give_shape(target, shape)
        except Disagreement as error:
            raise CellError(f"{error}{products_meant(rhs)}") from None

    def _give_shape(self, target, shape):
        """Record the shape of a target. A state has a declared shape, which must agree with that of the right side."""
        if isinstance(target, State):
            self._register(target, ())
            self._agree(target, shape)
        elif any(n is None for n in shape):
            raise CellError(f"a size of {target} is unknown: column, row or fill needs a partner of a known shape")
        else:
            self.shapes[target] = shape

    def _agree(self, state, shape):
        declared = self.shapes[state]
        if more := [str(n) for n in shape.over if n not in declared.over]:
            raise CellError(
                f"the right side has a value for each of {', '.join(more)}, and the state {state} has not; declare it with "
                f"over={more[0]!r}, or join these values by merge(e) or total(e, over={more[0]!r})"
            )
        if len(declared) != len(shape) and shape:
            raise CellError(
                f"ranks do not agree: the state {state} has shape {shape_text(declared)}, its right side {shape_text(shape)}"
            )
        for m, n in zip(declared, shape, strict=False):
            self.sizes.unify(m, n, f"the state {state} and its right side")

    def explain(self, equation):
        """Record the equation that unified the size of an input with another one."""
        hint = products_meant(equation.rhs)
        for n, what in self.sizes.joined.items():
            self.reasons.setdefault(n, f"equation {equation.number} ({equation.target} = ...) joins {what} unit by unit{hint}")

    def joined(self):
        """Input -> the equation that unified its size with another one."""
        return {q: self.reasons[n] for q, n in self.of_inputs.items() if n in self.reasons}

    def start(self, state):
        """Check the initial value of a state: a real number, or a parameter of the state's shape."""
        initial = state.initial
        if isinstance(initial, Expr) and initial.is_number and initial.is_extended_real:
            if not initial.is_infinite:  # a running maximum begins at -oo
                check_numbers(initial)
            return
        if not isinstance(initial, Param):
            raise CellError(f"the initial value of {state} is a real number or a Param, found {initial}")
        self.claim(initial)
        self._check_not_made(initial, f"is the initial value of {state}")
        shape, declared = self.shapes[state], self.shapes.get(initial, initial.declared)
        if declared is not None:
            if len(declared) != len(shape):
                raise CellError(
                    f"ranks do not agree: the state {state} has shape {shape_text(shape)}, "
                    f"its initial value {shape_text(declared)}"
                )
            if initial.over != state.over:
                raise CellError(
                    f"the state {state} has the mapped axes {state.over} and its initial value {initial} {initial.over}; "
                    "give both the same over="
                )
            for m, n in zip(declared, shape, strict=True):
                self.sizes.unify(m, n, f"the state {state} and its initial value {initial}")
        self.shapes[initial] = shape

    def settled(self):
        """Symbol -> shape, once all equations are known; sizes that are still unknown get names."""
        taken = {str(n) for shape in self.shapes.values() for n in shape.whole} | {q.name for q in self.shapes}
        self.sizes.name_the_rest(self.shapes, taken)
        return {q: shape.map(self.sizes.resolve) for q, shape in self.shapes.items()}


def _names_of_sizes(inputs):
    """The name of an input -> that of its size: n_x for a lone input. The parts x_re and x_im of a complex one count as one."""
    whole = {name: name[:-3] if {f"{name[:-3]}_re", f"{name[:-3]}_im"} <= inputs else name for name in inputs}
    return {name: "n_x" if len({*whole.values()}) == 1 else f"n_{whole[name]}" for name in inputs}


def shape_of_symbol(symbol, shapes, cell):
    """The shape of a symbol; h.prev has that of h. Raises CellError for what is no symbol of the cell."""
    key = symbol.state if isinstance(symbol, Previous) else symbol
    if key not in shapes:
        raise CellError(f"cell {cell}: {symbol} is no symbol of this cell")
    return shapes[key]


def described(q):
    """A description of a symbol that distinguishes it from others of the same name."""
    shape = "" if getattr(q, "declared", None) is None else f" of shape {shape_text(q.declared)}"
    over = f" over {', '.join(map(str, q.over))}" if getattr(q, "over", ()) else ""
    blocks = "" if getattr(q, "blocks", None) is None else f" of {q.blocks} blocks"
    initial = f" with initial={q.initial}" if getattr(q, "initial", 0) != 0 else ""
    delayed = f" that window adds for {q.of}" if isinstance(q, Delay) else ""
    return f"the {getattr(q, 'role', 'intermediate')} {written(q)}{shape}{over}{blocks}{initial}{delayed}"
