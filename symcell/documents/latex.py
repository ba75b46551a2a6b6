"""Derivation -> LaTeX: the forward equations, the shapes, each adjoint with its rule, the step Jacobians and the carousel."""

import unicodedata
from collections import Counter, defaultdict

from sympy import Heaviside, latex

from symcell.derivation.carousel import Carousel
from symcell.derivation.reverse import SEEDS, ZEROS, recurrent_states
from symcell.documents.carousel import carousel_latex, carousel_math
from symcell.documents.letters import letter, parts
from symcell.documents.printer import Notation
from symcell.documents.unicode import declarations
from symcell.language.symbols import Adjoint


def derivation_latex(derivation, document=False):
    """The derivation as a LaTeX fragment (it needs amsmath and amssymb), or as a whole document."""
    cell, notation = derivation.declaration, Notation(derivation)
    body = "\n\n".join(
        [
            rf"\subsection*{{The cell \texttt{{{_plain(cell.name)}}}}}"
            + (f"\n{_plain(cell.reference)}." if cell.reference else ""),
            "\\paragraph{Forward.} One step, in order; $\\odot$ is the elementwise product.\n"
            + _align(forward_lines(derivation)),
            "\\paragraph{Shapes.} With $m$ samples side by side, a vector of $n$ units is a matrix of shape $(n, m)$."
            + _heads(derivation)
            + "\n"
            + _align(shape_lines(derivation)),
            "\\paragraph{Adjoints.} " + _adjoint_words(derivation) + "\n" + _align(adjoint_lines(derivation)),
            *[
                f"\\paragraph{{The path from ${notation.name(s.prev)}$ to ${notation.name(s)}$.}} "
                + carousel_latex(Carousel(derivation, s))
                for s in recurrent_states(derivation.forward)
            ],
        ]
    )
    return whole_document(body) if document else body


def whole_document(body):
    """A fragment as a document of its own."""
    return _DOCUMENT.replace("PREAMBLE", declarations(body)).replace("BODY", body)


_DOCUMENT = r"""\documentclass{article}
\usepackage[a4paper, margin=25mm]{geometry}
\usepackage{amsmath, amssymb}
PREAMBLE\allowdisplaybreaks
\begin{document}

BODY

\end{document}
"""


def notebook_latex(derivation):
    """The derivation as one formula, for a notebook."""
    lines = [*forward_lines(derivation), *adjoint_lines(derivation)]
    for s in recurrent_states(derivation.forward):
        lines.append((rf"{carousel_math(Carousel(derivation, s), 0)}", "", None))
    rows = " \\\\\n".join(rf"{math} && {_tag(number)}{_text(note)}" for math, note, number in lines)
    return rf"$\displaystyle \begin{{aligned}}{rows}\end{{aligned}}$"


# Lines are (formula with one &, note, equation number or None).


def forward_lines(derivation, braces=True):
    """The equations as declared; with `braces`, subexpressions that flattening named have their names under them."""
    notation, equations = Notation(derivation, braces=braces), derivation.declaration.equations
    rows = {r.target: r.rhs for r in derivation.forward} if braces else {e.target: e.rhs for e in equations}
    return [(f"{notation.name(e.target)} &= {notation.doprint(rows[e.target])}", "", e.number) for e in equations]


def shape_lines(derivation):
    """The quantities of one step, by shape."""
    notation, by_shape = Notation(derivation), defaultdict(list)
    cell = derivation.declaration
    for q in (*cell.inputs, *(r.target for r in derivation.forward), *cell.params, *cell.constants):
        by_shape[derivation.shapes[q]].append(notation.name(q))
    return [(rf"{', '.join(dict.fromkeys(names))} &\in {_space(shape)}", "", None) for shape, names in by_shape.items()]


def _heads(derivation):
    """What the mapped axes of a cell mean, if it has any."""
    axes = dict.fromkeys(n for shape in derivation.shapes.values() for n in shape.over)
    if not axes:
        return ""
    sizes = " or ".join(f"${_size(n)}$" for n in axes)
    return (
        rf" Of a vector for each of {sizes} indices, as for heads, the equations are those of one, and the space is"
        r" $\bigl(\mathbb{R}^n\bigr)^k$; what has no such axis is shared."
    )


def _space(shape):
    sizes = r" \times ".join(map(_size, shape))
    one = rf"\mathbb{{R}}^{{{sizes}}}" if shape else r"\mathbb{R}"
    if not shape.over:
        return one
    heads = r" \times ".join(map(_size, shape.over))
    return rf"\bigl({one}\bigr)^{{{heads}}}"


def _size(n):
    """A size, or an expression of sizes."""
    names = {}
    for s in n.free_symbols:
        base, *subscripts = map(letter, parts(s.name))
        names[s] = base + (f"_{{{','.join(subscripts)}}}" if subscripts else "")
    return latex(n, symbol_names=names)


def adjoint_lines(derivation):
    """Each adjoint, with the rules of its terms and the equations that they come from."""
    notation, first = Notation(derivation), len(derivation.declaration.equations) + 1
    lines = []
    for number, row in enumerate(derivation.adjoint, first):
        body, rules = _summed(derivation, row, notation), _rules(row)
        if starts := _as_initial_value(derivation, row.target.of):
            body = _joined([*starts, body] if row.rhs != 0 else starts)
            rules = f"initial value; {rules}" if row.rhs != 0 else "initial value"
        lines.append((f"{notation.name(row.target)} &= {body}", rules, number))
    return lines


def _summed(derivation, row, notation):
    """The terms of an adjoint, summed over the steps for a quantity that all steps share."""
    terms = [notation.doprint(n * e) for e, n in Counter(t.expr for t in row.terms).items()]  # what comes twice is said once
    several = len(terms) > 1 or any(t.expr.is_Add for t in row.terms)
    body = _joined(terms)
    if row.summed and _over_time(derivation, row):
        return rf"\textstyle\sum_t {notation.brackets(body)}" if several else rf"\textstyle\sum_t {body}"
    return body


def _as_initial_value(derivation, q):
    """The terms of a parameter that is the initial value of states: the adjoints carried back from the first step."""
    before = Notation(derivation, now="0")
    return [before.name(Adjoint(s, "carried")) for s in recurrent_states(derivation.forward) if s.initial == q]


def _over_time(derivation, row):
    """Whether the terms have a value at every step, rather than one for the sequence."""
    timeless = {Adjoint(r.target) for r in derivation.forward if r.once}
    symbols = {s for t in row.terms for s in t.expr.free_symbols if isinstance(s, Adjoint)}
    return not symbols <= timeless if symbols else False


def _joined(terms):
    text = terms[0]
    for t in terms[1:]:
        text += f" - {t[1:]}" if t.startswith("-") else f" + {t}"
    return text


def _rules(row):
    """The note beside an adjoint: each rule once, with its equations."""
    by_rule = defaultdict(list)
    for t in row.terms:
        by_rule[t.rule].append(t.equation)
    words = []
    for rule, numbers in by_rule.items():
        equations = ", ".join(f"({n})" for n in sorted(dict.fromkeys(numbers)))
        words.append(rule if rule in (*SEEDS, *ZEROS) else f"{rule} of {equations}")
    return "; ".join(words)


def _adjoint_words(derivation):
    """A sentence on the meaning of bars, hats and plus signs."""
    recurrent = recurrent_states(derivation.forward)
    state = recurrent[0] if recurrent else derivation.declaration.states[0]
    notation = Notation(derivation)
    name, given = notation.name(state), notation.name(Adjoint(state, "cotangent"))
    words = r"$\bar{v}$ is $\partial L / \partial v$, taken through all that follows; "
    words += f"${given}$ is what the loss $L$ sends ${name}$ directly"
    if recurrent:
        words += rf", and ${notation.name(Adjoint(state, 'carried'))}$ what the next step sends back"
    at_zero = {a.args[1] for row in derivation.adjoint for t in row.terms for a in t.expr.atoms(Heaviside)}
    if 0 in at_zero:
        words += r"; $\left[u > 0\right]$ is 1 where $u > 0$, and 0 elsewhere"
    if at_zero - {0}:
        words += r"; $\operatorname{H}_a\left(u\right)$ is 1 where $u > 0$, $a$ where $u = 0$, and 0 elsewhere"
    return words + "."


# Words and frames


def _align(lines):
    rows = []
    for math, note, number in lines:
        tag = rf" \tag{{{number}}}" if number else r" \notag"
        rows.append(math + (rf" && {_text(note)}" if note else "") + tag)
    return "\\begin{align}\n" + " \\\\\n".join(rows) + "\n\\end{align}"


def _tag(number):
    return rf"\text{{({number})}}\;\; " if number else ""


def _text(note):
    return rf"\text{{\footnotesize {_plain(note)}}}" if note else ""


_SPECIAL = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip


def _plain(text):
    """Text with TeX's special characters escaped."""
    return "".join(_SPECIAL.get(c, c) for c in unicodedata.normalize("NFC", text))
