"""The hash in a generated module: of its own text, with a placeholder where the hash stands."""

import hashlib
import re

PLACEHOLDER = "{hash}"
_LINE = re.compile(r'^CONTENT_HASH = "([0-9a-f]{16})"$', re.MULTILINE)


def hash_of(text):
    """Sixteen hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_sealed(text):
    """Whether a text is a module as symcell wrote it: one of its lines holds the hash of all the rest."""
    return any(hash_of(text[: f.start(1)] + PLACEHOLDER + text[f.end(1) :]) == f[1] for f in _LINE.finditer(text))
