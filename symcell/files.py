"""Files that appear whole or not at all."""

import errno
import os
import tempfile
from pathlib import Path


def write_atomically(path, text):
    """Write to a temporary name beside `path`, then rename: an interruption leaves the old file. Errors name `path`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_and_rename(path, text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _write_and_rename(path, text):
    if path.is_dir():  # whose renaming would fail for other reasons
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
