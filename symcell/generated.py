"""The catalogue's generated modules, for a checkout that is not installed, where they lie in generated/ at its top.

An installed symcell has the folder itself as the package `symcell.generated`, which Python prefers to this file."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[1] / "generated")]
