"""Long formulas in several lines. A formula is broken at what binds its parts least: relations, the terms of a sum, the factors
of a product; a part that is too long for a line of its own is broken within its brackets. A fraction is then a quotient in one
line, a root a power, a table of cases a list. A brace under an expression is left out, and its name defined in a line before."""

from dataclasses import dataclass, field, replace

from symcell.documents.formulas.nodes import Brace, Fence, Fraction, Group, Marked, Root, Scripts, Symbol, Table
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import points

INDENT = 10.0  # points, of a line inside brackets
_DEEPEST, _MOST_INDENT = 4, 0.25  # lines that are deeper inside are indented no further, nor by more of the room
_SUMS = ("+", "-", r"\pm")
_TIMES = parse(r"\times")


@dataclass(frozen=True)
class Broken:
    """A part of a formula that is set in a line, and how far it is indented, in steps of INDENT."""

    body: tuple
    depth: int = 0


def broken(body, room, first=None):
    """A formula as lines of at most `room` points, where it can be broken; `first` is the room of the first line."""
    page = _Page(room, room if first is None else first)
    _fill(page, body, 0)
    return page.finished()


def without_braces(body):
    """A formula with the names in place of what stands over braces, and the definitions of these names, in order."""
    definitions = []

    def named(node):
        if isinstance(node, Brace):
            definitions.append((node.name, _out_of_brackets(tuple(map(named, node.body)))))
            return node.name[0] if len(node.name) == 1 else Group(node.name)
        found = changed(node, lambda row: tuple(map(named, row)))
        return found.body[0] if isinstance(found, Group) and len(found.body) == 1 else found

    plain = tuple(map(named, body))
    return plain, definitions


def _out_of_brackets(body):
    """A formula without the brackets around all of it."""
    alone = len(body) == 1 and isinstance(body[0], Fence) and body[0].left == "("
    return body[0].body if alone else body


def braces_are_inside(body, inside=False):
    """Whether braces stand in fractions or roots, where they are hard to read."""
    deeper = [(row, inside or isinstance(node, (Fraction, Root))) for node in body for row in _rows(node)]
    return any(isinstance(node, Brace) and inside for node in body) or any(braces_are_inside(*found) for found in deeper)


@dataclass
class _Page:
    room: float
    left: float  # what is left of the present line
    lines: list = field(default_factory=list)
    line: tuple = ()
    depth: int = 0

    @property
    def fresh(self):
        return not self.line

    def fits(self, body):
        return points(self._with(body)) <= self.left

    def fits_alone(self, body, depth):
        return points(_beginning(body)) <= self.room - self.indented(depth) * INDENT

    def indented(self, depth):
        return min(depth, _DEEPEST, int(_MOST_INDENT * self.room / INDENT))

    def put(self, body):
        self.line = self._with(body)

    def _with(self, body):
        return (*self.line, *body) if self.line or not self.lines else _beginning(body)

    def end_line(self, depth):
        if not self.fresh:
            self.lines.append(Broken(self.line, self.depth))
            self.line = ()
        self.depth = self.indented(depth)
        self.left = self.room - self.depth * INDENT

    def finished(self):
        self.end_line(0)
        return self.lines


def _fill(page, body, depth, after=()):
    """Set a row of nodes; `after` is what may not be parted from its end."""
    if page.fits((*body, *after)):
        page.put((*body, *after))
        return
    parts = _parts(body)
    if len(parts) > 1:
        for k, part in enumerate(parts):
            if _is_sign(part[0]) and page.depth > page.indented(depth):
                page.end_line(depth)  # a term does not go on where the one before it was broken deeper inside
            _set(page, part, depth, after if k == len(parts) - 1 else ())
    else:
        _open(page, body, depth, after)


def _set(page, part, depth, after):
    whole = (*part, *after)
    if not page.fits(whole):
        if page.fits_alone(whole, depth) or points(page.line) > 0.4 * page.left:
            page.end_line(depth)
        _fill(page, part, depth + (not page.fresh or not page.fits(whole)), after)
    else:
        page.put(whole)


def _open(page, body, depth, after):
    """Break within the widest node that can be, or else let the row stand as it is."""
    inner = [(points((node,)), k) for k, node in enumerate(body) if _opened(node, alone=False)]
    if not inner:
        if not page.fits_alone((), depth) or not page.fresh:
            page.end_line(depth)
        page.put((*body, *after))
        return
    k = max(inner)[1]
    opening, content, closing, rest = _opened(body[k], alone=len(body) == 1)
    start, rest = (*body[:k], *opening), (*rest, *body[k + 1:])
    if not page.fresh and not page.fits(start + _parts(content)[0]):
        page.end_line(depth)
    page.put(start)
    if any(_opened(node, alone=False) for node in rest):
        _fill(page, content, depth + 1, closing)
        _fill(page, rest, depth + 1, after)
    else:
        _fill(page, content, depth + 1, (*closing, *rest, *after))


def _opened(node, alone):
    """What a node is with its brackets apart: what opens it, its content, what closes it, and what stands behind it."""
    if isinstance(node, Scripts):
        return _opened_scripts(node)
    if isinstance(node, Fence) and node.body:
        return _bracketed(node)
    if isinstance(node, Group) and node.body:
        return (), node.body, (), ()
    if isinstance(node, Fraction):
        return _quotient(node, alone)
    if isinstance(node, Root) and not node.index:
        return _opened_scripts(Scripts(Fence("(", node.body, ")"), (), parse("1/2")))
    if isinstance(node, Table) and node.environment == "cases":
        return _bracketed(Fence(r"\{", _listed(node), r"\}"))
    return None


def _opened_scripts(node):
    if isinstance(node.base, Symbol) and node.base.text == "e" and node.above and not node.below:
        return _bracketed(Fence("(", node.above, ")"), start=parse(r"\exp"))
    found = _opened(node.base, alone=True)
    if found is None or not found[2]:
        return None
    opening, content, (*closing, last), rest = found
    return (opening, content, (*closing, replace(node, base=last)), rest) if not rest else None


def _bracketed(fence, start=()):
    fixed = fence.fixed()
    opened, closed = fixed.delimiters()
    return (*start, Symbol(opened, "open", _end(fixed.left))), fence.body, (Symbol(closed, "close", _end(fixed.right)),), ()


def _end(delimiter):
    return 100 * points((Fence(delimiter, (), ".", "big"),))


def _quotient(node, alone):
    """A fraction as (a + b) / (c + d), in brackets itself where it stands beside others."""
    over = Symbol("/", "bin", 500)
    above, below = (_in_brackets(side) for side in (node.numerator, node.denominator))
    if not alone:
        return _bracketed(Fence("(", (*above, over, *below), ")"))
    return (), above, (), (over, *below)


def _in_brackets(side):
    simple = len(side) == 1 and not isinstance(side[0], (Fraction, Group))
    return side if simple else (Fence("(", side, ")"),)


def _listed(table):
    """The rows of cases with semicolons between them: 1 if z > 0; 0 otherwise."""
    body = ()
    for k, row in enumerate(table.rows):
        body += (Symbol(";", "punct", 278),) if k else ()
        for j, cell in enumerate(row):
            body += (*parse(r"\;"), *cell) if j else cell
    return body


def _parts(body):
    """A row, parted at what binds its parts least."""
    for is_cut in (_after_punctuation, _before_relation, _before_sign, _before_operator, _at_space):
        parts = _cut(body, is_cut)
        if len(parts) > 1:
            return parts
    return [body]


def _cut(body, is_cut):
    parts = [[]]
    for k, node in enumerate(body):
        if parts[-1] and is_cut(body, k):
            parts.append([])
        parts[-1].append(node)
    return list(map(tuple, parts))


def _beginning(part):
    """A part as the beginning of a line, which joins the line above: by its sign, or by a cross in place of a space."""
    if len(part) > 1 and part[0].kind == "space":
        part = (*_TIMES, *part[1:])
    return (Group(()), *part) if part and part[0].kind == "bin" else tuple(part)


def _after_punctuation(body, k):
    return body[k - 1].kind == "punct"


def _before_relation(body, k):
    return body[k].kind == "rel"


def _before_sign(body, k):
    return _is_sign(body[k]) and body[k - 1].kind not in ("bin", "rel", "punct", "op", "open")


def _is_sign(node):
    return isinstance(node, Symbol) and node.text in _SUMS


def _before_operator(body, k):
    return body[k].kind == "bin" and body[k - 1].kind not in ("bin", "rel")


def _at_space(body, k):
    """A thin space between two factors; not one beside punctuation or an operator."""
    factor = ("ord", "inner", "close", "op")
    thin = isinstance(body[k], Symbol) and body[k].text == r"\," and k + 1 < len(body)
    return thin and body[k - 1].kind in factor and body[k + 1].kind in factor


_FIELDS = dict.fromkeys((Group, Marked, Fence, Root, Brace), ("body",)) | {Fraction: ("numerator", "denominator")}


def _rows(node):
    """The rows of nodes inside a node."""
    if isinstance(node, Scripts):
        return [(node.base,)]
    if isinstance(node, Table):
        return [cell for row in node.rows for cell in row]
    return [getattr(node, name) for name in _FIELDS.get(type(node), ())]


def changed(node, change):
    """A node with its rows changed."""
    if isinstance(node, Scripts):
        (base, *rest) = change((node.base,))
        return replace(node, base=base if not rest else Group((base, *rest)))
    if isinstance(node, Table):
        return replace(node, rows=tuple(tuple(map(change, row)) for row in node.rows))
    fields = _FIELDS.get(type(node), ())
    return replace(node, **{name: change(getattr(node, name)) for name in fields}) if fields else node
