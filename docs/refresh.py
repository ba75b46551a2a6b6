"""Write into README and the pages of docs/ what their code prints today.

    python docs/refresh.py                 all pages, and the notebook
    python docs/refresh.py docs/tutorial.md

A block ```python is code. The blocks of a page run in order, in one namespace and an empty folder. A block ```text, ```math or
```py directly behind code is what the code prints; code without one prints nothing. Code in an HTML comment runs too, and readers
do not see it. tests/test_docs.py demands that this changes nothing.
"""

import io
import re
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
_CODE = r"(?P<code>^```python\n(?P<lines>.*?)^```\n)"
_PRINTED = r"(?:(?P<open>(?:-->\n)?\n*^```(?:text|math|py)\n)(?P<printed>.*?)(?P<close>^```$))?"
_BLOCK = re.compile(_CODE + _PRINTED, re.M | re.S)


def pages():
    """README and all pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def refreshed(page, names=None):
    """The text of a page with what its code prints today. `names`: what the code begins with, and adds to."""
    text, names = page.read_text(encoding="utf-8"), {} if names is None else names
    names["__name__"] = page.stem

    def run(block):
        line = text.count("\n", 0, block.start("lines"))
        code, printed = compile("\n" * line + block["lines"], page, "exec"), io.StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        if block["printed"] is None:
            assert not printed.getvalue(), f"{page}, line {line}: no block stands behind code that prints {printed.getvalue()!r}"
            return block[0]
        return block["code"] + block["open"] + printed.getvalue().rstrip("\n") + "\n" + block["close"]

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        return _BLOCK.sub(run, text)


def executed(path=NOTEBOOK):
    """The text of a notebook, executed anew."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    return nbformat.writes(notebook) + "\n"


def main(chosen):
    for page in map(Path, chosen or [*pages(), NOTEBOOK]):
        page = page.resolve()
        text = executed(page) if page.suffix == ".ipynb" else refreshed(page)
        if text != page.read_text(encoding="utf-8"):
            page.write_text(text, encoding="utf-8")
            print(f"{page.relative_to(ROOT)} has changed")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
