"""The command line: list, show, derive, diagram, compare, generate, check, bench, plot, demo, book.

A target is a catalogue name, or path/to/file.py:variable. What a command needs is imported when it runs.
"""

import functools
import sys

from symcell.commands.options import how_to_install, typer
from symcell.commands.streams import print_what_the_encoding_has
from symcell.commands.tables import plain, terminal
from symcell.errors import CellError

_HELP = """From the equations of a recurrent cell to its derivation and to fast, checked kernels.

A TARGET is a name of the catalogue (`symcell list`), or the variable of a Python file: `examples/new_variant.py:variant`.
"""


def main():
    """The entry point. Exit status: 0, or 1 if something did not pass, or 2 if something cannot be done as asked."""
    if typer is None:
        print(f"symcell: the command line needs more packages: {how_to_install('cli')}", file=sys.stderr)
        sys.exit(2)
    print_what_the_encoding_has(sys.stdout, sys.stderr)
    application()()


def application():
    """The Typer application."""
    from symcell.commands import deriving, pages, plotting, reading, running

    app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)
    app.callback(help=_HELP, invoke_without_command=True)(reading.version)
    app.command("list")(_reporting(reading.list_cells))
    reads = (reading.show, deriving.derive, pages.diagram, reading.compare)
    for command in (*reads, running.generate, running.check, running.bench, plotting.plot, running.demo, pages.book):
        app.command()(_reporting(command))
    return app


def _reporting(command):
    """What a user can mend is one red line and exit status 2, without a traceback."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever read has read enough; Typer knows what to do
        except (CellError, OSError, MemoryError) as error:
            message = plain(" ".join(_words(error).split()))
            terminal(stderr=True).print(f"[bold red]error:[/] [red]{message}[/]", soft_wrap=True)
            raise typer.Exit(2) from None

    return run


def _words(error):
    """What an error says: of one about a file, without its number in the system."""
    if not isinstance(error, OSError) or error.filename is None or error.strerror is None:
        return str(error)
    where = f"{error.filename}: " if error.filename2 is None else f"{error.filename} to {error.filename2}: "
    return where + ("this is no folder" if isinstance(error, FileExistsError) else error.strerror[0].lower() + error.strerror[1:])


if __name__ == "__main__":
    main()
