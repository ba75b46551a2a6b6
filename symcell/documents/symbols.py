"""The symbols of a cell in LaTeX: their names in a style, with time, and marks of adjoints."""

from sympy.printing.latex import LatexPrinter

from symcell.documents.letters import Spelling, letter, spellings
from symcell.documents.names import adjoint_spelling, names_of
from symcell.documents.nodes import L, Letter, TimedLetter, t
from symcell.documents.style import STANDARD
from symcell.language.symbols import Adjoint, Constant, Param, Previous
from symcell.notation.order import PaperOrder

_TIMES = {"index": "{}", "superscript": "{}", "angle": r"\langle {}\rangle", "round": "({})"}


class SymbolPrinter(LatexPrinter):
    """SymPy's LaTeX printer, with the names of a cell's quantities. `time` is the step of those that name no other."""

    def __init__(self, derivation, style=STANDARD, time=t):
        super().__init__({"ln_notation": False, "fold_frac_powers": True})
        self.derivation, self.style, self.time = derivation, style, time
        self.paper, self.spelled = PaperOrder(derivation), names_of(derivation, style)
        self.letters = {}  # of the document's own, once chosen

    def at(self, time):
        """The same notation at another time."""
        return type(self)(self.derivation, self.style, time)

    def _print_Symbol(self, e, style="plain"):
        return self.name(e)

    _print_Quantity = _print_Adjoint = _print_Letter = _print_TimedLetter = _print_Symbol

    def name(self, e):
        """A symbol with its subscripts and superscripts, time among them."""
        if not isinstance(e, Adjoint):
            return self._written(self._spelling(e), e)
        sent_back = e.kind.startswith("carried") or isinstance(e.of, Previous)
        later = e.kind.removeprefix("carried") if sent_back and e.kind != "total" else ""  # for what is delayed by several steps
        mark = self.doprint(L) if e.kind == "cotangent" else f"+{later}" if sent_back else ""
        return self._written(adjoint_spelling(self._spelling(e.of), self.style), e.of, mark)

    def _spelling(self, q):
        if isinstance(q, Letter):
            if q not in self.letters:
                self.letters[q] = self._of_letter(q)
            return self.letters[q]
        name = getattr(q, "state", q).name
        return self.spelled.get(name) or spellings(name, False, frozenset())[0]  # a size

    def _of_letter(self, e):
        """A letter of the document's own, other than the cell's; where all are taken, one without time is other than those
        without time."""
        timed = {q.name: self._is_timed(q) for q in self.derivation.shapes}
        alike = {s.base for name, s in self.spelled.items() if isinstance(e, TimedLetter) or not timed.get(name)}
        free = [a for taken in ({s.base for s in self.spelled.values()}, alike) for a in e.alternatives if letter(a) not in taken]
        return Spelling(letter(free[0]) if free else f"{letter(e.name)}'")

    def _written(self, spelling, q, mark=""):
        below, above = list(spelling.below), list(spelling.above)
        if self._is_timed(q):
            time = self.doprint(self.time - int(isinstance(q, Previous))).replace(" ", "").replace(r"\,", "")
            (below if self.style.time == "index" else above).append(_TIMES[self.style.time].format(time))
        above += [mark] if mark else []
        joint = "," if self.style.time == "superscript" else " "
        return spelling.base + _script("_", ",".join(below)) + _script("^", joint.join(above))

    def _is_timed(self, q):
        if isinstance(q, Letter):
            return isinstance(q, TimedLetter)
        return not (isinstance(q, (Param, Constant)) or q in self.derivation.once or q.is_integer)

    def is_open(self, e):
        """Whether a symbol needs brackets as a factor: log gamma."""
        return e.is_Symbol and not isinstance(e, Adjoint) and self._spelling(e).open


def _script(mark, text):
    return "" if not text else f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"
