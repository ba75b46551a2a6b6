"""What users install: wheels, source distributions and checkouts; the types that they see; and what the project says of itself."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import warnings
import zipfile
from email import message_from_bytes
from pathlib import Path

import matrix
import pytest

import symcell

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command, folder=ROOT, **environment):
    """What a command prints."""
    done = subprocess.run([sys.executable, *map(str, command)], cwd=folder, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A source distribution, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    build = "import sys; from setuptools import build_meta; build_meta.{0}(sys.argv[1])"
    run("-c", build.format("build_sdist"), folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "sources", filter="data")
    (sources,) = (folder / "sources").iterdir()
    run("-c", build.format("build_wheel"), folder, folder=sources)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return sources, folder / "site"


def test_a_wheel_carries_generated_modules_and_templates(built, tmp_path):
    _, site = built
    code = "import symcell.generated.lstm; from symcell import cells; symcell.generate(cells.rnn, 'out', standalone=True); print(symcell.__file__)"
    assert str(site) in run("-c", code, folder=tmp_path, PYTHONPATH=str(site))
    assert (tmp_path / "out" / "rnn.py").exists() and (site / "symcell" / "py.typed").exists()
    assert os.listdir(tmp_path / "out" / "symcell_runtime") and "sys.path" not in run("-c", "import rnn", folder=tmp_path / "out", PYTHONPATH="")


def test_a_source_distribution_has_what_the_tests_need(built):
    sources, _ = built
    for folder in ("symcell", "generated", "tests", "benchmarks", "examples", "docs"):
        files = [f for f in (ROOT / folder).rglob("*") if f.is_file() and "__pycache__" not in f.parts]
        assert files and not [f for f in files if not (sources / f.relative_to(ROOT)).is_file()]
    assert all((sources / name).is_file() for name in ("Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"))


@pytest.mark.parametrize("beside", (False, True), ids=("alone", "beside an installed one"))
def test_a_checkout_works_without_being_installed(beside, built, tmp_path):
    path = os.pathsep.join(map(str, (ROOT, built[1]) if beside else (ROOT,)))
    code = ("import symcell, symcell.generated; from symcell.generated import gru; from symcell import cells\n"
            "symcell.generate(cells.rnn, 'out'); print(symcell.__file__, symcell.generated.__file__, gru.__file__, sep='\\n')")  # fmt: skip
    files = [ROOT / "symcell" / "__init__.py", ROOT / "symcell" / "generated.py", ROOT / "generated" / "gru.py"]
    assert run("-c", code, folder=tmp_path, PYTHONPATH=path).split("\n")[:3] == list(map(str, files))


def test_strict_types_from_outside(built, tmp_path):
    """mypy accepts tests/support/face_in_use.py, which says where it must not."""
    program = tmp_path / "face_in_use.py"
    program.write_text((ROOT / "tests" / "support" / "face_in_use.py").read_text("utf-8"), "utf-8")
    options = "--config-file=", "--strict", "--ignore-missing-imports", "--follow-imports=silent", f"--cache-dir={tmp_path}"
    assert "no issues found" in run("-m", "mypy", *options, program, folder=tmp_path, MYPYPATH=str(built[1]), PYTHONPATH="")


def test_the_program_of_the_types_has_every_public_name():
    words = set(re.findall(r"\w+", (ROOT / "tests" / "support" / "face_in_use.py").read_text("utf-8")))
    assert set(symcell.__all__) <= words


# What the project says of itself.


def test_the_version_is_one():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert PROJECT["version"] == symcell.__version__ == re.search(r"^version: (.*)$", citation, re.M)[1]
    assert re.search(rf"^## (Unreleased|{re.escape(symcell.__version__)})$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)


def test_on_a_package_index_links_lead_to_the_repository(built):
    _, site = built
    metadata = message_from_bytes(next(site.glob("*.dist-info/METADATA")).read_bytes())
    shown = metadata.get_payload(decode=True).decode("utf-8")
    links = re.findall(r"!?\[[^]]*\]\(([^) ]+)\)", README)
    assert "docs/race.png" in links
    assert f"({PROJECT['urls']['Repository']}/raw/HEAD/docs/race.png)" in shown
    for link in links:
        assert link.startswith("https://") or ((ROOT / link).is_file() and f"({link})" not in shown)


def test_the_pythons_of_the_matrix_are_those_that_are_supported():
    assert matrix.PYTHONS == ["3.11", "3.12", "3.13"] and PROJECT["requires-python"] == ">=3.11"
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert f"every Python from {matrix.PYTHONS[0]} to {matrix.PYTHONS[-1]}" in page


def test_the_oldest_packages_are_the_lower_bounds():
    oldest = matrix.oldest()
    assert all(f"{r.split('>=')[0]}=={r.split('>=')[1]}" in oldest for r in PROJECT["dependencies"])
    assert {"numpy", "typer", "matplotlib", "pytest", "jax"} <= {bound.split("==")[0] for bound in oldest}


def test_the_tests_of_the_matrix_are_there():
    for test in matrix.TESTS:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text("utf-8")


def test_a_python_that_is_not_there_is_named(tmp_path):
    assert "python3.99, oldest  skipped" in run("tests/matrix.py", "3.99", "--end", "oldest", "-o", tmp_path)


def test_warnings_are_errors_where_they_are_ours():
    with pytest.raises(DeprecationWarning):
        warnings.warn("ours", DeprecationWarning, stacklevel=1)
    for ours in ("symcell.kernel", "symcell_kernels.lstm_0", "new_variant", "/home/me/.cache/symcell/lstm_0123456789abcdef"):
        with pytest.raises(DeprecationWarning):
            warnings.warn_explicit("ours", DeprecationWarning, "file.py", 1, module=ours)
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn_explicit("of another library", DeprecationWarning, "file.py", 1, module="numpy.linalg")
    assert len(caught) == 1
