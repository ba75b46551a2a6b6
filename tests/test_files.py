"""Files that appear whole or not at all."""

import os

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
        assert raised.value.filename == str(tmp_path / name) and ".part" not in str(raised.value)
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
