"""The command line, called in this process."""

import re

from typer.testing import CliRunner

from symcell import cli


def symcell(*arguments):
    return CliRunner().invoke(cli.application(), list(map(str, arguments)))


def succeeds(*arguments):
    """What a command prints; it must succeed."""
    result = symcell(*arguments)
    assert result.exit_code == 0, result.output
    return plain(result.output)


def refused(*arguments):
    """The one line that says why a command is refused."""
    result = symcell(*arguments)
    assert result.exit_code == 2
    line = plain(result.stderr)
    assert line.startswith("error: ") and line.count("\n") == 1
    return line


def plain(text):
    """Without colours, which some terminals force."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
