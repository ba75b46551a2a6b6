"""The equations of two cells in two columns: what does the same stands side by side."""

from symcell.derivation.counterparts import counterparts
from symcell.derivation.roles import role
from symcell.documents.escape import plain
from symcell.documents.formulas.breaking import broken, without_braces
from symcell.documents.formulas.parsing import parse
from symcell.documents.latex import DOCUMENT_WIDTH, WIDTH, whole_document
from symcell.documents.layout import indented
from symcell.documents.printer import Notation

_TITLES, _GAPS = 56.0, 40.0  # points: the column of roles, and the space around columns


def comparison_latex(a, b, document=False, width=None):
    """The equations of two derivations in two columns, by role, as a LaTeX fragment (it needs amsmath), or a document.

    width: of a line, in points (default: 345, and 455 of a document); longer equations are broken."""
    width = (DOCUMENT_WIDTH if document else WIDTH) if width is None else width
    room = (width - _TITLES - _GAPS) / 2
    left, right = _formulas(a, room), _formulas(b, room)
    head = " & ".join(["", *(rf"\texttt{{{plain(d.declaration.name)}}}" for d in (a, b))])
    lines, last = [r"\begin{array}{lll}", head + r" \\ \hline"], None
    for p, q in counterparts(a, b):
        name = role(q, b) if p is None else role(p, a)
        title = "" if name == last else rf"\text{{{name.capitalize()}s}}"
        lines.append(" & ".join([title, left.get(p, ""), right.get(q, "")]) + r" \\")
        last = name
    lines.append(r"\end{array}")
    body = "\\begin{equation*}\n" + "\n".join(lines) + "\n\\end{equation*}"
    return whole_document(body, width) if document else body


def _formulas(derivation, room):
    """Quantity -> its equation as a formula, in as many lines as it takes."""
    notation = Notation(derivation)
    found = {}
    for e in derivation.declaration.equations:
        formula = (*notation.formula(e.target), *parse("="), *notation.formula(e.rhs))
        lines = [indented(line) for line in broken(without_braces(formula)[0], room)]
        found[e.target] = lines[0] if len(lines) == 1 else _stacked(lines)
    return found


def _stacked(lines):
    return r"\begin{aligned}[t] &" + r" \\ &".join(lines) + r" \end{aligned}"
