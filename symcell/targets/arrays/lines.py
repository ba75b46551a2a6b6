"""Statements as lines of a function, each with where it comes from."""

from itertools import groupby

from symcell.language.primitives import fill
from symcell.language.sizes import axes_of
from symcell.targets.arrays.printer import ArrayPrinter
from symcell.targets.layout import WIDTH, tuple_text
from symcell.targets.printer import ATOM


class StatementPrinter(ArrayPrinter):
    """Prints what statements compute, beside expressions."""

    def whole(self, s):
        """The text of the value of an Assign, with all axes of its target."""
        shape = self.program.shapes[s.target]
        e = fill(s.expr, *shape) if shape and s.expr.free_symbols and not self.shape(s.expr) else s.expr
        text = self.reduced(self(e, ATOM), "sum", "(0, 1)") if s.summed else self(e)
        over = axes_of([self.shape(e)])
        for n in [n for n in shape.over if n not in over]:  # it is the same for each
            over = (n, *over)
            text = f"broadcast({text}, {-len(shape) - len(over)}, {self.index(n)})"
            self.called.add("broadcast")
        return self.moved(text, shape, over, shape.over)

    def outer_sum(self, target, bar, operand):
        """The text of a weight gradient."""
        shapes = self.program.shapes
        self.called.add("outer_sum")
        text, whole = f"outer_sum({self.value(bar)}, {self.value(operand)})", shapes[target].whole
        if len(whole) == len(shapes[bar].whole) + len(shapes[operand].whole):
            return text
        return f"{text}.reshape({tuple_text(map(self.index, whole))})"


def commented(statements, assignments, equations):
    """The lines of statements, `assignments(s)` those of one. A note stands behind its line, or above if that is long, or above
    several from there; `equations` are the texts of equations by number."""
    lines = []
    for note, group in groupby(statements, key=lambda s: s.note):
        found = [line for s in group for line in assignments(s)]
        comment = f"# {note.comment(equations)}" if note.words else ""
        if len(found) == 1 and len(f"{found[0]}  {comment}") <= WIDTH - 8:
            lines.append(f"{found[0]}  {comment}".rstrip())
        else:
            lines += [comment, *found] if comment else found
    return lines
