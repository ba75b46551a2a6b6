"""Identifiers: which names are allowed, and how to find an unused one."""

import keyword
import unicodedata


def is_name(text):
    """Whether the text is a Python identifier that Python does not normalise to another one."""
    usable = isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text) and text != "__debug__"
    return usable and unicodedata.normalize("NFKC", text) == text


def unused(name, taken):
    """`name`, or name_2, name_3 ... if it is taken. Adds the result to `taken`."""
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found
