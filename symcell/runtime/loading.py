"""The text of a generated module, made a module. It is written to the cache as well, where tools find it and where its
functions have a file, as those need whose compiled code is cached; what is executed is the text that was given.
"""

import hashlib
import importlib.abc
import importlib.util
import os
import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

from . import cache

PACKAGE = "symcell_kernels"  # what loaded modules are named under; nothing else is in it
_loading = threading.RLock()


class _Text(importlib.abc.InspectLoader):
    """Imports a module from its text. Python's own loader would read a file of bytecode beside it, which a full disk may have cut
    short."""

    def __init__(self, text: str, path: Path | None) -> None:
        self._text, self.path = text, None if path is None else str(path)

    def get_source(self, fullname: str) -> str:
        return self._text

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._text, self.path or "<string>")


def load_module(name: str, text: str) -> ModuleType:
    """The module of a generated text. Its name carries the hash of the text, so two versions never mix."""
    qualified = f"{PACKAGE}.{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    with _loading:  # until a module has been executed, no other thread may have it
        return sys.modules.get(qualified) or _imported(qualified, text)


def text_of(module: ModuleType) -> str | None:
    """The text of a module that was loaded here; None for one that is imported from its own place."""
    if not module.__name__.startswith(f"{PACKAGE}."):
        return None
    assert module.__spec__ is not None and isinstance(module.__spec__.loader, importlib.abc.InspectLoader)
    return module.__spec__.loader.get_source(module.__name__)


def _imported(name: str, text: str) -> ModuleType:
    loader = _Text(text, _written(f"{name.removeprefix(f'{PACKAGE}.')}.py", text.encode()))
    spec = ModuleSpec(name, loader, origin=loader.path)
    spec.has_location = loader.path is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # compiled code refers to it by this name
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _written(name: str, content: bytes) -> Path | None:
    """The path of a file in the cache that has this content; None if it cannot be written."""
    folder = cache.folder()
    path = folder and folder / name
    if path is None or not (_holds(path, content) or cache.write(path, content)):
        return None
    return path


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


# A fork waits until a module that another thread imports is whole.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release)
