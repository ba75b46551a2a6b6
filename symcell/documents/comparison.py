"""The equations of two cells in two columns: what does the same stands side by side."""

from symcell.derivation.counterparts import counterparts
from symcell.derivation.roles import role
from symcell.documents.latex import DOCUMENT_WIDTH, whole_document
from symcell.documents.printer import Notation


def comparison_latex(a, b, document=False):
    """The equations of two derivations in two columns, by role, as a LaTeX fragment (it needs amsmath), or a document."""
    left, right = _formulas(a), _formulas(b)
    head = " & ".join(["", *(rf"\texttt{{{d.declaration.name}}}".replace("_", r"\_") for d in (a, b))])
    lines, last = [r"\begin{array}{lll}", head + r" \\ \hline"], None
    for p, q in counterparts(a, b):
        name = role(q, b) if p is None else role(p, a)
        title = "" if name == last else rf"\text{{{name.capitalize()}s}}"
        lines.append(" & ".join([title, left.get(p, ""), right.get(q, "")]) + r" \\")
        last = name
    lines.append(r"\end{array}")
    body = "\\begin{equation*}\n" + "\n".join(lines) + "\n\\end{equation*}"
    return whole_document(body, DOCUMENT_WIDTH) if document else body


def _formulas(derivation):
    """Quantity -> its equation as a formula."""
    notation = Notation(derivation)
    return {e.target: f"{notation.name(e.target)} = {notation.doprint(e.rhs)}" for e in derivation.declaration.equations}
