"""Formulas of symcell's derivations as pages show them: a few lines of a document, without its sentences and equation numbers."""

import re

_ENVIRONMENT = re.compile(r"\\begin\{(align|equation)(\*?)\}\n(.*?)\n\\end\{\1\2\}", re.S)
_NUMBER = re.compile(r" ?\\(?:tag|label)\{([^}]*)\}| ?\\notag")
_NOTE = re.compile(r"\\text\{\\footnotesize (.*)\}$")
_EQREF = re.compile(r"\\eqref\{([^}]*)\}")


def lines(shown, *lefts):
    """The lines with these left sides, in this order, of what is `shown` by `shown.latex()`: a derivation, or a carousel."""
    found = {}
    for left, text in _lines(shown.latex()):
        found.setdefault(_plain(left), text)
    missing = [left for left in lefts if _plain(left) not in found]
    assert not missing, f"no line begins with {', '.join(missing)}; there are {', '.join(found)}"
    return [found[_plain(left)] for left in lefts]


def step(carousel):
    """What one step does to an error, of the carousel of a state whose name is one letter, as a line without a note."""
    s = carousel.state.name
    return re.sub(r" && \\text\{[^}]*\}", "", *lines(carousel, rf"\frac{{\partial {s}_t}}{{\partial {s}_{{t-1}}}}"))


def aligned(*lines):
    """Lines as one formula, small enough for a page of GitHub."""
    return "\\small\n\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _lines(latex):
    """(left side, line) of every equation in the displays of a document. A line that is broken there is broken here."""
    rows = [row for display in _ENVIRONMENT.finditer(latex) for row in _rows(_at_equals(display))]
    labels = [label for row in rows for label in _NUMBER.findall(row) if label]
    numbers = {label: f"({k})" for k, label in enumerate(labels, 1)}
    parts, notes = [], []
    for row in [*rows, "end"]:
        formula, _, note = _NUMBER.sub("", row).partition(" && ")
        if not formula.lstrip().startswith("&") and parts:  # a new line begins
            yield parts[0].partition(" &=")[0], _joined(parts, notes)
            parts, notes = [], []
        parts += [formula] if formula.strip(" &") else []
        notes += [_EQREF.sub(lambda m: numbers.get(m[1], ""), words) for words in _NOTE.findall(note.strip())]


def _at_equals(display):
    """The body of a display; of one equation, as a line of an align is written."""
    return display[3].replace(" = ", " &= ", 1) if display[1] == "equation" else display[3]


def _rows(body):
    """The rows of a display, its inner environments whole."""
    row, depth = [], 0
    for line in body.split("\n"):
        depth += line.count(r"\begin{") - line.count(r"\end{")
        if line.endswith(r"\\") and not depth:
            yield "\n".join([*row, line.removesuffix(r"\\").rstrip()])
            row = []
        else:
            row.append(line)
    yield "\n".join(row)


def _joined(parts, notes):
    first, *rest = parts
    note = rf" && \text{{{' '.join(notes)}}}" if notes else ""
    return " \\\\\n".join([first + note, *rest])


def _plain(left):
    """A left side without braces and spaces that change nothing."""
    return re.sub(r"([_^])\{(.)\}", r"\1\2", left).replace(" ", "")
