"""The arguments and options that commands share, and what becomes of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

from symcell.errors import CellError

try:
    import typer
except ImportError:  # the extra `cli` brings it; the entry point says so
    typer = None  # type: ignore[assignment]
else:
    Target = Annotated[str, typer.Argument(metavar="TARGET", help="A catalogue name, or path/to/file.py:variable.")]
    Targets = Annotated[list[str], typer.Argument(metavar="TARGET", help="Catalogue names, or path/to/file.py:variable.")]
    Cells = Annotated[list[str] | None, typer.Argument(metavar="TARGET", help="Which cells; default: the whole catalogue.")]
    Trained = Annotated[list[str] | None, typer.Argument(
        metavar="TARGET", help="Which cells; default: a source checkout's example variant, rnn, gru and lstm.")]
    File = Annotated[Path | None, typer.Option("-o", "--output", help="The file to write.")]
    Folder = Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")]
    Version = Annotated[bool, typer.Option("--version", help="Print the version, and stop.", is_eager=True)]
    Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all that is random.")]
    Points = Annotated[
        list[str] | None, typer.Option(metavar="T,B,N", help="Steps, samples, and every size; may be repeated.")]


def loaded(targets):
    """The cells that targets name."""
    from symcell.commands.targets import load_target

    return [load_target(t) for t in targets or ()]


def three_numbers(text):
    """T,B,N as they were typed."""
    try:
        T, B, N = map(int, text.split(","))
    except ValueError:
        T = B = N = 0
    if min(T, B, N) < 1:
        raise CellError(f"--point takes three positive numbers T,B,N, like 100,32,128; found {text!r}")
    return T, B, N


def needs(*packages, extra="demo"):
    """Refuse a command whose packages are not there, and name the extra that brings them."""
    if any(importlib.util.find_spec(p) is None for p in packages):
        raise CellError(f"this command needs more packages: {how_to_install(extra)}")


def how_to_install(extra):
    """What brings the packages of an extra, whether symcell was installed from a wheel or runs from a checkout."""
    from symcell.commands.targets import checkout

    here = checkout()
    if (here / "pyproject.toml").is_file():
        return f'pip install -e ".[{extra}]" in {here}'
    return f'pip install "symcell[{extra}]"'
