"""Output to terminals, files and pipes whose encoding lacks some characters."""

import codecs
import io
import unicodedata

# One for one, so that tables stay straight.
_PLAIN = str.maketrans("\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u00b7\u00d7\u2192", "--''\"\"*~.x>")


def print_what_the_encoding_has(*streams):
    """Let each stream write what its encoding lacks by the nearest plain characters: no command fails for an accent."""
    codecs.register_error("symcell.plain", _plainly)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="symcell.plain")


def _plainly(error):
    """The error handler: what stands for the characters that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_nearest, error.object[error.start : error.end])), error.end


def _nearest(c):
    """A letter without its accent; a question mark for what has nothing like it."""
    parts = unicodedata.normalize("NFKD", c.translate(_PLAIN))
    return "".join(a if a.isascii() else "?" for a in parts if not unicodedata.combining(a))
