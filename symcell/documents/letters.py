"""Names in LaTeX. A name is split at its underscores, and before the digits at its end. Nothing else in it has a meaning: `local`
is one word, and not a calligraphic lo."""

import re
import unicodedata

_SMALL = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "varepsilon", "varkappa", "varphi", "varpi", "varrho", "varsigma", "vartheta",
]  # fmt: skip
_CAPITAL = ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"]  # the others look Latin
_GREEK = {name: f"\\{name}" for name in (*_SMALL, *_CAPITAL)} | {"lamda": r"\lambda", "Lamda": r"\Lambda", "omicron": "o"}


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
