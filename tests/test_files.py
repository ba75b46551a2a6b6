"""Files that appear whole or not at all."""

import os
import signal
import subprocess
import sys
import time

import pytest

from symcell.files import write_atomically


def test_a_file_is_written_and_written_again(tmp_path):
    for text in ("first\n", "second\n"):
        assert write_atomically(tmp_path / "new" / "file.txt", text).read_text("utf-8") == text
    assert os.listdir(tmp_path / "new") == ["file.txt"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    too_long = "a" * 300
    for name in ("folder", too_long):
        with pytest.raises(OSError) as raised:
            write_atomically(tmp_path / name, "text")
        assert raised.value.filename == str(tmp_path / name) and "part" not in str(raised.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsADirectoryError, match=r"directory: '\.'"):
        write_atomically("", "text")
    assert os.listdir(tmp_path) == ["folder"]


def test_an_interrupted_file_stays_as_it_was(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "file.txt", "first\n")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "not now", ".part")))
    with pytest.raises(PermissionError) as raised:
        write_atomically(path, "second\n")
    assert raised.value.filename == str(path)
    assert path.read_text("utf-8") == "first\n" and os.listdir(tmp_path) == ["file.txt"]


def test_bytes_and_links_and_pipes(tmp_path):
    path = write_atomically(tmp_path / "file.bin", b"\x00\xff\r\n")
    assert path.read_bytes() == b"\x00\xff\r\n"
    link = tmp_path / "link"
    link.symlink_to(path)
    assert write_atomically(link, "text\n") == link
    assert link.is_symlink() and path.read_bytes() == b"text\n"


@pytest.mark.skipif(os.name != "posix", reason="only there are pipes files")
def test_a_pipe_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write_atomically(pipe, "through\n")
    assert reader.communicate(timeout=60)[0] == b"through\n" and pipe.is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="only there can a process be killed like that")
def test_what_a_killed_process_left_is_removed_later(tmp_path):
    code = "import os, signal, sys; from symcell import files\n"
    code += "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL); files.write_atomically(sys.argv[1], 'text')"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file.txt")])
    (left,) = tmp_path.iterdir()
    assert done.returncode == -signal.SIGKILL and left.name.startswith(".file.txt.")
    other = tmp_path / ".download.part"
    other.write_text("of another program")
    os.utime(other, (0, 0))
    write_atomically(tmp_path / "another.txt", "text")  # it may still be written
    assert left.exists()
    os.utime(left, (time.time() - 7200,) * 2)
    write_atomically(tmp_path / "another.txt", "text")
    assert sorted(os.listdir(tmp_path)) == [".download.part", "another.txt"]
