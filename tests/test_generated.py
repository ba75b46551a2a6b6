"""Generated modules as artefacts: alone in the world, deterministic, whole or absent, compiled once."""

import ast
import os
import statistics
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy
from support.processes import run_python
from sympy import Eq, Max, exp, symbols, tanh

import symcell
from symcell import Cell, CellError, Input, Param, State, affine, cells
from symcell.compiler import source_of
from symcell.modules import generate, stale
from symcell.runtime import cache as on_disk

ROOT = Path(__file__).parent.parent


def committed(name):
    """A module of the catalogue as it lies in generated/, which other tests compare with what is generated now."""
    return (ROOT / "generated" / f"{name}.py").read_text("utf-8")


def imported(source):
    """The modules that a source imports, those of the standard library left out."""
    tree = ast.parse(source)
    found = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    return (found | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}) - sys.stdlib_module_names


@pytest.mark.parametrize("name", cells.names())
def test_modules_import_the_runtime_and_numpy_only(name):
    assert {"symcell.runtime"} <= imported(committed(name)) <= {"symcell.runtime", "numpy"}


@pytest.mark.parametrize("name", ("rnn", "ctrnn", "lru"))
def test_standalone_modules_import_the_runtime_beside_them_and_say_the_same(name):
    whole, alone = (source_of(cells.get(name).declaration, standalone=standalone) for standalone in (False, True))
    assert {"symcell_runtime"} <= imported(alone) <= {"symcell_runtime", "numpy"}
    assert len({text.split("\nCONTENT_HASH = ")[1].split("\n", 1)[1] for text in (whole, alone)}) == 1


def test_modules_are_of_a_readable_size():
    """They hold their cells, and nothing that all share."""
    lines = {name: committed(name).count("\n") for name in cells.names()}
    assert lines["lstm"] <= 330 and statistics.median(lines.values()) <= 420 and statistics.mean(lines.values()) <= 420


def test_lines_are_short_and_without_trailing_blanks():
    for name in cells.names():
        for line in committed(name).split("\n"):
            assert line == line.rstrip()
            assert len(line) <= 140, line


@pytest.mark.parametrize("name", ("lstm", "layer_norm_lstm", "mamba"))
def test_no_name_is_defined_twice(name):
    """A later function would take an earlier one's place."""
    tree = ast.parse(committed(name))
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    defined += [t.id for node in tree.body if isinstance(node, ast.Assign) for t in ast.walk(node) if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store)]
    defined += [a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names]
    assert sorted(defined) == sorted(set(defined))


def test_quantities_may_be_called_as_what_step_and_the_gradients_use():
    made, known, places = State("made"), State("call"), State("getrefcount")
    x, later, gate = Input("inputs"), symbols("made_out"), symbols("tanh")
    cell = Cell("odd_words", [
        Eq(later, tanh(known.prev)), Eq(gate, exp(later)),
        Eq(made, tanh(Param("sums_of_products", ("n_h", "n_x")) @ x + affine(known.prev, name="id")) * later / gate),
        Eq(known, made * places.prev), Eq(places, tanh(affine(made, name="dtype"))),
    ])
    kernel = cell.compile("float64")
    params = kernel.init(seed=2, **dict.fromkeys(cell.sizes, 4))
    inputs, state = np.random.default_rng(3).normal(size=(5, 2, 4)), None
    run = kernel.forward(params, inputs)
    assert kernel.backward(run, final={"call": np.ones((2, 4))}).params["sums_of_products"].shape == (4, 4)
    for t in range(5):
        state = kernel.step(params, inputs[t], state)
        for name, a in state.items():
            np.testing.assert_allclose(a, run.states[name][t], rtol=1e-12, atol=1e-14)


def test_the_header_names_the_cell_its_source_and_its_equations():
    source = source_of(cells.peephole_lstm)
    head = ast.get_docstring(ast.parse(source))
    assert "peephole_lstm" in head
    assert "JMLR 3, 2002" in head
    assert "(1)  i = sigmoid(W_i @ x + U_i @ h_prev + p_i * c_prev + b_i)" in head
    assert "(4)  c = f * c_prev + i * g" in head
    assert f'CONTENT_HASH = "{source.split("CONTENT_HASH = ")[1][1:17]}"' in source


def test_the_committed_modules_say_what_the_catalogue_says():
    assert stale([cells.get(name) for name in cells.names()], ROOT / "generated") == []


def test_stale_missing_and_orphaned_files_are_found(tmp_path):
    generate(cells.rnn, tmp_path)
    generate(cells.gru, tmp_path)
    (tmp_path / "mine.py").write_text("# not generated")
    path = tmp_path / "rnn.py"
    path.write_text(path.read_text().replace("tanh(z_a)", "tanh(z_a + 1)"))
    problems = stale([cells.rnn, cells.lstm], tmp_path)
    assert [p.split(":")[0] for p in problems] == ["stale", "missing", "orphaned"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = generate(cells.rnn, tmp_path)
    before = path.read_text()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        generate(Cell("rnn", cells.rnn.equations and [Eq(State("a"), tanh(affine(Input("x"))))]), tmp_path)
    assert path.read_text() == before
    assert os.listdir(tmp_path) == ["rnn.py"]


def test_what_is_no_cell_is_refused(tmp_path):
    with pytest.raises(CellError, match="takes a Cell"):
        generate("lstm", tmp_path)
    h = State("h")
    with pytest.raises(CellError, match="has no input"):
        generate(Cell("still", [Eq(h, tanh(Param("U") @ h.prev))]), tmp_path)


def test_generated_packages_are_importable():
    from symcell.generated import gru, lstm

    params = lstm.init(n_x=2, n_h=3)
    run = lstm.forward(params, np.zeros((4, 1, 2), "float32"))
    assert run.outputs["h"].shape == (4, 1, 3)
    assert gru.kernel.interface.name == "gru"


def test_one_compilation_serves_every_size():
    kernel = cells.gru.compile("float64")
    compiled = []
    for T, B, n_x, n_h in ((3, 2, 4, 5), (1, 1, 1, 1), (0, 2, 3, 3), (5, 0, 2, 7), (11, 3, 9, 2)):
        run = kernel.forward(kernel.init(n_x=n_x, n_h=n_h), np.zeros((T, B, n_x)))
        kernel.backward(run, {"c": np.zeros((T, B, n_h))})
        jitted = {name: f for name, f in vars(kernel.module).items() if hasattr(f, "signatures")}
        compiled.append({name: list(f.signatures) for name, f in jitted.items() if f.signatures})
    assert {"forward_pass", "backward_pass", "pack"} <= compiled[0].keys()
    assert all(signatures == compiled[0] for signatures in compiled)


USE = """
import sys; sys.path.insert(0, sys.argv[1])
import numpy as np
import lstm
for dtype in ("float32", "float64"):
    params, x = lstm.init(n_x=2, n_h=3, dtype=dtype), np.ones((4, 2, 2), dtype)
    run = lstm.forward(params, x, checkpoint=3)
    gradients = lstm.backward(run, final={"h": np.ones((2, 3), dtype)})
    stream = lstm.stream(params, 2)
    state = lstm.step(lstm.freeze(params), x[0], lstm.step(params, x[0], stream.step(x[0])))
    print(run.final["h"].sum(), sum(a.sum() for a in gradients.params.values()), state["c"].sum())
print("numba.np.arraymath" in sys.modules)
"""


def test_a_second_process_reads_what_is_cached_and_needs_no_compiler(tmp_path):
    """Numba's compiler is ready once its tables of NumPy's functions are loaded, which takes longer than reading a kernel."""
    generate(cells.lstm, tmp_path)
    first, second = (run_python(USE, tmp_path, SYMCELL_CACHE_DIR=str(tmp_path / "cache")).split() for _ in range(2))
    assert (first.pop(), second.pop()) == ("True", "False")
    assert first == second


def test_a_module_may_be_imported_by_another_name_later(tmp_path):
    """Alone first, then as part of a package, where nothing has the first name any more."""
    generate(cells.rnn, tmp_path / "kernels")
    (tmp_path / "kernels" / "__init__.py").touch()
    code = "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np; import {0}; m = sys.modules['{0}']\n"
    code += "r = m.forward(m.init(n_x=2, n_h=3), np.ones((2, 1, 2), 'float32')); g = m.backward(r, {{'a': np.ones((2, 1, 3), 'float32')}})\n"
    code += "print(r.final['a'].sum(), sum(a.sum() for a in g.params.values()))"
    places = (tmp_path / "kernels", "rnn"), (tmp_path, "kernels.rnn")
    alone, packaged = (run_python(code.format(name), folder) for folder, name in places)
    assert alone == packaged


def test_a_kernel_of_the_catalogue_needs_no_sympy():
    code = "import sys; from symcell.generated import lstm; print('sympy' in sys.modules, lstm.kernel.interface.name)"
    assert run_python(code).split() == ["False", "lstm"]


def test_the_public_face_is_whole():
    assert {"Cell", "CellError", "State", "generate", "affine", "gelu", "relu", "total"} <= set(symcell.__all__) <= set(dir(symcell))
    for name in symcell.__all__:
        assert getattr(symcell, name).__module__.startswith(("symcell.", "sympy.codegen.")), name
    assert symcell.cells is cells
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = symcell.nonsense


def test_a_read_only_folder_is_no_obstacle(tmp_path):
    code = "import sys; from symcell import cells; k = cells.rnn.compile(); import numpy as np\n"
    code += "print(k.forward(k.init(n_x=2, n_h=2), np.zeros((2, 1, 2), 'float32')).final['a'].shape)"
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made below a file")
    assert "(1, 2)" in run_python(code, SYMCELL_CACHE_DIR=str(blocked / "cache"), NUMBA_CACHE_DIR=str(tmp_path / "numba"))


@pytest.mark.skipif(os.name != "posix", reason="only there do folders have owners and modes")
def test_a_temporary_folder_that_others_can_write_to_is_not_used(tmp_path, monkeypatch):
    """What lies there is executed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(on_disk, "_private_folder", cache(on_disk._private_folder.__wrapped__))
    own = on_disk._temporary_folder()
    assert own.parent == tmp_path and on_disk._temporary_folder() == own
    own.chmod(0o777)
    other = on_disk._temporary_folder()
    assert other != own and other.stat().st_mode & 0o777 == 0o700
    own.rmdir()
    own.symlink_to(other)
    assert on_disk._temporary_folder() == other


def test_an_intermediate_may_have_the_name_of_an_adjoint():
    x, h, dx = Input("x"), State("h"), symbols("dx")
    kernel = Cell("delta", [Eq(dx, x - h.prev), Eq(h, h.prev + tanh(affine(dx)))]).compile("float64")
    params = kernel.init(n_x=3, n_h=3)
    run = kernel.forward(params, np.ones((4, 2, 3)))
    assert np.isfinite(kernel.backward(run, {"h": np.ones((4, 2, 3))}).inputs["x"]).all()


def test_a_quantity_may_be_called_infinity():
    x, h = Input("x"), State("h", initial=-sympy.oo)
    kernel = Cell("toy", [Eq(h, Max(h.prev, Param("inf") * affine(x, name="a")))]).compile("float64")
    run = kernel.forward(kernel.init(n_x=2, n_h=3), np.ones((4, 1, 2)))
    assert np.isfinite(run.final["h"]).all() and run.final["h"].shape == (1, 3)
