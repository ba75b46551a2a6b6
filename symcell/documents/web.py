"""Formulas for what prints TeX outside of TeX: KaTeX, MathJax and GitHub, which know fewer commands."""

from dataclasses import replace

from symcell.documents.formulas.breaking import changed
from symcell.documents.formulas.nodes import Group, Symbol, Words
from symcell.documents.formulas.rows import tex
from symcell.documents.layout import entry, rows, side_by_side

_WIDTH = 500.0  # points, of a page of GitHub or of a notebook
_MOST_GROUPS = 97  # in braces, and the two of the environment: see `displays`


def web(body):
    """A formula in commands that all of them know, as LaTeX."""
    return tex(_all(body))


class _Operator(Words):
    """GitHub refuses `operatorname`."""

    def tex(self, tight=False):
        return rf"\mathop{{\mathrm{{{self.text}}}}}\nolimits"


def _plain(node):
    if isinstance(node, Words) and node.font == r"\operatorname":
        return _Operator(node.font, node.text)
    if isinstance(node, Words) and node.font == r"\text":
        return _without_commands(node)
    return changed(node, _all)


def _without_commands(words):
    """Text in which MathJax would print commands as they are."""
    pieces = words.text.removeprefix(r"\texttt{").removesuffix("}" if words.text.startswith(r"\texttt{") else "").split(r"\_")
    body = [node for p in pieces for node in (Symbol(r"\_", "ord", 500), *([Words(r"\text", p)] if p else []))][1:]
    return body[0] if len(body) == 1 else Group(tuple(body))


def displays(block, notation, end_of):
    """Equations of an article under one another, with what `end_of` says of a line at its end: its number, its rule. Many lines
    are several formulas: GitHub shows none with a hundred groups in braces (github.com/orgs/community/discussions/59960), and
    LaTeX breaks no page inside of one."""
    lines, arranged = block.lines, side_by_side if block.beside else rows
    entries = [replace(entry(line, notation), key=line.key) for line in lines]
    broken = arranged([replace(e, left=_all(e.left), right=_all(e.right)) for e in entries], _WIDTH)
    ends = {line.key: end_of(line) for line in lines}
    formulas, text = [""], ""
    for row in broken:
        text += f"{row.left} &{row.right}" + (f" &&{end}" if (end := ends.get(row.key)) else "") + _NEXT
        if row.key or block.beside:  # the last row of its line
            if formulas[-1] and (formulas[-1] + text).count("{") > _MOST_GROUPS:
                formulas.append("")
            formulas[-1], text = formulas[-1] + text, ""
    return [f"\\begin{{aligned}}\n{formula.removesuffix(_NEXT)}\n\\end{{aligned}}" for formula in formulas]


_NEXT = " \\\\\n"


def _all(body):
    return tuple(map(_plain, body))
