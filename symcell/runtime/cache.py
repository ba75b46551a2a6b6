"""Compiled code on disk, found again by what it was made from: the text of its module and of the runtime, the types of its
arguments, the processor and the versions of Python and Numba. So a change of any of these finds nothing, and files need no dates.

The cache is an optimisation: where nothing can be written, or what is read is damaged, code is compiled again.
"""

import atexit
import hashlib
import os
import pickle
import shutil
import stat
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

from . import internals
from .version import source_hash

_DIGEST = hashlib.sha256().digest_size


class Cache:
    """The compiled forms of one function, as Numba's dispatchers ask for them."""

    def __init__(self, function: Callable) -> None:
        self._function = function

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The compiled form for some types; None if there is none. Numba's whole compiler need not be ready for that, which would
        take longer than everything else."""
        path = self._path(signature, context)
        found = None if path is None else _read(path)
        return None if found is None else internals.restored(context, found)

    def save_overload(self, signature: Any, compiled: Any) -> None:
        path, found = self._path(signature, compiled.target_context), internals.serialised(compiled)
        if path is not None and found is not None:
            write(path, _signed(pickle.dumps(found, -1)))

    @property
    def cache_path(self) -> str:
        return str(folder())

    def _path(self, signature: Any, context: Any) -> Path | None:
        function, place = self._function, folder()
        made_from = (
            function.__module__, function.__qualname__, source_hash(), str(signature), internals.processor(context),
            numba.__version__, sys.implementation.cache_tag,
        )  # fmt: skip
        key = hashlib.sha256(repr(made_from).encode()).hexdigest()[:24]
        return place and place / "compiled" / f"{function.__name__}-{key}.nbc"


def _signed(content: bytes) -> bytes:
    return hashlib.sha256(content).digest() + content


def _read(path: Path) -> Any:
    """What a file holds; None if there is none, or if it is not as it was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    whole = hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]
    return pickle.loads(content[_DIGEST:]) if whole else None


def write(path: Path, content: bytes) -> bool:
    """Write a file of the cache, whole or not at all; whether it could be written. The first failure is told in a warning."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        _warn_once(f"symcell cannot write to its cache {path.parent}: {error.strerror or error}; code is compiled again in each "
                   "process. SYMCELL_CACHE_DIR chooses another folder")  # fmt: skip
        return False
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return True


_warned = False


def _warn_once(message: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def folder() -> Path | None:
    """SYMCELL_CACHE_DIR, else NUMBA_CACHE_DIR, else the user's cache, else a temporary folder; None where nothing can be
    written."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    for place in (os.environ.get("SYMCELL_CACHE_DIR"), os.environ.get("NUMBA_CACHE_DIR"), os.path.join(home, "symcell")):
        expanded = os.path.expanduser(place or "~")
        if not place or expanded.startswith("~"):  # not given, or in a home that is not known
            continue
        with suppress(OSError):
            os.makedirs(expanded, exist_ok=True)
            if os.access(expanded, os.W_OK):
                return Path(expanded).absolute()
    try:
        return _temporary_folder()
    except OSError as error:
        _warn_once(f"symcell finds no folder for its cache: {error}; code is compiled again in each process. "
                   "SYMCELL_CACHE_DIR chooses a folder")  # fmt: skip
        return None


def _temporary_folder() -> Path:
    """A folder that only this user can write to: what lies there is executed. It is found again, unless somebody else made it."""
    own = os.getuid() if hasattr(os, "getuid") else None
    found = Path(tempfile.gettempdir()) / f"symcell-{'cache' if own is None else own}"
    with suppress(FileExistsError):  # something that is no folder
        found.mkdir(mode=0o700, exist_ok=True)
    status, of_others = found.lstat(), stat.S_IWGRP | stat.S_IWOTH
    safe = stat.S_ISDIR(status.st_mode) and (own is None or (status.st_uid == own and not status.st_mode & of_others))
    return found if safe else _private_folder()


@cache
def _private_folder() -> Path:
    """A folder for this process alone, which removes it at its end."""
    made = tempfile.mkdtemp(prefix="symcell-")
    atexit.register(_remove, made, os.getpid())
    return Path(made)


def _remove(made: str, owner: int) -> None:
    if os.getpid() == owner:  # and not a process that it has forked
        shutil.rmtree(made, ignore_errors=True)


def text_hash(function: Callable) -> str | None:
    """The hash of the text of a function's module; None if no file holds it."""
    try:
        return hashlib.sha256(Path(function.__code__.co_filename).read_bytes()).hexdigest()[:16]
    except OSError:
        return None
