"""Long lines of generated Python broken where Python allows it, and where a reader would."""

import re
import textwrap

WIDTH = 110
INDENT = "    "


def indented(lines):
    """Lines one level deeper."""
    return [INDENT + line if line else line for line in lines]


def function_text(head, summary, lines):
    """A function with its head, a docstring of one line, and its body."""
    return "\n".join([head, *indented([f'"""{summary}"""', *lines])])


def tuple_text(items):
    items = list(items)
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def listed(names):
    """Names as a tuple, in brackets where the line is to be broken, or there is one name."""
    text = tuple_text(names)
    return text[1:-1] if len(names) > 1 and len(text) < 50 else text


def wrapped(source, width=WIDTH):
    """The source with its long lines broken: comments between words, code after commas, else before operators."""
    return "\n".join(part for line in source.split("\n") for part in _broken(line, width))


def _broken(line, width):
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    text = line.strip()
    if text.startswith("#"):
        return textwrap.wrap(
            text[1:].strip(),
            width,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}#     ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    hanging = indent + INDENT * (2 if text.startswith(("def ", "if ", "for ")) else 1)
    pieces = _after_commas(text)
    lines = _filled(pieces, indent, hanging, width)
    if max(map(len, lines)) <= width or not re.match(r"[\w\[\], ]+ \+?= ", text):
        return lines
    head, body = re.split(r"(?<= \+= )|(?<= = )", text, maxsplit=1)
    return [f"{indent}{head}(", *_filled(_before_operators(body), hanging, hanging, width), f"{indent})"]


def _filled(pieces, indent, hanging, width):
    lines = [indent + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += " " + piece
        else:
            lines.append(hanging + piece)
    return lines


def _after_commas(text):
    """Pieces that end with a comma inside brackets, but outside strings and subscripts."""
    return _cut(text, lambda k, stack: text[k : k + 2] == ", " and stack and "subscript" not in stack, 1)


def _before_operators(text):
    """Pieces that begin with a + or - or * or /."""
    return _cut(text, lambda k, stack: text[k : k + 3] in (" + ", " - ", " * ", " / ") and "subscript" not in stack, 0)


def _cut(text, breaks, after):
    pieces, stack, start, quoted = [], [], 0, False
    for k, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([{":
            subscript = character == "[" and k > 0 and (text[k - 1].isalnum() or text[k - 1] in "_])")
            stack.append("subscript" if subscript else character)
        elif character in ")]}":
            stack.pop()
        elif breaks(k, stack):
            pieces.append(text[start : k + after].strip())
            start = k + after
    return [p for p in (*pieces, text[start:].strip()) if p]
