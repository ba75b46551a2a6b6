"""Declarations for pdflatex of characters beyond ASCII, in terms of the fonts that every TeX installation has.

XeLaTeX and LuaLaTeX print the characters themselves, where their font has them."""

import unicodedata

from symcell.documents.letters import greek

_MARKS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"',
    "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
}  # fmt: skip
_LATIN = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i", "å": "aa", "Å": "AA",
}  # fmt: skip
_PLAIN = {
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "€": "EUR", "–": "--", "—": "---", "−": "--", "‐": "-",
    "‑": "-", "‘": "`", "’": "'", "“": "``", "”": "''", "„": ",,", "«": "<<", "»": ">>", "\u00a0": "~", "\u200b": "", "⁄": "/",
    "°": r"\ensuremath{^\circ}",
}  # fmt: skip
_SIGNS = {
    "→": "to", "←": "leftarrow", "↔": "leftrightarrow", "⇒": "Rightarrow", "∞": "infty", "≤": "leq", "≥": "geq", "≠": "neq",
    "≈": "approx", "×": "times", "÷": "div", "±": "pm", "·": "cdot", "∂": "partial", "∇": "nabla", "√": "surd", "∑": "sum",
    "∏": "prod", "∫": "int", "∈": "in", "∀": "forall", "∃": "exists", "∘": "circ", "⊙": "odot", "⊗": "otimes", "⊕": "oplus",
    "ℓ": "ell", "§": "S", "¶": "P", "©": "copyright", "£": "pounds", "•": "bullet", "†": "dagger", "‡": "ddagger",
    "⊤": "top", "…": "dots", "⟨": "langle", "⟩": "rangle", "‖": "|", "ᵀ": "top",
}  # fmt: skip
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "'", "ы": "y", "ь": "'", "э": "e", "ю": "yu", "я": "ya", "і": "i", "ї": "yi",
    "є": "ye", "ґ": "g",
}  # fmt: skip


def declarations(text):
    """The lines of a preamble that make pdflatex accept a text."""
    strangers = sorted({c for c in text if not c.isascii()})
    if not strangers:
        return ""
    lines = [rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{{in_tex(c)}}}" for c in strangers]
    return "\n".join([
        r"% pdflatex sets these characters as well as its fonts can; xelatex and lualatex print them as they are,",
        r"% with a font that has them: \usepackage{fontspec} \setmainfont{...}",
        r"\ifdefined\pdftexversion", r"\usepackage[utf8]{inputenc}", *lines, r"\fi", "",
    ])  # fmt: skip


def is_sign(c):
    """Whether a character is a sign that TeX has a command for, in mathematics."""
    return c in _SIGNS


def in_tex(c):
    """A character in standard TeX commands: the character itself, or else a transcription, or else its number."""
    if command := greek(c):
        return rf"\ensuremath{{{command}}}"
    if c in _SIGNS:
        return rf"\ensuremath{{\{_SIGNS[c]}}}"
    if c in _LATIN:
        return rf"{{\{_LATIN[c]}}}"
    if c in _PLAIN:
        return _PLAIN[c]
    if c.lower() in _CYRILLIC:
        spelled = _CYRILLIC[c.lower()]
        return spelled if c.islower() else spelled.capitalize()
    return _decomposed(c)


def _decomposed(c):
    """A letter with its accents, or the character that a compatibility character stands for."""
    kind, *codes = unicodedata.decomposition(c).split() or [""]
    if unicodedata.combining(c):
        return ""
    if not kind:
        return rf"\texttt{{U+{ord(c):04X}}}"
    if kind.startswith("<"):
        inside = "".join(_of_code(code) for code in codes)
        return rf"\textsuperscript{{{inside}}}" if kind == "<super>" else inside
    base, mark = _of_code(kind), _MARKS.get(chr(int(codes[0], 16))) if codes else None
    return base if mark is None else rf"\{mark}{{{base}}}"


def _of_code(code):
    c = chr(int(code, 16))
    return c if c.isascii() else in_tex(c)
