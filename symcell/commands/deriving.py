"""The command derive: the derivation as LaTeX on the terminal, or as a file of the kind that its name says."""

from __future__ import annotations

from typing import Annotated

from symcell.commands.options import File, Target, loaded, typer
from symcell.errors import CellError


def derive(
    target: Target,
    document: Annotated[bool, typer.Option("--document", help="A whole LaTeX document, not a fragment to paste.")] = False,
    beside: Annotated[str | None, typer.Option(help="Another cell: the equations of both side by side.")] = None,
    width: Annotated[float | None, typer.Option(help="Of a line, in points; 240 for two columns.")] = None,
    prefix: Annotated[str, typer.Option(help="What labels begin with; default: the cell's name.")] = "",
    level: Annotated[str | None, typer.Option(help="Of the heading: section, subsection or paragraph.")] = None,
    notation: Annotated[str, typer.Option(help="standard, course, goodfellow, greff or pytorch.")] = "standard",
    name: Annotated[list[str] | None, typer.Option(metavar="SYMBOL=LATEX", help="A symbol's name; may be repeated.")] = None,
    steps: Annotated[int, typer.Option(help="The steps of products over several steps.")] = 3,
    rules: Annotated[bool, typer.Option(help="The rule behind each adjoint.")] = True,
    gradients: Annotated[bool, typer.Option(help="The gradients of parameters.")] = True,
    shapes: Annotated[bool, typer.Option(help="The shape of every quantity.")] = True,
    proofs: Annotated[bool, typer.Option(help="A page of the rules that were used, with their proofs.")] = False,
    all_proofs: Annotated[bool, typer.Option("--all-proofs", help="A page of all rules, with their proofs.")] = False,
    output: File = None,
):
    """The derivation: forward equations, shapes, adjoints with their rules, Jacobians and carousels.

    It is LaTeX, to paste into a paper that loads amsmath and amssymb. With -o it goes to a file: .tex, .pdf, .html, .md or .json.
    A .tex or .pdf that is there is replaced, and any other that symcell wrote; what it did not write stays as it is.

    Examples:

    - `symcell derive lstm`
    - `symcell derive gru -o gru.pdf`
    - `symcell derive lstm --width 240 --notation course --name 'f=\\\\phi' -o lstm.tex`
    - `symcell derive gru --beside lstm`
    """
    from symcell import cells as catalogue
    from symcell.commands.places import check_document
    from symcell.documents.comparison import comparison_latex

    if output is not None:
        check_document(output)
    cell, *other = loaded([target, *([beside] if beside else [])])
    if other:
        return _finish(comparison_latex(cell.derive(), other[0].derive(), document, width), output)
    said = {"notation": notation, "names": _names(name), "steps": steps, "gradients": gradients, "shapes": shapes,
            "proofs": "all" if all_proofs else proofs}  # fmt: skip
    page = {"width": width, "prefix": prefix, "level": level, "rules": rules}
    derivation, kind = cell.derive(), output.suffix if output else ".tex"
    if kind == ".pdf":
        print(derivation.pdf(output, **said, **page))
    elif kind == ".md":
        _finish(derivation.markdown(**said, rules=rules), output)
    elif kind == ".html":
        _finish(derivation.html(**said, beside=[catalogue.lstm.derive(), catalogue.rnn.derive()]), output)
    elif kind == ".json":
        _finish(derivation.json(**said), output)
    else:
        _finish(derivation.latex(document, **said, **page), output)


def _finish(text, output):
    from symcell.files import write_atomically

    print(text if output is None else write_atomically(output, text.rstrip("\n") + "\n"))


def _names(pairs):
    """symbol -> LaTeX, of pairs as they were typed."""
    for pair in pairs or ():
        if "=" not in pair:
            raise CellError(f"--name takes SYMBOL=LATEX, like 'c_tilde=\\tilde c'; found {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs or ())
