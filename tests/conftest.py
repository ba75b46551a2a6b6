"""What all tests share: they are about this checkout, whatever is installed, and their own warnings are errors."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OURS = ("symcell", "symcell_kernels", "symcell_references", "tests", "references", "support", "benchmarks")

pytest.register_assert_rewrite("support")  # their failures show values, as those of the tests do


def pytest_configure(config):
    """A warning that symcell, its generated modules or a test gives rise to is an error; those of other libraries are shown."""
    examples = HERE.parent / "examples"
    names = {*OURS, *(path.stem for folder in (HERE, examples) for path in folder.glob("*.py"))}
    config.addinivalue_line("filterwarnings", rf"error:::({'|'.join(sorted(names))})(\.|\Z)")
    config.addinivalue_line("filterwarnings", r"error:::.*_[0-9a-f]{16}\Z")  # Numba's, of a generated file
    _keep_what_jax_compiles(config)
    # Processes that tests start import the same symcell.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])


def _keep_what_jax_compiles(config):
    """Beside what pytest keeps of earlier runs."""
    from support.caches import of_jax

    if hasattr(config, "cache"):
        for name, value in of_jax(config.cache.mkdir("jax")).items():
            os.environ.setdefault(name, value)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist may be left out
def pytest_xdist_make_scheduler(config, log):
    from support.distribution import ByCell

    return ByCell(config, log) if config.option.dist == "load" else None  # unless another way is asked for
