"""Which runtime this is: its version, which generated modules name, and the hash of its text, which compiled code carries."""

import hashlib
from functools import cache
from importlib import resources

from .errors import CellError

# What generated modules take from the runtime, and the arguments that they pass, have this version. A test compares both with
# what they were when the number was last changed.
VERSION = 3


def check_version(version: int, module: str) -> None:
    """Raise CellError unless a generated module, named for the message, was made for this version of the runtime."""
    if version != VERSION:
        raise CellError(
            f"{module}: generated for version {version} of symcell's runtime, found version {VERSION}; generate the module again "
            "with the installed symcell, symcell.generate(cell, folder), or install the symcell that generated it"
        )


@cache
def source_hash() -> str:
    """Sixteen hexadecimal digits of the text of all files of the runtime: compiled code is only used with the same text."""
    digest = hashlib.sha256()
    files = [f for f in resources.files(__package__).iterdir() if f.name.endswith(".py")]
    for file in sorted(files, key=lambda f: f.name):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
