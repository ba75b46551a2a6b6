"""The names of a cell beside those that its generated module uses: no name is reserved, and none of the module's is hidden."""

import ast
import unicodedata

import numpy as np
import pytest
from support.plain import plain_kernel
from support.random_names import GENERATED, NAMES, assert_names_yield, identifiers, made_for_the_cell, module_names, random_names
from sympy import Eq, tanh

from symcell import Cell, CellError, Input, State, affine, concat
from symcell.language.sizes import size
from symcell.targets.identifiers import identifier_of

ACCENTS = ("n\u0303", "\N{GREEK SMALL LETTER ALPHA}", "h_t", "x\u0302", "y\u0306", "u\u0308", "h\u0303", "c\u0304", "s\N{MIDDLE DOT}", "z\u0308")  # fmt: skip


def called(**names):
    return dict(zip(NAMES, NAMES, strict=True)) | names


@pytest.mark.parametrize("name", ("lstm", "layer_norm_lstm", "gla", "mamba", "gru_concat"))
def test_what_a_module_defines_and_calls_has_a_name_that_no_quantity_is_given_there(name):
    tree = ast.parse((GENERATED / f"{name}.py").read_text("utf-8"))
    assert [name for name in module_names(tree) if identifier_of(name) == name] == []
    for function in made_for_the_cell(tree):
        called = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        assert [name for name in called - {"real", "run"} if identifier_of(name) == name] == []


@pytest.mark.parametrize("seed", range(8))
def test_symbols_of_every_kind_may_have_the_names_that_modules_use(seed):
    """Odd seeds take the names of the cell's own module, even ones those of the catalogue's; `make fuzz` takes many more."""
    assert_names_yield(random_names(seed))


def test_names_with_accents_that_are_characters_of_their_own():
    names = called(**{n: unicodedata.normalize("NFKC", accent) for n, accent in zip(NAMES, ACCENTS, strict=False)})
    assert_names_yield(names | {"W_i": "W\u0303_i", "W_f": "W\u0303_f"})


def test_names_whose_first_part_is_no_name_or_the_modules():
    """What names share is what their arrays are called."""
    assert_names_yield(called(W_i="in_i", W_f="in_f", U_i="_a", U_f="_b", G="_"))
    assert_names_yield(called(W_i="room_i", W_f="room_f", U_i="for_i", U_f="for_f", G="forward_step_row_2", b="forward_pass"))


def test_names_of_functions_and_of_what_yields_to_them():
    assert_names_yield(called(n_x="len", n_h="len_", h="tanh", i="sigmoid", z="exp", x="np", q="range", f="tanh_", W_i="reshape", G="size"))


@pytest.mark.parametrize("own", ("whole_quotient", "allocate", "forward_pass", "B", "kernel", "isinstance"))
def test_a_size_with_a_name_that_modules_use_is_a_size_like_others(own):
    """In shapes, of quotients among others, by which name init takes it too."""
    n = size(own)
    cell = Cell("toy", [Eq(h := State("h", n), tanh(affine(concat(Input("x", n / 2), h.prev), name="z")))])
    kernel = plain_kernel(cell)
    params = kernel.init(**{own: 6})
    assert {name: a.shape for name, a in params.items()} == {"U_z": (6, 9), "b_z": (6,)}
    assert kernel.forward(params, np.ones((2, 1, 3))).final["h"].shape == (1, 6)
    with pytest.raises(CellError, match=rf"toy: 3\*{own} = 15 must be a multiple of 2"):
        kernel.init(**{own: 5})


def test_different_names_stay_different():
    names = {name for path in GENERATED.glob("lstm.py") for name in identifiers(path.read_text("utf-8"))}
    names |= {name + "_" * k for name in names for k in (1, 2)} | {"_", "__"}
    assert len(set(map(identifier_of, names))) == len(names)


@pytest.mark.parametrize("name", ("seed", "dtype", "_n", "_quotient"))
def test_sizes_that_init_could_not_be_given_are_refused_by_name(name):
    h = State("h", name)
    with pytest.raises(CellError, match=f"cell toy: .*size {name!r}"):
        Cell("toy", [Eq(h, tanh(affine(Input("x"), h.prev)))])


def test_a_size_may_be_called_self():
    h = State("h", "self")
    kernel = Cell("toy", [Eq(h, tanh(affine(Input("x"), h.prev)))]).compile()
    assert kernel.init(n_x=2, self=3)["b_h"].shape == (3,)
