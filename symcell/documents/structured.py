"""Article -> JSON: the same sentences and formulas, for other programs."""

import json

from symcell.documents.article import Equations, Items, Math, Reference
from symcell.documents.printer import Notation
from symcell.documents.style import STANDARD


def as_json(article, style=STANDARD):
    """An article as JSON: formulas as LaTeX, references as keys of lines."""
    notation, numbers = Notation(article.derivation, style), article.numbers
    sections = [
        {"key": s.key, "title": [_part(p, notation) for p in s.title], "blocks": [_block(b, notation, numbers) for b in s.blocks]}
        for s in article.sections
    ]
    whole = {"generator": "symcell", "cell": article.name, "reference": article.reference, "sections": sections}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _block(block, notation, numbers):
    if isinstance(block, Items):
        return {"items": [[_part(p, notation) for p in parts] for parts in block.items]}
    if not isinstance(block, Equations):
        return {"paragraph": [_part(p, notation) for p in block.parts], "kind": block.kind}
    return {"equations": [_line(line, notation, numbers.get(line.key)) for line in block.lines]}


def _line(line, notation, number):
    return {
        "key": line.key, "number": number, "left": notation.tex(line.left), "relation": line.relation,
        "right": notation.tex(line.right), "rule": [_part(p, notation) for p in line.rule],
    }  # fmt: skip


def _part(part, notation):
    if isinstance(part, Math):
        right = {"relation": part.relation, "right": notation.tex(part.right)} if part.relation else {}
        return {"formula": notation.tex(part.expr)} | right
    return {"lines": list(part.keys)} if isinstance(part, Reference) else part
