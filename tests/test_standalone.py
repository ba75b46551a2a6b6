"""One runtime in a process, whoever imports it: symcell, generated modules, and folders that have a copy of it."""

import os
import sys

import numpy as np
import pytest
from support.command_line import refused, succeeds
from support.folders import BLOCKED, IMPORTS, numbers
from support.processes import run_python
from sympy import Eq, tanh

import symcell
from symcell import Cell, CellError, Input, State, affine, cells
from symcell.modules import generate
from symcell.runtime.version import VERSION


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A standalone folder with two modules."""
    folder = tmp_path_factory.mktemp("standalone") / "kernels"
    for cell in (cells.rnn, cells.lstm):
        generate(cell, folder, standalone=True)
    return folder


# What the folder has.


def test_the_runtime_is_copied_verbatim_once_a_folder(folder):
    source = os.path.dirname(symcell.runtime.__file__)
    names = [name for name in os.listdir(source) if name.endswith(".py")]
    assert sorted(os.listdir(folder)) == ["lstm.py", "rnn.py", "symcell_runtime"]
    assert sorted(os.listdir(folder / "symcell_runtime")) == sorted(names)
    for name in names:
        with open(os.path.join(source, name), "rb") as file:
            assert (folder / "symcell_runtime" / name).read_bytes() == file.read()


def test_the_copy_is_kept_up_to_date_and_files_of_earlier_ones_go(tmp_path):
    generate(cells.rnn, tmp_path, standalone=True)
    runtime = tmp_path / "symcell_runtime"
    before = (runtime / "kernel.py").stat().st_mtime_ns
    (runtime / "sums.py").write_text("# of an earlier version\n")
    (runtime / "earlier.py").write_text("# of an earlier version\n")
    generate(cells.lstm, tmp_path, standalone=True)
    assert not (runtime / "earlier.py").exists() and "def summed" in (runtime / "sums.py").read_text()
    assert (runtime / "kernel.py").stat().st_mtime_ns == before  # what is right is not written again


def test_a_folder_of_that_name_that_is_no_runtime_stays_as_it_is(tmp_path):
    (tmp_path / "symcell_runtime").mkdir()
    (tmp_path / "symcell_runtime" / "mine.py").write_text("mine")
    with pytest.raises(CellError, match="is no copy of symcell's runtime, and stays as it is"):
        generate(cells.rnn, tmp_path, standalone=True)
    assert os.listdir(tmp_path) == ["symcell_runtime"] and os.listdir(tmp_path / "symcell_runtime") == ["mine.py"]


def test_a_module_that_imports_symcell_comes_alone(tmp_path):
    generate(cells.rnn, tmp_path)
    assert os.listdir(tmp_path) == ["rnn.py"]


def test_the_command_line_writes_standalone_folders(tmp_path):
    assert "rnn.py" in succeeds("generate", "rnn", "--standalone", "-o", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["rnn.py", "symcell_runtime"]
    (tmp_path / "symcell_runtime" / "version.py").unlink()
    assert "is no copy of symcell's runtime" in refused("generate", "rnn", "--standalone", "-o", tmp_path)


# Where it works.


@pytest.mark.parametrize("imports", IMPORTS)
def test_a_standalone_folder_needs_numpy_and_numba_alone(imports, folder):
    kernel, x = cells.rnn.compile(), np.linspace(-1, 1, 12, dtype="float32").reshape(3, 2, 2)
    run = kernel.forward(kernel.init(n_x=2, n_h=3, seed=1), x)
    gradients = kernel.backward(run, {"a": np.ones((3, 2, 3), "float32")})
    expected = [run.final["a"].sum(), sum(a.sum() for a in gradients.params.values())]
    np.testing.assert_allclose(numbers(folder, imports), expected, rtol=1e-5)


def test_a_module_trains_where_symcell_and_sympy_cannot_be_imported(folder):
    code = BLOCKED + IMPORTS["sys.path"].replace("rnn", "lstm") + """
import numpy as np
random = np.random.default_rng(0)
params = module.init(n_x=3, n_h=5, seed=1)
frozen = module.freeze(params)
x = random.normal(size=(9, 4, 3)).astype("float32")
wanted = 0.5 * np.sin(random.normal(size=(4, 5))).astype("float32")
losses = []
for _ in range(300):
    run = module.forward(frozen, x)
    error = run.final["h"] - wanted
    losses.append(float((error ** 2).sum()))
    gradients = module.backward(run, final={"h": 2 * error})
    for name in params:
        params[name] -= 0.1 * gradients.params[name]
    frozen.update(params)
stream = module.stream(frozen, 4)
for row in x:
    state = stream.step(row)
assert np.allclose(state["h"], module.forward(params, x).final["h"], atol=1e-5)
assert not any(name.split(".")[0] in ("symcell", "sympy", "jinja2") for name in sys.modules)
print(losses[0], losses[-1])
"""
    first, last = map(float, run_python(code, folder).split())
    assert last < 0.1 * first


def test_the_runtime_of_symcell_needs_no_sympy():
    code = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("sympy", "jinja2", "typer", "matplotlib"):
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Refuse())
import numpy as np
import symcell.runtime
from symcell.generated import rnn
run = rnn.forward(rnn.init(n_x=2, n_h=3), np.ones((2, 1, 2), "float32"))
print(run.final["a"].shape, *(name for name in sys.modules if name.startswith("symcell.") and not name.startswith(("symcell.runtime", "symcell.generated"))))
"""
    assert run_python(code).strip() == "(1, 3)"


# One runtime.

SHARED = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
modules = [importlib.import_module(name) for name in sys.argv[2].split(",")]
import symcell, symcell.runtime as runtime
import symcell_runtime
kernels = [m.kernel for m in modules if isinstance(getattr(m, "kernel", None), runtime.Kernel)]
print(len({type(k) for k in kernels}) == 1 and type(kernels[0]) is runtime.Kernel)
print(symcell.CellError is runtime.CellError is symcell_runtime.CellError)
print(all(getattr(symcell_runtime, name) is getattr(runtime, name) for name in runtime.__all__))
print(sys.modules["symcell_runtime.threads"] is sys.modules["symcell.runtime.threads"])
for kernel in kernels:
    try:
        kernel.init()
    except symcell.CellError as error:
        print("needs the sizes" in str(error))
"""
ORDERS = ("rnn,lstm", "symcell,rnn,lstm", "rnn,symcell,lstm", "symcell.generated.gru,rnn", "rnn,symcell.generated.gru", "symcell.runtime,rnn")


@pytest.mark.parametrize("order", ORDERS)
def test_symcell_and_standalone_modules_share_one_runtime_in_whatever_order_they_are_imported(order, folder):
    assert set(run_python(SHARED, folder, order).split()) == {"True"}


def test_modules_of_one_process_share_errors_runs_and_threads():
    from symcell.generated import gru, lstm

    runs = [module.forward(module.init(n_x=2, n_h=3), np.ones((4, 1, 2), "float32")) for module in (gru, lstm)]
    assert type(runs[0]) is type(runs[1]) is symcell.runtime.Run is type(cells.rnn.compile().forward(cells.rnn.compile().init(
        n_x=2, n_h=3), np.ones((4, 1, 2), "float32")))  # fmt: skip
    assert gru.run_pass is lstm.run_pass is cells.lstm.compile().module.run_pass
    for module in (gru, lstm):
        with pytest.raises(symcell.CellError, match="params lacks"):
            module.forward({}, np.ones((4, 1, 2), "float32"))


def test_a_run_of_one_copy_may_go_backward_with_the_other(folder):
    code = f"""
import sys; sys.path.insert(0, {str(folder)!r})
import numpy as np, rnn
from symcell.runtime import Gradients, Run
run = rnn.forward(rnn.init(n_x=2, n_h=3), np.ones((2, 1, 2), "float32"))
print(type(run) is Run, type(rnn.backward(run)) is Gradients)
"""
    assert run_python(code).split() == ["True", "True"]


def test_a_copy_of_another_text_has_a_runtime_of_its_own_and_the_same_error(tmp_path):
    """As one that an earlier symcell has written: each works, and `except CellError` catches the errors of both."""
    generate(cells.rnn, tmp_path, standalone=True)
    path = tmp_path / "symcell_runtime" / "sums.py"
    path.write_text(path.read_text() + "# of another version\n")
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import numpy as np
import symcell, symcell.runtime, rnn, symcell_runtime
from symcell.generated import gru
print(symcell_runtime.Kernel is not symcell.runtime.Kernel, symcell_runtime.CellError is symcell.CellError)
for module in (rnn, gru):
    module.forward(module.init(n_x=2, n_h=3), np.ones((2, 1, 2), "float32"))
    try:
        module.forward({}, np.ones((2, 1, 2), "float32"))
    except symcell.CellError as error:
        print("params lacks" in str(error))
"""
    assert set(run_python(code, tmp_path).split()) == {"True"}


def test_an_error_goes_to_another_process_where_symcell_is_not(folder):
    code = BLOCKED + IMPORTS["sys.path"] + """
import multiprocessing, lstm
from symcell_runtime import CellError
def fail(k):
    return lstm.init(n_x=k)
with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        pool.map(fail, [0])
    except CellError as error:
        print(type(error).__name__, "lstm: the size n_x" in str(error))
"""
    assert run_python(code, folder).split() == ["CellError", "True"]


# Versions.


@pytest.mark.parametrize("standalone", (False, True))
def test_a_module_of_another_version_of_the_runtime_says_so_at_import_and_what_to_do(standalone, tmp_path):
    path = generate(Cell("old", [Eq(State("h"), tanh(affine(Input("x"), State("h").prev)))]), tmp_path, standalone=standalone)
    text = path.read_text()
    assert text.count(f"check_version({VERSION}, __name__)") == 1
    # What an old module imports may not be there any more: the version is checked before.
    path.write_text(text.replace(f"check_version({VERSION},", "check_version(1,").replace("Kernel, ", "Kernel, gone, ", 1))
    code = """
import sys; sys.path.insert(0, sys.argv[1])
try:
    import old
except ValueError as error:
    print(type(error).__name__, error)
"""
    message = run_python(code, tmp_path)
    assert message.startswith(f"CellError old: generated for version 1 of symcell's runtime, found version {VERSION}; generate the module again")
    assert "symcell.generate(cell, folder)" in message and "install the symcell that generated it" in message


def test_the_error_of_a_module_in_this_process():
    from symcell.generated import rnn

    for init in (cells.rnn.compile().init, rnn.init):
        with pytest.raises(CellError, match="n_x") as raised:
            init(n_x=0, n_h=1)
        assert type(raised.value) is symcell.CellError is symcell.runtime.CellError
    assert "symcell_runtime" not in sys.modules
