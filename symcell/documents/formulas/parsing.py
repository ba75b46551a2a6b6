"""LaTeX -> the tree of a formula. Where it is `strict`, only commands that `metrics` lists are mathematics, and all else is
refused, so that a name that a user gives can do nothing but print. What our own printer prints may contain commands of a user's
own functions."""

import re
from functools import lru_cache

from symcell.documents.formulas.metrics import ACCENTS, DELIMITERS, FONTS, SYMBOLS
from symcell.documents.formulas.nodes import Accent, Brace, Fence, Fraction, Group, Marked, Root, Scripts, Symbol, Table, Words
from symcell.errors import CellError

_TOKEN = re.compile(r"\\(?:sum|prod)\\nolimits(?![a-zA-Z])|\\[a-zA-Z]+|\\.|\d+|[ \t\n]+|.", re.S)
_PAIRS = {"(": ")", "[": "]", r"\{": r"\}"} | {rf"\l{name}": rf"\r{name}" for name in ("vert", "angle", "floor", "ceil")}
_SIZES = {f"\\{size}l": size for size in ("big", "Big", "bigg", "Bigg")}
_UNKNOWN = 1000  # the width of a command of a user, in hundredths of a point
_ENVIRONMENTS = ("cases", "matrix", "array", "aligned", "pmatrix", "bmatrix")


@lru_cache(maxsize=4096)
def parse(text, strict=True):
    """The nodes of a formula. Raises CellError for what is no formula: braces that do not match, or an unknown command."""
    parser = _Parser(text, strict)
    body = parser.row(())
    if parser.here < len(parser.tokens):
        parser.refuse(f"{parser.tokens[parser.here]!r} has no beginning")
    return body


class _Parser:
    def __init__(self, text, strict):
        self.text, self.tokens, self.here, self.strict = text, _TOKEN.findall(text), 0, strict

    def refuse(self, what):
        raise CellError(f"the formula {self.text!r}: {what}")

    def peek(self):
        while self.here < len(self.tokens) and self.tokens[self.here].isspace():
            self.here += 1
        return self.tokens[self.here] if self.here < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        if not token or (expected and token != expected):
            self.refuse(f"expected {expected or 'more'}, found {token or 'its end'!r}")
        self.here += 1
        return token

    def row(self, ends):
        """Nodes up to one of the tokens that end the row, or a token that can end one only."""
        nodes = []
        while (token := self.peek()) and token not in ends and token not in ("}", "&", r"\\", r"\right", r"\end"):
            if token in ("_", "^"):
                nodes.append(self.scripts(nodes.pop() if nodes else Group(())))
            else:
                nodes.append(self.node())
        return tuple(nodes)

    def scripts(self, base):
        found = {}
        while (mark := self.peek()) in ("_", "^") and mark not in found:
            self.take()
            found[mark] = self.argument()
        if isinstance(base, Brace) and not base.name:
            return Brace(base.body, found.get("_", ()))
        return _scripted(base, found.get("_", ()), found.get("^", ()))

    def argument(self):
        if self.peek() != "{":
            return (self.node(),)
        self.take("{")
        body = self.row(())
        self.take("}")
        return body

    def node(self):
        token = self.take()
        if token == "{":
            body = self.row(())
            self.take("}")
            alone = len(body) == 1 and not isinstance(body[0], Brace) and body[0].kind in ("ord", "inner")
            return body[0] if alone else Group(body)
        if token in _SIZES:
            return self.sized(_SIZES[token])
        if method := getattr(self, f"_{token[1:]}", None) if token in _STRUCTURES else None:
            return method()
        if token in FONTS:
            return Words(token, self.raw())
        if token in ACCENTS:
            return Accent(token, self.argument())
        if token in _PAIRS and self.is_closed(token):
            return self.fence(token, _PAIRS[token])
        return self.symbol(token)

    def symbol(self, token):
        if token in SYMBOLS:
            return Symbol(token, *SYMBOLS[token])
        if token.isdigit():
            return Symbol(token, "ord", 500 * len(token))
        if token in DELIMITERS:
            return Symbol(token, "ord", DELIMITERS[token])
        if not self.strict and (token[0] == "\\" or not token.isascii()):
            return Symbol(token, "ord", _UNKNOWN)
        return self.refuse(f"{token} is no mathematics that is known here")

    def is_closed(self, opened):
        """Whether a bracket is closed within its own group."""
        depth, brackets = 0, 0
        for token in self.tokens[self.here:]:
            depth += (token in ("{", r"\left")) - (token in ("}", r"\right"))
            brackets += (token == opened) - (token == _PAIRS[opened])
            if depth < 0 or brackets < 0:
                return depth == 0
        return False

    def fence(self, left, right, size=""):
        body = self.row((right,))
        self.take(right)
        return Fence(left, body, right, size)

    def sized(self, size):
        left, body = self.delimiter(), self.row((f"\\{size}r",))
        self.take(f"\\{size}r")
        return Fence(left, body, self.delimiter(), size)

    def delimiter(self):
        token = self.take()
        return token if token in DELIMITERS else self.refuse(f"{token} is no delimiter")

    def raw(self):
        """The text of an argument in braces that a font command takes: its own braces match, and it holds no active character."""
        self.take("{")
        depth, text = 1, ""
        while depth:
            if self.here >= len(self.tokens):
                self.refuse("a brace is not closed")
            token = self.tokens[self.here]
            self.here += 1
            depth += (token == "{") - (token == "}")
            if self.strict and (token in "%#$&~^\\" or (len(token) > 2 and token[0] == "\\" and token not in (*SYMBOLS, *_TEXT))):
                self.refuse(f"{token} may not stand in text")
            text += token if depth else ""
        return text

    def _left(self):
        left, body = self.delimiter(), self.row(())
        self.take(r"\right")
        return Fence(left, body, self.delimiter())

    def _frac(self):
        return Fraction(self.argument(), self.argument())

    _tfrac = _dfrac = _frac

    def _sqrt(self):
        index = ()
        if self.peek() == "[":
            self.take("[")
            index = self.row(("]",))
            self.take("]")
        return Root(self.argument(), index)

    def _underbrace(self):
        return Brace(self.argument(), ())

    def _class(self):
        return self.symbol(r"\class") if self.strict else Marked(self.raw(), self.argument())

    def _begin(self):
        environment = self.raw()
        if environment not in _ENVIRONMENTS:
            self.refuse(f"the environment {environment} is not known here")
        columns = f"{{{self.raw()}}}" if environment == "array" else ""
        rows = [[]]
        while True:
            rows[-1].append(self.row(()))
            token = self.take()
            if token == r"\end":
                break
            if token == r"\\":
                rows.append([])
        if self.raw() != environment:
            self.refuse(f"the environment {environment} has no end")
        return Table(environment, tuple(map(tuple, rows)), columns)


def _scripted(base, below, above):
    """A base with scripts; those of a marked symbol go inside the mark. A transposition stands beside a superscript in brackets,
    h^{(t) T}; else what has one is bracketed."""
    if isinstance(base, Marked) and len(base.body) == 1:
        return Marked(base.mark, (_scripted(base.body[0], below, above),))
    if isinstance(base, Scripts) and not base.above and not below:
        return Scripts(base.base, base.below, above)
    if not (isinstance(base, Scripts) and base.above and above):
        return Scripts(base, below, above)
    if above == (_TRANSPOSED,) and not below and isinstance(base.above[0], Fence):
        return Scripts(base.base, base.below, (*base.above, *above))
    return Scripts(Fence("(", (base,), ")"), below, above)


_TRANSPOSED = Symbol(r"\top", *SYMBOLS[r"\top"])
_STRUCTURES = (r"\left", r"\class", r"\frac", r"\tfrac", r"\dfrac", r"\sqrt", r"\underbrace", r"\begin")
_TEXT = (r"\footnotesize", r"\texttt", r"\textbackslash", r"\textasciitilde", r"\textasciicircum", r"\textless", r"\textgreater",
         r"\textbar", r"\mathrm")  # fmt: skip
