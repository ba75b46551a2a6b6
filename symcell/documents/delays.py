"""States that hold what another quantity was some steps ago print as that: x_{t-1}, and not x_{1,t-1}.

x_1 = x makes x_1 one step earlier the x of the step before; x_2 = x_1.prev makes x_2 that of two steps before. Their adjoints are
parts of that of x: what comes back to it from later steps. The loss does not contain such states, unless the cell shows them."""

from dataclasses import replace

from sympy import S

from symcell.derivation.derive import Derivation
from symcell.documents.article import Article, Items, Math, Paragraph, Section
from symcell.documents.nodes import At, t
from symcell.language.symbols import Adjoint, Previous, State


def delays(derivation: Derivation) -> dict[State, tuple]:
    """State -> (what it holds, how many steps ago its previous value was that)."""
    found: dict = {}
    read = {q for row in derivation.forward for q in row.rhs.free_symbols}
    for row in derivation.forward:
        s, q = row.target, row.rhs
        if not (isinstance(s, State) and q.is_Symbol and derivation.shapes.get(q) == row.shape):
            continue
        if s in read or s in derivation.declaration.outputs or q in derivation.once or s.prev not in read:
            continue
        if isinstance(q, Previous):
            base, steps = found.get(q.state, (q.state, 1))
            found[s] = base, steps + 1
        else:
            found[s] = q, 1
    return {s: held for s, held in found.items() if not isinstance(held[0], Previous)}


def with_honest_delays(article: Article) -> Article:
    """The article in terms of what its delays hold. Lines that say nothing then are left out."""
    held = delays(article.derivation)
    if not held:
        return article
    write = _Writer(held)
    return replace(article, sections=tuple(section for s in article.sections if (section := write.section(s)).blocks))


class _Writer:
    def __init__(self, held):
        self.known = {}
        self.left_out = {f"{kind}-{s.name}" for s in held for kind in ("forward", "adjoint")}
        for s, (q, steps) in held.items():
            bar = Adjoint(q, "carried" if steps == 1 else f"carried{steps}")
            self.known |= {s: (q, 1 - steps), s.prev: (q, -steps)}
            self.known |= {Adjoint(s): (bar, 1 - steps), Adjoint(s, "carried"): (bar, 1 - steps), Adjoint(s.prev): (bar, -steps)}
            self.known[Adjoint(s, "cotangent")] = S.Zero, 0

    def section(self, section: Section) -> Section:
        blocks = (self.block(b) for b in section.blocks)
        return replace(section, title=self.parts(section.title), blocks=tuple(b for b in blocks if b is not None))

    def block(self, block):
        if isinstance(block, Paragraph):
            return replace(block, parts=self.parts(block.parts))
        if isinstance(block, Items):
            return Items(tuple(map(self.parts, block.items)))
        lines = [
            replace(line, left=self.written(line.left), right=self.written(line.right), rule=self.parts(line.rule))
            for line in block.lines
            if line.key not in self.left_out
        ]
        lines = [line for line in lines if not _is_empty(line)]
        return replace(block, lines=tuple(lines)) if lines else None

    def parts(self, parts):
        return tuple(
            Math(self.written(p.expr), p.relation, None if p.right is None else self.written(p.right))
            if isinstance(p, Math)
            else p
            for p in parts
        )

    def written(self, e):
        if isinstance(e, At) and e.args[0] in self.known:
            q, shift = self.known[e.args[0]]
            return At(q, e.args[1] + shift) if q != 0 else q
        if e in self.known:
            q, shift = self.known[e]
            return At(q, t + shift) if shift else q
        if not e.args:
            return e
        args = [self.written(a) for a in e.args]
        return e if args == list(e.args) else e.func(*args)


def _is_empty(line):
    """Whether a line says that a value is itself, or its derivative by itself."""
    same = len(line.left.args) == 2 and line.left.args[0] == line.left.args[1]
    return line.left == line.right or (line.key.startswith(("local", "block")) and same)
