"""The cache is an optimisation: without it, or with damaged files in it, everything works, and one warning says what is wrong."""

import errno
import os
import py_compile
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from symcell.runtime import cache
from symcell.runtime.loading import load_module

TEXT = "from symcell.runtime.jit import jit\n@jit\ndef add_one(a):\n    a[0] += 1\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_warned", False)
    return tmp_path / "cache"


def loaded_anew():
    """The module as another process would load it."""
    for name in [name for name in sys.modules if name.startswith("symcell_kernels.tiny_")]:
        del sys.modules[name]
    return load_module("tiny", TEXT)


def works():
    """Whether a compiled function came from the cache, and what was warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        module, a = loaded_anew(), np.zeros(2)
        module.add_one(a)
    assert list(a) == [1, 0]
    return bool(module.add_one.stats.cache_hits), [str(w.message) for w in told]


def compiled_file(folder):
    (path,) = (folder / "compiled").iterdir()
    return path


def test_compiled_code_is_found_again(folder):
    assert [works(), works()] == [(False, []), (True, [])]


@pytest.mark.parametrize("error", (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES))
def test_a_full_disk_costs_one_warning(error, folder, monkeypatch):
    def refuse(path, content):
        path.touch()  # as much as there was room for
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    found, told = works()
    assert not found and len(told) == 1
    assert f"cannot write to its cache {folder}" in told[0] and os.strerror(error) in told[0] and "SYMCELL_CACHE_DIR" in told[0]
    assert works() == (False, [])
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_disk_that_is_full_once_the_module_is_written(folder, monkeypatch):
    loaded_anew()
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    found, told = works()
    assert not found and len(told) == 1 and "compiled again" in told[0]


def damaged(content, how):
    return {"empty": b"", "truncated": content[:-40], "random": os.urandom(len(content)),
            "another": content[:32] + os.urandom(len(content) - 32)}[how]  # fmt: skip


@pytest.mark.parametrize("how", ("empty", "truncated", "random", "another"))
def test_damaged_files_are_made_again(how, folder):
    works()
    compiled, (text,) = compiled_file(folder), folder.glob("*.py")
    for path in (compiled, text):
        path.write_bytes(damaged(path.read_bytes(), how))
    assert works() == (False, [])
    assert text.read_text() == TEXT
    assert works() == (True, [])


@pytest.mark.parametrize("how", ("empty", "truncated", "random"))
def test_bytecode_beside_a_module_is_not_read(how, folder):
    """As Python's own loader leaves it, with a right head, if a full disk cuts it short."""
    works()
    (text,) = folder.glob("*.py")
    bytecode = Path(py_compile.compile(str(text)))
    content = bytecode.read_bytes()
    bytecode.write_bytes(content[:16] + damaged(content[16:], how))
    assert works() == (True, [])


def test_what_is_in_the_way_of_a_file_is_only_in_the_way(folder):
    works()
    path = compiled_file(folder)
    path.unlink()
    (path / "something").mkdir(parents=True)
    found, told = works()
    assert not found and len(told) == 1
    assert works() == (False, [])


def test_a_file_in_place_of_the_folder_leaves_the_next_one(folder, tmp_path, monkeypatch):
    folder.write_text("no folder")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache.folder() == tmp_path / "home" / "symcell"
    assert works() == (False, [])


def test_without_any_folder_everything_is_compiled(monkeypatch):
    monkeypatch.setattr(cache, "_warned", False)
    monkeypatch.setattr(os, "makedirs", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no")))
    monkeypatch.setattr(cache, "_temporary_folder", lambda: (_ for _ in ()).throw(FileNotFoundError("no temporary folder")))
    found, told = works()
    assert not found and len(told) == 1 and "finds no folder for its cache" in told[0]
    assert works() == (False, [])


def test_without_a_home_a_temporary_folder_serves(tmp_path, monkeypatch):
    """HOME unset, and a user whom the system does not know."""
    for name in ("SYMCELL_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "USERPROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what Python does then
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache.folder().parent == tmp_path and works() == (False, [])


# Processes.

START = f"""
    import os, sys, warnings
    import numpy as np
    from symcell.runtime import cache
    from symcell.runtime.loading import load_module
    warnings.simplefilter("always")
    def call(text):
        a = np.zeros(2)
        load_module("tiny", text).add_one(a)
        assert list(a) == [1, 0]
    TEXT = {TEXT!r}
"""


def start(code, **environment):
    env = {name: value for name, value in os.environ.items() if name not in ("SYMCELL_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(code)]
    return subprocess.Popen(command, env={**env, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    out, told = process.communicate(timeout=240)
    assert process.returncode == 0, told[-3000:]
    return out.strip(), told


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_without_a_name_or_a_home_works_beside_folders_that_are_not_his():
    code = """
        call(TEXT + "# loads what Python and Numba load later: their folders may be root's alone")
        os.setgroups([])
        os.setuid(12345)
        del os.environ["HOME"], os.environ["SYMCELL_CACHE_DIR"]
        call(TEXT)
        print(cache.folder())
    """
    with tempfile.TemporaryDirectory() as folder:  # where everybody may go, unlike pytest's
        os.chmod(folder, 0o777)
        found = ended(start(code, SYMCELL_CACHE_DIR=f"{folder}/root", HOME="/", TMPDIR=folder))
        assert found == (f"{folder}/symcell-12345", "")


@pytest.mark.skipif(os.name != "posix", reason="the system has no such limit")
def test_a_team_compiles_where_no_file_can_grow(tmp_path):
    code = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        from symcell.runtime import threads
        for text in (TEXT, TEXT + "# another"):
            module = load_module("tiny", text)
            arrays = np.zeros((2, 2))
            threads.in_parallel(module.add_one, [(a,) for a in arrays], threads.team_of(2))
            assert arrays.tolist() == [[1, 0], [1, 0]]
    """
    _, told = ended(start(code, SYMCELL_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="2"))
    assert told.count("RuntimeWarning: symcell cannot write to its cache") == 1 and told.count("Warning") == 1


def test_processes_may_write_the_same_files_at_once(tmp_path):
    code = """
        import time
        time.sleep(max(0, float(os.environ["BEGIN"]) - time.time()))
        call(TEXT)
    """
    begin = str(time.time() + 1.5)
    processes = [start(code, SYMCELL_CACHE_DIR=str(tmp_path), BEGIN=begin, HOME=os.devnull) for _ in range(3)]
    assert [ended(process) for process in processes] == [("", "")] * 3
    assert len(list(tmp_path.glob("*"))) == 2 and len(list((tmp_path / "compiled").iterdir())) == 1
