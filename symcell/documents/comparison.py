"""The equations of several cells in columns: gates, candidates and states side by side."""

from itertools import zip_longest

from symcell.derivation.roles import ROLES, role
from symcell.documents.latex import DOCUMENT_WIDTH, whole_document
from symcell.documents.printer import Notation


def comparison_latex(*derivations, document=False):
    """The equations of several cells in the columns of one table, as a LaTeX fragment (it needs amsmath), or a document."""
    columns = [_by_role(d) for d in derivations]
    head = " & ".join(["", *(rf"\texttt{{{d.declaration.name}}}".replace("_", r"\_") for d in derivations)])
    lines = [rf"\begin{{array}}{{l{'l' * len(derivations)}}}", head + r" \\ \hline"]
    for name in ROLES:
        for k, row in enumerate(zip_longest(*(c[name] for c in columns), fillvalue="")):
            lines.append(" & ".join([rf"\text{{{name.capitalize()}s}}" if k == 0 else "", *row]) + r" \\")
    lines.append(r"\end{array}")
    body = "\\begin{equation*}\n" + "\n".join(lines) + "\n\\end{equation*}"
    return whole_document(body, DOCUMENT_WIDTH) if document else body


def _by_role(derivation):
    """The equations of a cell as formulas, by role."""
    formulas, notation = {name: [] for name in ROLES}, Notation(derivation)
    for e in derivation.declaration.equations:
        formulas[role(e.target, derivation)].append(f"{notation.name(e.target)} = {notation.doprint(e.rhs)}")
    return formulas
