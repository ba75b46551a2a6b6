"""LaTeX -> PDF, by an installed LaTeX."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from symcell.errors import CellError
from symcell.files import write_atomically

_COMMANDS = {
    "pdflatex": ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"],
    "tectonic": ["tectonic", "--untrusted", "--keep-logs", "derivation.tex"],
}
_SECONDS = 300
_INSTALL = "a PDF needs pdflatex (Debian, Ubuntu: apt-get install texlive-latex-recommended; macOS: MacTeX; Windows: MiKTeX) or tectonic"


def write_pdf(text, path):
    """Typeset a document and write the PDF. Raises CellError where there is no LaTeX, and with the first error in its log."""
    engine = next((name for name in _COMMANDS if shutil.which(name)), None)
    if engine is None:
        raise CellError(f"{_INSTALL}; neither is installed. The same as LaTeX: -o {Path(path).with_suffix('.tex').name}")
    with tempfile.TemporaryDirectory(prefix="symcell-") as folder:
        Path(folder, "derivation.tex").write_text(text, "utf-8")
        for _ in range(2 if engine == "pdflatex" else 1):  # the second run knows the numbers of equations
            _run(engine, folder)
        return write_atomically(path, Path(folder, "derivation.pdf").read_bytes())


def _run(engine, folder):
    """One run of LaTeX, which may read and write in its own folder only."""
    environment = os.environ | {"openin_any": "p", "openout_any": "p", "max_print_line": "1000"}
    try:
        done = subprocess.run(
            _COMMANDS[engine], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CellError(f"{engine} was not ready after {_SECONDS} s") from None
    if done.returncode != 0:
        raise CellError(f"{engine} stopped: {_first_error(done.stdout + done.stderr, folder)}")


def _first_error(output, folder):
    """The first error that LaTeX reports, with its line."""
    log = Path(folder, "derivation.log")
    text = log.read_text("utf-8", errors="replace") if log.is_file() else output
    found = re.search(r"^! (.*?)$(?:.*?^(l\.\d+[^\n]*)$)?", text, re.M | re.S) or re.search(r"^error: (.*)$", output, re.M)
    return " ".join(part for part in found.groups() if part) if found else " ".join(output.split())[-300:]
