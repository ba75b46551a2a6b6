"""Equations -> rows of a given width: formulas broken into lines, and the notes beside them or below."""

from dataclasses import dataclass

from symcell.documents.formulas.breaking import INDENT, braces_are_inside, broken, without_braces
from symcell.documents.formulas.parsing import parse
from symcell.documents.formulas.rows import points, tex

RELATIONS = {"=": "=", "in": r"\in", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}
_NUMBER, _GAP = 29.0, 12.0  # points: of an equation's number with three digits, and before a note
_WIDEST_LEFT = 0.3  # a left side that takes more of the width stands in a line of its own
_BETWEEN = 13.0  # points: a comma and a space between entries side by side
_LEAST_COLUMN, _MOST_NOTE = 340.0, 0.34  # the width from which notes have a column, and the part of it that is theirs
_MOST_ROWS = 1.2  # that the column may take, compared with notes beneath


@dataclass(frozen=True)
class Row:
    """One line of a display: its formula left and right of the alignment, a note, and the key of a line with a number."""

    left: str
    right: str
    note: str = ""
    key: str = ""


@dataclass(frozen=True)
class Entry:
    """A line to be set: its sides as trees, its note as words with their widths in points, and its key if it has a number."""

    left: tuple
    right: tuple  # with the relation
    note: tuple[tuple[str, float], ...] = ()
    key: str = ""


def entry(line, notation, note=()):
    """A Line of an article as an Entry."""
    right = (*parse(RELATIONS[line.relation]), *notation.formula(line.right))
    return Entry(notation.formula(line.left), right, note, line.key if line.numbered else "")


def rows(entries, width):
    """The rows of a display with numbers. Notes have a column of their own, unless that takes many more lines than beneath."""
    room = width - _NUMBER
    entries = [e for given in entries for e in _with_definitions(given, room)]
    left = _left_column([points(e.left) for e in entries], _WIDEST_LEFT * width)
    beneath = [row for e in entries for row in _beneath(e, left, room)]
    widest = max((_note_width(e.note) for e in entries), default=0.0)
    if not widest or width < _LEAST_COLUMN:
        return beneath
    column = min(widest, _MOST_NOTE * room)
    beside = [row for e in entries for row in _beside(e, left, room - column - _GAP, column)]
    return beside if len(beside) <= _MOST_ROWS * len(beneath) else beneath


def side_by_side(entries, width):
    """The rows of a display of short entries without numbers, as many in a row as it has room for."""
    found, used = [], 0.0
    for e in entries:
        formula = (*e.left, *e.right)
        used += _BETWEEN + points(formula)
        if found and used <= width:
            found[-1] += rf", \quad {tex(formula)}"
        else:
            found.append(tex(formula))
            used = points(formula)
    return [Row("", text) for text in found]


def display(body, width):
    """A formula without a number as rows."""
    return [Row("", indented(line)) for line in broken(without_braces(body)[0], width)]


def _left_column(widths, most):
    """The width of the left sides, without those that are too wide; 0 if there are many, so that no line is aligned."""
    narrow = [w for w in widths if w <= most]
    return max(narrow) if len(narrow) > 0.7 * len(widths) else 0.0


def _with_definitions(given, room):
    """An entry as it is, if it is short and simple; else without braces, after the definitions of the names under them."""
    if points((*given.left, *given.right)) <= room and not braces_are_inside(given.right):
        return [given]
    right, definitions = without_braces(given.right)
    return [*(Entry(name, (*parse("="), *value)) for name, value in definitions), Entry(given.left, right, given.note, given.key)]


def _formula(e, left, room):
    """An entry as rows without notes."""
    if points(e.left) <= left:
        lines = broken(e.right, room - left)
        return [Row(tex(e.left) if k == 0 else "", indented(line)) for k, line in enumerate(lines)], lines
    lines = broken((*e.left, *e.right), room - left)
    return [Row("", indented(line)) for line in lines], lines


def _beneath(e, left, room):
    """The note behind the formula, or in lines of its own."""
    found, lines = _formula(e, left, room)
    last, end = found[-1], points(lines[-1].body) + lines[-1].depth * INDENT
    notes = _wrapped(e.note, room - left - 2 * INDENT)
    if len(notes) == 1 and end + _GAP + _note_width(e.note) <= room - left:
        return [*found[:-1], Row(last.left, rf"{last.right} \quad {_note(notes[0])}", "", e.key)]
    return [*found[:-1], Row(last.left, last.right, "", e.key), *(Row("", rf"\qquad {_note(n)}") for n in notes)]


def _beside(e, left, room, column):
    """The note in a column, as many lines as it takes."""
    found, _ = _formula(e, left, room)
    notes = _wrapped(e.note, column)
    rows = []
    for k in range(max(len(found), len(notes))):
        row = found[k] if k < len(found) else Row("", "")
        rows.append(Row(row.left, row.right, notes[k] if k < len(notes) else "", e.key if k == len(found) - 1 else ""))
    return rows


def indented(line):
    return r"\quad " * (line.depth % 2) + r"\qquad " * (line.depth // 2) + tex(line.body)


def _note(text):
    return rf"\text{{\footnotesize {text}}}"


def _note_width(words):
    return sum(w for _, w in words)


def _wrapped(words, width):
    """Words as lines of a width; a space at an end of a line is dropped."""
    lines, used = [[]], 0.0
    for word, w in words:
        if lines[-1] and used + w > width:
            lines.append([])
            used = 0.0
        if lines[-1] or word != " ":
            lines[-1].append(word)
            used += w
    return ["".join(line).rstrip() for line in lines if "".join(line).strip()]
