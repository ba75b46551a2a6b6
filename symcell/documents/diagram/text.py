"""The LaTeX of names as runs of text, which SVG sets: letters, subscripts and superscripts, without a typesetter."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}_^~]|\s+|.", re.DOTALL)
_UPRIGHT = {r"\mathrm", r"\operatorname", r"\text", r"\texttt", r"\mathtt", r"\mathbf", r"\mathit", r"\mathbb", r"\mathcal"}
_ACCENTS = {
    r"\hat": "\u0302", r"\tilde": "\u0303", r"\bar": "\u0304", r"\dot": "\u0307", r"\ddot": "\u0308", r"\check": "\u030c",
    r"\overline": "\u0304", r"\widetilde": "\u0303", r"\widehat": "\u0302", r"\vec": "\u20d7",
}  # fmt: skip
_SIGNS = {
    r"\cdot": "·", r"\times": "×", r"\div": "÷", r"\odot": "⊙", r"\otimes": "⊗", r"\ldots": "…", r"\langle": "⟨", r"\rangle": "⟩",
    r"\top": "⊤", r"\Sigma": "Σ", r"\infty": "∞", r"\sqrt": "√", r"\in": "∈", r"\prime": "′", r"\circ": "∘", r"\ell": "ℓ",
    r"\sum": "Σ",
}  # fmt: skip
_NOTHING = {r"\left", r"\right", r"\bigl", r"\bigr", r"\,", r"\;", r"\:", r"\!", r"\displaystyle", r"\limits", r"\ensuremath"}
_VARIANTS = {"varepsilon": "ϵ", "varphi": "φ", "vartheta": "ϑ", "varpi": "ϖ", "varrho": "ϱ", "varsigma": "ς", "varkappa": "ϰ",
             "lambda": "λ", "epsilon": "ε"}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Text of one style; `level` is 1 in a superscript, -1 in a subscript."""

    text: str
    level: int = 0
    italic: bool = False


@lru_cache(maxsize=1024)
def runs(latex: str) -> tuple[Run, ...]:
    """LaTeX of a name or a short formula -> runs of text. What it does not know is printed as it is written."""
    reader = _Reader(_TOKEN.findall(latex))
    reader.read(0, True)
    return tuple(reader.found)


def length(latex: str) -> float:
    """The width in letters: subscripts are smaller."""
    return sum(len(_visible(r.text)) * (0.7 if r.level else 1) for r in runs(latex))


def width(latex: str, size: float) -> float:
    """The width in pixels, from the usual widths of letters in a font of that size."""
    return sum(sum(map(_advance, _visible(r.text))) * size * (0.72 if r.level else 1) for r in runs(latex))


def plain(latex: str) -> str:
    """The same as text in one line: h_t-1."""
    marks = {0: "", 1: "^", -1: "_"}
    found, level = "", 0
    for run in runs(latex):
        found += (marks[run.level] if run.level != level else "") + run.text
        level = run.level
    return found


def _visible(text):
    return [c for c in text if not unicodedata.combining(c)]


def _advance(c):
    for letters, advance in (("ijlt,.·|1′", 0.3), ("mwMWΣ⊗⊙", 0.85), ("×+−", 0.78), ("σ", 0.62)):
        if c in letters:
            return advance
    return 0.62 if c.isupper() else 0.53


class _Reader:
    def __init__(self, tokens):
        self.tokens, self.found, self.apart = tokens[::-1], [], False

    def read(self, level, italic):
        """Read to the end of a group."""
        while self.tokens:
            token = self.tokens.pop()
            if token == "}":
                return
            self._token(token, level, italic)

    def _argument(self, level, italic):
        """Read one token or group."""
        while self.tokens and self.tokens[-1].isspace():
            self.tokens.pop()
        token = self.tokens.pop() if self.tokens else ""
        self.read(level, italic) if token == "{" else self._token(token, level, italic)

    def _token(self, token, level, italic):
        if token == "{":
            self.read(level, italic)
        elif token in ("_", "^"):
            self._argument(level or (-1 if token == "_" else 1), italic)
        elif token in _UPRIGHT:
            self._argument(level, token == r"\mathit")
        elif token in _ACCENTS:
            first, self.apart = len(self.found), True
            self._argument(level, italic)
            self._accent(first, _ACCENTS[token])
            self.apart = False
        elif token == r"\frac":
            self._argument(level, italic)
            self._append("/", False, level)
            self._argument(level, italic)
        elif token not in _NOTHING and not (token.isspace() and italic):
            self._append(*_character(token, italic), level)

    def _append(self, text, italic, level):
        if not text:
            return
        last = self.found[-1] if self.found else None
        if last and (last.level, last.italic) == (level, italic) and not self.apart:
            self.found[-1] = Run(last.text + text, level, italic)
        else:
            self.found.append(Run(text, level, italic))

    def _accent(self, first, mark):
        if len(self.found) > first:
            run = self.found[first]
            accented = unicodedata.normalize("NFC", run.text[0] + mark) + run.text[1:]
            self.found[first] = Run(accented, run.level, run.italic)


def _character(token, italic):
    """A token as text, and whether it is italic: letters are, signs and digits are not."""
    if token == "-":
        return "−", False
    if token == "~":
        return "\u00a0", False
    if token.startswith("\\"):
        name = token[1:]
        if token in _SIGNS:
            return _SIGNS[token], False
        if greek := _greek(name):
            return greek, italic and greek.islower()
        return name, False
    return token, italic and token.isalpha()


def _greek(name):
    if name in _VARIANTS:
        return _VARIANTS[name]
    case = "SMALL" if name.islower() else "CAPITAL"
    spelled = {"lambda": "lamda"}.get(name.lower(), name.lower())
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {spelled.upper()}")
    except KeyError:
        return ""
