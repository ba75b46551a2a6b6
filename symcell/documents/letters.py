"""Names in LaTeX. A name is split at its underscores, and before the digits at its end. What follows a part may be an accent on
it: c_tilde, x_bar, f_hat. Nothing else in it has a meaning: `local` is one word, and not a calligraphic lo."""

import re
import unicodedata
from dataclasses import dataclass, replace

from symcell.documents.formulas.nodes import Scripts
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import tex

_SMALL = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "varepsilon", "varkappa", "varphi", "varpi", "varrho", "varsigma", "vartheta",
]  # fmt: skip
_CAPITAL = ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"]  # the others look Latin
_GREEK = {name: f"\\{name}" for name in (*_SMALL, *_CAPITAL)} | {"lamda": r"\lambda", "Lamda": r"\Lambda", "omicron": "o"}
_ACCENTS = {"hat": "hat", "tilde": "tilde", "bar": "bar", "dot": "dot", "ddot": "ddot", "check": "check", "vec": "vec"}
_WIDE = {"hat": "widehat", "tilde": "widetilde", "bar": "overline"}
_MARKS = {"prime": r"\prime", "star": "*"}
_FUNCTIONS = ("log", "exp")


@dataclass(frozen=True)
class Spelling:
    """A name in LaTeX, without time: its base, its subscripts and superscripts; `open` if it needs brackets as a factor."""

    base: str
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    open: bool = False


def spellings(name, timed, letters):
    """How a name may be written, the best first: with accents and functions; with subscripts alone; as Python writes it.

    A subscript t of what has a value at every step is its time. Two of the cell's own `letters` are so in a subscript: W_xi."""
    pieces = parts(name)
    best = pieces[:-1] if timed and len(pieces) > 1 and pieces[-1] == "t" else pieces
    below = tuple(_subscript(p, letters, timed) for p in pieces[1:])
    return [_accented(best, timed, letters), Spelling(letter(pieces[0]), below), Spelling(verbatim(name))]


def written(spelling):
    """A spelling in LaTeX."""
    below, above = ",".join(spelling.below), " ".join(spelling.above)
    return spelling.base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def given(text):
    """The spelling of a name that a user writes in LaTeX."""
    nodes = parse(text)
    if len(nodes) == 1 and isinstance(nodes[0], Scripts):
        below, above = ((tex(row, tight=True),) if row else () for row in (nodes[0].below, nodes[0].above))
        return Spelling(nodes[0].base.tex(), below, above)
    return Spelling(tex(nodes), open=len(nodes) > 1)


def accented(spelling, accent):
    """The same with an accent on its base, as wide as it is."""
    nodes = parse(spelling.base)
    wide = len(nodes) > 1 or nodes[0].tex().startswith((r"\math", r"\text", r"\overline", r"\wide"))
    command = _WIDE.get(accent, accent) if wide else accent
    return replace(spelling, base=rf"\{command}{{{spelling.base}}}", open=False)


def _accented(pieces, timed, letters):
    """A function before a name is applied to it; an accent is on the part before it."""
    if len(pieces) > 1 and pieces[0] in _FUNCTIONS and pieces[1]:
        of = _accented(pieces[1:], timed, letters)
        return replace(of, base=rf"\{pieces[0]} {of.base}", open=True)
    found = [Spelling(letter(pieces[0]))]
    for p in pieces[1:]:
        if p in _ACCENTS:
            found[-1] = accented(found[-1], _ACCENTS[p])
        elif p in _MARKS:
            found[-1] = replace(found[-1], above=(*found[-1].above, _MARKS[p]))
        else:
            found.append(Spelling(_subscript(p, letters, timed)))
    base, *below = found
    return replace(base, below=tuple(s.base + "".join(f"^{{{m}}}" for m in s.above) for s in below))


def _subscript(part, letters, timed):
    if part == "t" and not timed:
        return r"\mathrm{t}"
    return part if len(part) == 2 and part.isalpha() and set(part) <= letters else letter(part)


def parts(name):
    """A name's base and its subscripts: W_f1 is W, f, 1."""
    return [part for piece in name.split("_") for part in _before_digits(piece)]


def _before_digits(piece):
    found = re.fullmatch(r"(.*[^\W\d])(\d+)", piece)
    return found.groups() if found else (piece,)


def letter(name):
    """A part of a name: Greek letters by their names, single letters as they are, longer words upright."""
    if not name:  # between underscores, or beside one
        return r"\_"
    if name in _GREEK:
        return _GREEK[name]
    if not name.isascii():
        return _beyond_ascii(name)
    return name if len(name) == 1 or name.isdigit() else rf"\mathrm{{{name}}}"


def verbatim(name):
    """A whole name as Python writes it."""
    text = name.replace("_", r"\_")
    return rf"\mathtt{{{text}}}" if name.isascii() else rf"\text{{\texttt{{{text}}}}}"


def _beyond_ascii(name):
    """Greek letters by their commands; TeX has no other letters beyond ASCII in mathematics."""
    spelled = [greek(c) or (c if c.isascii() else "") for c in name]
    if not all(spelled):
        return rf"\text{{{name}}}"
    return spelled[0] if len(name) == 1 else rf"\mathrm{{{' '.join(spelled)}}}"


def greek(character):
    """The command of a Greek letter; "" for any other character."""
    kind, _, name = unicodedata.name(character, "").partition(" LETTER ")
    spelled = {"GREEK SMALL": name.lower(), "GREEK CAPITAL": name.capitalize()}.get(kind, "")
    return _GREEK.get(spelled, "")
