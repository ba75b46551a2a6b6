"""Text of a user in TeX: it prints, and does nothing else."""

import re
import unicodedata

from symcell.documents.unicode import in_tex, is_sign

_SPECIAL = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip
_LONG = 20  # letters; a longer word may be broken behind a sign


def plain(text):
    """Text with TeX's special characters escaped, and signs of mathematics as commands. Letters stay as they are."""
    return "".join(_SPECIAL.get(c) or (in_tex(c) if is_sign(c) else c) for c in unicodedata.normalize("NFC", text))


def breakable(text):
    """The same, where long words, such as addresses, may be broken behind their signs."""
    return "".join(_word(w) if len(w) > _LONG else plain(w) for w in re.split(r"(\s+)", text))


def _word(word):
    return "".join(plain(p) + (r"\allowbreak{}" if not p.isalnum() else "") for p in re.findall(r"[^\W_]+|[\W_]", word))
