"""What distinguishes two cells: equations by their role, symbols, the work of a step, and what a step does to an error."""

from dataclasses import dataclass
from html import escape
from itertools import groupby

from sympy import Add, Mul

from symcell.cell import Cell
from symcell.derivation.carousel import Carousel
from symcell.derivation.counterparts import counterparts
from symcell.derivation.derive import Derivation
from symcell.derivation.memory import memories, purposes
from symcell.derivation.reverse import recurrent_states
from symcell.derivation.roles import role
from symcell.equivalence import equivalent
from symcell.language.sizes import shape_text
from symcell.notation.plain import PlainPrinter, equation_lines, short_factor_text


@dataclass(frozen=True)
class Row:
    """One thing in which two cells differ: its role ("memory", "gate", "candidate", "state", "input", "parameters", "products",
    "error"), what it is, and how either cell has it; "" where it has none."""

    role: str
    subject: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.a or 'none'} | {self.b or 'none'}"


@dataclass(frozen=True)
class Difference:
    """What distinguishes the cells named `a` and `b`, row by row; `equivalent`: whether they compute the same nevertheless, in
    other names or another form. It renders itself as a table in a notebook."""

    a: str
    b: str
    equivalent: bool
    rows: tuple[Row, ...]

    @property
    def summary(self) -> str:
        """One sentence: whether they compute the same."""
        if self.equivalent:
            return f"{self.a} and {self.b} compute the same" + (", and are written differently" if self.rows else "")
        return f"{self.a} and {self.b} differ"

    def __str__(self) -> str:
        width = max(len(self.a), len(self.b)) + 1
        lines = [self.summary]
        for name, rows in groupby(self.rows, lambda row: row.role):
            lines.append(f"  {name}")
            for row in rows:
                lines.append(f"    {row.subject}")
                lines += [f"      {cell + ':':<{width}} {text or '-'}" for cell, text in ((self.a, row.a), (self.b, row.b))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(text)}</th>" for text in ("", "", self.a, self.b))
        body = ""
        for name, rows in groupby(self.rows, lambda row: row.role):
            for k, row in enumerate(rows):
                cells = "".join(f"<td>{escape(text)}</td>" for text in (row.subject, row.a, row.b))
                body += f"<tr><th>{escape(name) if k == 0 else ''}</th>{cells}</tr>"
        return f"<p>{escape(self.summary)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def difference(a: Cell, b: Cell) -> Difference:
    """What distinguishes two cells: what their memories keep and write; equations of one alone, and those that differ, by role;
    inputs and states; parameters; the matrix products of a step; and what one step does to an error in a state. Equations are
    matched by what they are for: memories, gates that keep, write, show or reset, candidates that are written. Names decide among
    equals."""
    same = equivalent(a, b)
    both = a.derive(), b.derive()
    rows = (*_memories(*both), *_equations(*both), *_quantities(a, b), *_work(a, b), *_errors(*both))
    return Difference(a.name, b.name, same, tuple(row for row in rows if row.a != row.b))


def _beside(kind, a, b, subject="{}".format):
    """A row for each name of two dicts name -> text."""
    return [Row(kind, subject(name), a.get(name, ""), b.get(name, "")) for name in dict.fromkeys((*a, *b))]


def _memories(a: Derivation, b: Derivation):
    """What the states of both cells that remember keep of what they were, and write."""
    one, other = ({m.state: m for m in memories(d)} for d in (a, b))
    pairs = [pair for pair in counterparts(a, b) if pair[0] in one or pair[1] in other]
    left, right = PlainPrinter(a).doprint, PlainPrinter(b).doprint
    for p, q in pairs:
        m, n = one.get(p), other.get(q)
        subject = _names(p if m else None, q if n else None)
        yield Row("memory", f"what {subject} keeps", left(m.keep) if m else "", right(n.keep) if n else "")
        yield Row("memory", f"what {subject} writes", left(m.write) if m else "", right(n.write) if n else "")


def _equations(a: Derivation, b: Derivation):
    """The equations of quantities that do the same, or of one that has no counterpart, by their role and what gates do."""
    left, right = equation_lines(a), equation_lines(b)
    one, other = ({e.target: e.number for e in d.declaration.equations} for d in (a, b))
    done = purposes(b) | purposes(a)
    for p, q in counterparts(a, b):
        first, derivation = (q, b) if p is None else (p, a)
        what = f" ({', '.join(done[first])})" if done.get(first) else ""
        yield Row(role(first, derivation), _names(p, q) + what, left[one[p]] if p else "", right[other[q]] if q else "")


def _names(p, q):
    """The name of both, or the two names, or the name of the one that there is."""
    return " | ".join(dict.fromkeys(str(s) for s in (p, q) if s is not None))


def _quantities(a, b):
    """Inputs, states with what a step does not say of them, and parameters."""
    yield from _beside("input", *({x.name: shape_text(c.shapes[x]) for x in c.inputs} for c in (a, b)))
    yield from _beside("state", *({s.name: _of_state(c, s) for s in c.states} for c in (a, b)), "shape of {}".format)
    shapes = [{q.name: f"{q} {shape_text(c.shapes[q])}" for q in (*c.params, *c.constants)} for c in (a, b)]
    alone = [", ".join(text for name, text in one.items() if other.get(name) != text) for one, other in (shapes, shapes[::-1])]
    yield Row("parameters", "names and shapes", *alone)
    yield Row("parameters", "numbers", *(str(_count(c)) for c in (a, b)))


def _of_state(cell, s):
    initial = "" if s.initial == 0 else f", at first {s.initial}"
    return shape_text(cell.shapes[s]) + (", an output" if s in cell.outputs else "") + initial


def _count(cell):
    """How many numbers there are to learn, as an expression of sizes."""
    return Add(*(Mul(*cell.shape(p)) for p in cell.params)).expand()


def _work(a, b):
    found = [c.structure for c in (a, b)]
    yield Row("products", "in a step", *("; ".join(s.products) for s in found))
    yield Row("products", "depth of a step", *(str(s.depth) for s in found))
    yield Row("products", "all steps at once", *("; ".join(s.hoisted) for s in found))


def _errors(a, b):
    """The step Jacobian of each state that a later step reads."""
    factors = [{s.name: _factor(d, s) for s in recurrent_states(d.forward)} for d in (a, b)]
    return _beside("error", *factors, lambda name: f"d {name}[t] / d {name}[t-1]")


def _factor(derivation, state):
    carousel = Carousel(derivation, state)
    return f"{short_factor_text(carousel)} ({carousel.kind})"
