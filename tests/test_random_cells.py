"""Random cells: well-formed ones agree with JAX in values and all gradients, malformed ones are refused or right.

The same ones every time; `python -m tests.fuzz` tries others, and as many as are wanted.
"""

import jax
import pytest
from hypothesis import HealthCheck, given, settings
from support.agreement import assert_agreement
from support.malformed_cells import assert_refused_or_right, malformed_declarations
from support.random_cells import declarations

COMPILED = 4
_CHOSEN = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module", autouse=True)
def kernels_of_their_own(tmp_path_factory):
    """Random modules are of no use to anyone after, nor is what JAX has compiled for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCELL_CACHE_DIR", str(tmp_path_factory.mktemp("kernels")))
        yield
    jax.clear_caches()


@settings(max_examples=28 - COMPILED, **_CHOSEN)
@given(declarations())
def test_well_formed_cells(declaration):
    """Most as plain Python, which is quick, and where an index out of bounds is an error; every fourth in float32 as well."""
    dtypes = ("float64", "float32") if declaration.seed % 4 == 0 else ("float64",)
    assert_agreement(declaration.cell(), declaration.seed, declaration.left_out, dtypes=dtypes)


@settings(max_examples=COMPILED, **_CHOSEN)
@given(declarations())
def test_compiled_cells(declaration):
    assert_agreement(declaration.cell(), declaration.seed, declaration.left_out, compiled=True)


@settings(max_examples=70, **_CHOSEN)
@given(malformed_declarations())
def test_malformed_cells(malformed):
    assert_refused_or_right(malformed)
