"""The text of a generated module, made a module: written to the cache, so that Python and its tools find it, and imported."""

import hashlib
import importlib.abc
import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType

from . import cache

PACKAGE = "symcell_kernels"  # what loaded modules are named under; nothing else is in it
_loading = threading.RLock()


class _Text(importlib.abc.InspectLoader):
    """Imports a module from its text, where no file can be written."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        return self._text


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
    path = _written(f"{name.removeprefix(f'{PACKAGE}.')}.py", text.encode())
    if path is None:
        spec = importlib.util.spec_from_loader(name, _Text(text))
    else:
        spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # compiled code refers to it by this name
    try:
        spec.loader.exec_module(module)
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
