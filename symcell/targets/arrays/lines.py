"""Statements as lines of a function, each with where it comes from."""

from itertools import groupby

from symcell.targets.layout import WIDTH


def commented(statements, assignments, equations):
    """The lines of statements, `assignments(s)` those of one. A note stands behind its line, or above if that is long, or above
    several from there; `equations` are the texts of equations by number."""
    lines = []
    for note, group in groupby(statements, key=lambda s: s.note):
        found = [line for s in group for line in assignments(s)]
        comment = f"# {note.comment(equations)}" if note.words else ""
        if len(found) == 1 and len(f"{found[0]}  {comment}") <= WIDTH - 8:
            lines.append(f"{found[0]}  {comment}".rstrip())
        else:
            lines += [comment, *found] if comment else found
    return lines
