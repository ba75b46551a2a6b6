"""How wide TeX's symbols are, and how they stand beside one another.

Widths are in hundredths of a point in Computer Modern at 10 pt, italic corrections included, as the TFM files of cmr10, cmmi10,
cmsy10 and msbm10 have them. Only what is listed here is mathematics: `parsing` refuses any other command."""

import re

_UPRIGHT = """a500 b556 c444 d556 e444 f306 g500 h556 i278 j306 k528 l278 m833 n556 o500 p556 q528 r392 s394 t389 u556 v528 w722 x528
y528 z444 A750 B708 C722 D764 E681 F653 G785 H750 I361 J514 K778 L625 M917 N750 O778 P681 Q778 R736 S556 T722 U750 V750 W1028 X750
Y750 Z611"""
_ITALIC = """a529 b429 c433 d520 e466 f598 g513 h576 i345 j469 k552 l318 m878 n600 o485 p503 q482 r479 s469 t361 u572 v521 w743 x572
y526 z509 A750 B809 C787 D856 E796 F782 G786 H912 I518 J651 K921 L681 M1079 N912 O791 P781 Q791 R767 S671 T723 U792 V805 W1083 X906
Y803 Z755"""
_GREEK = """alpha644 beta619 gamma574 delta482 epsilon406 zeta512 eta533 theta497 iota354 kappa576 varkappa667 lambda583 mu603 nu558 xi484
pi606 rho517 sigma607 tau550 upsilon576 phi596 chi626 psi687 omega658 varepsilon466 vartheta591 varpi856 varrho517 varsigma443
varphi654 Gamma625 Delta833 Theta778 Lambda694 Xi667 Pi750 Sigma722 Upsilon778 Phi722 Psi778 Omega722"""
_ORDINARY = "top778 bot778 partial586 infty1000 ell417 prime275 nabla833 hbar540 ldots1172 cdots1172 dots1172 emptyset500 forall556 circledast778 vdots278 neg667 Re722 Im722 dagger444"
_BINARY = "odot778 times778 cdot278 circ500 pm778 otimes778 oplus778 ominus778 ast500 star500 wedge667 vee667 bmod1944 setminus500 cap667 cup667 div778 mp778 veebar667"
_RELATIONS = """in667 notin667 leq778 geq778 le778 ge778 ll1000 gg1000 neq778 ne778 approx778 sim778 equiv778 to1000 mapsto1000 leftarrow1000
rightarrow1000 Rightarrow1000 Leftrightarrow1000 propto778 mid278 subset778 lesssim778 gtrsim778 colon278 gt778 lt778 Longrightarrow1610"""
_BIG = "sum1444 prod1278 int1000 bigoplus1511 bigodot1511"
_FUNCTIONS = """sin cos tan sec csc cot sinh cosh tanh coth arcsin arccos arctan exp log ln max min sup inf lim det dim arg gcd Pr
limsup liminf"""
_SPACES = {r"\,": 167, r"\:": 222, r"\;": 278, r"\!": -167, r"\ ": 333, r"\quad": 1000, r"\qquad": 2000, "~": 333, r"\>": 222}
DELIMITERS = {
    "(": 389, ")": 389, "[": 278, "]": 278, r"\{": 500, r"\}": 500, r"\langle": 389, r"\rangle": 389, r"\lfloor": 444, r"\rfloor": 444,
    r"\lceil": 444, r"\rceil": 444, "|": 278, r"\|": 500, r"\lvert": 278, r"\rvert": 278, r"\lVert": 500, r"\rVert": 500, ".": 120,
}  # fmt: skip
SIZED = {"": 1.0, "big": 1.2, "Big": 1.55, "bigg": 1.9, "Bigg": 2.05}  # a delimiter's width in each of its sizes


def _table(text):
    return {name: int(width) for name, width in re.findall(r"([a-zA-Z]+?)(\d+)", text)}


UPRIGHT = _table(_UPRIGHT) | {c: 500 for c in "0123456789/*"} | {c: 278 for c in ".,;:!'[]i"} | {
    "(": 389, ")": 389, "+": 778, "=": 778, "-": 333, "?": 472, " ": 333, '"': 500, "<": 778, ">": 778, "@": 778, "_": 500,
}  # fmt: skip


def _symbols():
    found = {c: ("ord", w) for c, w in _table(_ITALIC).items()}
    found |= {c: ("ord", 500) for c in "0123456789/"} | {"|": ("ord", 278), ".": ("ord", 278), "!": ("ord", 278), "'": ("ord", 275)}
    found |= {",": ("punct", 278), ";": ("punct", 278), "=": ("rel", 778), "<": ("rel", 778), ">": ("rel", 778), ":": ("rel", 278)}
    found |= {"+": ("bin", 778), "-": ("bin", 778), "*": ("bin", 500)}
    kinds = {"ord": (_GREEK, _ORDINARY), "bin": (_BINARY,), "rel": (_RELATIONS,), "op": (_BIG,)}
    found |= {f"\\{n}": (kind, w) for kind, tables in kinds.items() for t in tables for n, w in _table(t).items()}
    found |= {f"\\{n}": ("op", sum(UPRIGHT[c] for c in n)) for n in _FUNCTIONS.split()}
    found |= {n: ("space", w) for n, w in _SPACES.items()}
    found |= {r"\_": ("ord", 500), r"\%": ("ord", 833), r"\&": ("ord", 778), r"\#": ("ord", 833), r"\|": ("ord", 500), r"\$": ("ord", 500)}
    styles = (r"\displaystyle", r"\textstyle", r"\scriptstyle", r"\limits", r"\nolimits")
    found |= {rf"{n}\nolimits": found[n] for n in (r"\sum", r"\prod")}
    return found | {name: ("style", 0) for name in styles}


SYMBOLS = _symbols()
ACCENTS = (r"\hat", r"\bar", r"\tilde", r"\dot", r"\ddot", r"\vec", r"\check", r"\breve", r"\acute", r"\grave", r"\overline",
           r"\widehat", r"\widetilde", r"\underline")  # fmt: skip
FONTS = {
    r"\mathrm": 1.0, r"\operatorname": 1.0, r"\text": 1.0, r"\mathbf": 1.17, r"\mathbb": 1.1, r"\mathcal": 1.3, r"\mathit": 1.05,
    r"\mathsf": 1.0, r"\mathtt": 1.0, r"\texttt": 1.0, r"\boldsymbol": 1.2, r"\mathfrak": 1.2,
}  # fmt: skip
_THIN, _MEDIUM, _THICK = 167, 222, 278

# The space between atoms of two kinds in a line (The TeXbook, chapter 18).
_BETWEEN = {
    **dict.fromkeys((("ord", "op"), ("op", "ord"), ("op", "op"), ("close", "op"), ("inner", "op"), ("op", "inner")), _THIN),
    **dict.fromkeys((("ord", "inner"), ("close", "inner"), ("inner", "ord"), ("inner", "open"), ("inner", "punct"),
                     ("inner", "inner")), _THIN),
    **{("punct", kind): _THIN for kind in ("ord", "op", "rel", "open", "close", "punct", "inner")},
    **dict.fromkeys([(a, "bin") for a in ("ord", "close", "inner")] + [("bin", b) for b in ("ord", "op", "open", "inner")], _MEDIUM),
    **dict.fromkeys([(a, "rel") for a in ("ord", "op", "close", "inner")] + [("rel", b) for b in ("ord", "op", "open", "inner")],
                    _THICK),
}  # fmt: skip


def space_between(left, right):
    return _BETWEEN.get((left, right), 0)


def width_of_words(text, font):
    """The width of text in the argument of a font command; commands in it are symbols, or fonts themselves."""
    typewriter = font in (r"\mathtt", r"\texttt") or r"\texttt" in text
    width = 0
    for token in re.findall(r"\\[a-zA-Z]+\s*|\\.|[^{}]", text):
        name = token.strip() or " "
        if name in SYMBOLS and len(name) > 1:
            width += SYMBOLS[name][1]
        elif not (name.startswith("\\") and len(name) > 2):
            width += 525 if typewriter else UPRIGHT.get(name, 750)
    return width * FONTS[font] * (0.85 if r"\footnotesize" in text else 1)
