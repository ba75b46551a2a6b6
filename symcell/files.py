"""Files that appear whole or not at all."""

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_PART = ".symcell-part"  # the end of an unfinished file's name
_ABANDONED = 3600  # seconds after which nobody writes it any more


def write_atomically(path, content):
    """Write text or bytes to a temporary name beside `path`, then rename: an interruption leaves the old file. A link stays a
    link, and a pipe or a device is written to. Errors name `path`."""
    path, content = Path(path), content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.is_dir():  # whose renaming would fail for other reasons
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _write_and_rename(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _write_and_rename(path, content):
    _remove_abandoned(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PART)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _remove_abandoned(folder):
    """Remove the unfinished files of processes that were killed."""
    for part in folder.glob(f".*{_PART}"):
        with suppress(OSError):  # another process may remove it, too
            if part.stat().st_mtime < time.time() - _ABANDONED:
                part.unlink()
