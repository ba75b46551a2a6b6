"""Names: which may be used, and which nothing else has."""

import keyword
import unicodedata


def is_name(text):
    """Whether generated code can use the text as a name, and Python reads it back as it is."""
    usable = isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text) and text != "__debug__"
    return usable and unicodedata.normalize("NFKC", text) == text


def unused(name, taken):
    """`name`, or name_2, name_3 ... if it is taken; what is found is taken from then on."""
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found
