"""The command line: every command on a catalogue name and on a file's variable, what it refuses, and its exit status."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import plain, refused, succeeds, symcell
from typer.testing import CliRunner

import symcell.check as check
from symcell import CellError, __version__, cells, cli
from symcell.commands import targets
from symcell.commands.targets import checkout, load_target, reference_of

VARIANT = f"{Path(__file__).parents[1] / 'examples' / 'new_variant.py'}:variant"
CELLS = {"rnn": "rnn", VARIANT: "slow_forget_lstm"}
RNN_OR_VARIANT = pytest.mark.parametrize(("target", "name"), CELLS.items(), ids=CELLS.values())


@pytest.fixture(autouse=True)
def a_wide_page(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


def test_every_command_has_help_with_an_example():
    assert "symcell list" in succeeds("--help")
    for name in ("list", "show", "derive", "diagram", "compare", "generate", "check", "plot", "demo"):
        assert f"• symcell {name}" in succeeds(name, "--help")


def test_the_version():
    assert succeeds("--version") == f"symcell {__version__}\n"


def test_without_a_command_there_is_help():
    assert "symcell list" in plain(symcell().output)


def test_list_has_every_cell_of_the_catalogue():
    output = succeeds("list")
    assert all(name in output for name in cells.names())
    assert "c: gate" in output and "Gers" in output


def test_show():
    output = succeeds("show", "lstm")
    assert "(5)  c = f * c_prev + i * g" in output
    assert "d c[t] / d c[t-1] = f" in output
    assert "(n_h, n_x)" in output and "(T, B, n_h)" in output


def test_show_has_the_ways_through_other_states():
    carousels = succeeds("show", "lstm").split("over several steps")[1].splitlines()
    assert any(line.split()[:2] == ["c", "gate"] and line.split()[-2:] == ["h", "h"] for line in carousels)
    assert any(line.split()[:2] == ["h", "matrix"] and line.split()[-1] == "c" for line in carousels)


def test_show_says_what_a_long_factor_is_made_of():
    output = succeeds("show", "on_lstm")
    assert "d h[t] / d h[t-1] = a sum of products with matrices" in output and "hole" not in output


def test_show_a_variable_of_a_file():
    output = succeeds("show", VARIANT)
    assert "g = tanh(W_g @ x + U_g @ (i * h_prev) + b_g)" in output and "(T, B, n_s)" in output


@RNN_OR_VARIANT
def test_derive(target, name, tmp_path):
    assert succeeds("derive", target).rstrip() == load_target(target).derive().latex().rstrip()
    file = tmp_path / "new" / f"{name}.tex"
    succeeds("derive", target, "--document", "-o", file)
    assert file.read_text().startswith(r"\documentclass")


def test_compare():
    output = succeeds("compare", "lstm", VARIANT)
    assert output.startswith("lstm and slow_forget_lstm differ\n")
    assert "h = o * tanh(c)" not in output and "u = sigmoid(U_u_h @ h + U_u_s @ s_prev + b_u)" in output
    assert succeeds("compare", "lstm", "no_peepholes_lstm") == "lstm and no_peepholes_lstm compute the same\n"


@RNN_OR_VARIANT
def test_generate_writes_and_checks_one_module(target, name, tmp_path):
    assert f"{name}.py" in succeeds("generate", target, "-o", tmp_path)
    succeeds("generate", target, "-o", tmp_path, "--check")
    (tmp_path / f"{name}.py").write_text("something else")
    result = symcell("generate", target, "-o", tmp_path, "--check")
    assert result.exit_code == 1 and "stale" in result.output
    assert (tmp_path / f"{name}.py").read_text() == "something else"


def test_generate_without_a_target_is_about_the_whole_catalogue(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "names", lambda: ["gru", "lstm", "rnn"])
    succeeds("generate", "-o", tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(cells.names())
    succeeds("generate", "--check", "-o", tmp_path)
    succeeds("generate", "lstm", "--check", "-o", tmp_path)  # the others are no orphans
    (tmp_path / "gru.py").unlink()
    succeeds("generate", VARIANT, "-o", tmp_path)
    result = symcell("generate", "--check", "-o", tmp_path)
    assert result.exit_code == 1
    assert "missing" in result.output and "orphaned" in result.output
    succeeds("generate", "--all", VARIANT, "-o", tmp_path)
    succeeds("generate", "--all", VARIANT, "--check", "-o", tmp_path)


@RNN_OR_VARIANT
def test_check(target, name, monkeypatch):
    monkeypatch.setattr(check, "check", functools.partial(check.check, cases=1))
    output = succeeds("check", target, "--seed", "3")
    assert f"{name} (float64)" in output and "all agree" in output
    assert ("differentiated by hand" in output) == (name == "rnn")


def test_check_in_single_precision_with_every_row():
    output = succeeds("check", "rnn", "--dtype", "float32", "--rows")
    assert "d params U_a (complex step)" in output


def test_a_failed_check_is_status_1(monkeypatch):
    failed = check.CheckReport("rnn", "float64", (check.Row("d params U_a (complex step)", 1.0, 1e-9, "T=3"),))
    monkeypatch.setattr(check, "check", lambda *_, **__: failed)
    result = symcell("check", "rnn")
    assert result.exit_code == 1 and "FAIL" in result.output and "d params U_a" in result.output


@RNN_OR_VARIANT
def test_plot(target, name, tmp_path):
    file = tmp_path / f"{name}.png"
    succeeds("plot", target, "-o", file, "--steps", "6", "--hidden", "5")
    assert file.read_bytes().startswith(b"\x89PNG")


def test_plot_of_several_cells_with_a_forget_bias(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr("symcell.documents.plots.draw_norms", lambda panels, path, title: titles.append((title, panels)))
    succeeds("plot", "rnn", VARIANT, "--forget-bias", "2", "--steps", "4", "--hidden", "3", "-o", tmp_path / "flow.png")
    ((title, panels),) = titles
    assert [curve.cell for curve in panels[""]] == ["rnn", "slow_forget_lstm"]
    assert title.replace("\N{NO-BREAK SPACE}", " ").endswith("forget bias = 2 of slow_forget_lstm)")


def test_plot_of_gates_and_of_the_toy(tmp_path):
    for arguments in (("lstm", "--gates", "--epochs", "1", "--hidden", "3"), ("--toy", "--steps", "5", "--forget-bias", "3")):
        file = tmp_path / "picture.png"
        succeeds("plot", *arguments, "-o", file)
        assert file.read_bytes().startswith(b"\x89PNG")
        file.unlink()


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        ((), "takes a target"),
        (("--toy", "rnn"), "--toy takes no target"),
        (("--toy", "--gates"), "--toy takes no target and no --gates"),
        (("--gates",), "--gates takes one target, found 0"),
        (("--gates", "lstm", "gru"), "--gates takes one target, found 2"),
        (("--gates", "rnn"), "cell rnn: it has no gate"),
        ((f"{Path(VARIANT).parent / 'forget_gate.py'}:forget_gate",), "forget_gate: no step reads a state of the step before"),
        (("--gates", "sru"), "digits read by pixels have one input"),
        (("rnn", "gru", "--forget-bias", "1"), "rnn, gru: no gate with a bias keeps a state"),
    ),
)
def test_what_plot_does_not_draw(arguments, words, tmp_path):
    assert words in refused("plot", *arguments, "-o", tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())


def test_demo_on_one_cell(tmp_path):
    output = succeeds("demo", "rnn", "-o", tmp_path, "--epochs", "1")
    names = {"rnn.tex", "rnn.py", "accuracies.csv", "gradient_norm.png", "gradient_norm.csv", "summary.md"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert all(name in output for name in names)
    numbers = (tmp_path / "gradient_norm.csv").read_text().splitlines()
    assert numbers[0] == "panel,cell,state,distance,gradient_norm,carousel_norm" and len(numbers) == 1 + 2 * 64


def test_demo_refuses_what_cannot_read_digits():
    assert "scalar_rnn" in refused("demo", "scalar_rnn")
    assert "so would its outputs of size n_h" in refused("demo", "sru")


# What is refused.


def test_unknown_names():
    assert "did you mean lstm" in refused("show", "lstmm")
    assert "symcell list" in refused("check", "zzz")


def test_folders_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    for command in (("derive", "rnn", "-o", tmp_path / "file" / "rnn.tex"), ("generate", "rnn", "-o", tmp_path / "file")):
        assert "file: this is no folder" in refused(*command) and "Errno" not in refused(*command)


@pytest.mark.parametrize(("text", "why"), [
    ("nowhere.py:cell", "there is no file nowhere.py"),
    ("cells.txt:cell", "path/to/file.py:variable"),
    (VARIANT.removesuffix(":variant"), "path/to/file.py:variable"),
    (VARIANT.replace(":variant", ":"), "the cells in it: variant"),
    (VARIANT.replace(":variant", ":varaint"), "has no variable 'varaint'; the cells in it: variant"),
    (VARIANT.replace(":variant", ":x"), "is no Cell, it is of type Input"),
])
def test_files_and_variables_that_are_not_there(text, why):
    assert why in refused("show", text)


@pytest.mark.parametrize(("source", "why"), [
    ("a = 1\nb = a / 0\n", "line 2: ZeroDivisionError: division by zero"),
    ("a = 1\n\ndef broken(:\n", "line 3: SyntaxError"),
    ("from symcell import Cell\ncell = Cell('empty', [])\n", "line 2: CellError: cell empty has no equations"),
    ("raise SystemExit('no')\n", "line 1: SystemExit: no"),
    ("cell = 1\n", "no variable in it is a Cell"),
])
def test_files_that_do_not_work(source, why, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(source)
    assert why in refused("show", f"{file}:cell")


def test_a_file_may_import_its_neighbours(tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("from symcell.cells import gru\n")
    (tmp_path / "mine.py").write_text("from neighbour_of_mine import gru as cell\n")
    assert load_target(f"{tmp_path / 'mine.py'}:cell") is cells.gru


def test_a_file_is_read_anew_every_time(tmp_path):
    file = tmp_path / "mine.py"
    for name in ("gru", "rnn"):
        file.write_text(f"from symcell.cells import {name} as cell\n")
        assert load_target(f"{file}:cell") is cells.get(name)


def test_a_wrong_dtype_and_an_unwritable_file(tmp_path):
    assert "float16" in refused("check", "rnn", "--dtype", "float16")
    (tmp_path / "file").write_text("")
    assert "file" in refused("derive", "rnn", "-o", tmp_path / "file" / "rnn.tex")


def test_nothing_is_written_if_one_of_several_modules_cannot_be_made(tmp_path):
    file = tmp_path / "two.py"
    file.write_text(
        "from sympy import Eq, tanh\nfrom symcell import Cell, Input, Param, State, affine\nh = State('h')\n"
        "good = Cell('good', [Eq(h, tanh(affine(Input('x'), h.prev)))])\n"
        "deaf = Cell('deaf', [Eq(h, tanh(Param('U') @ h.prev))])\n"
    )
    assert "deaf has no input" in refused("generate", f"{file}:good", f"{file}:deaf", "-o", tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("command", ("check", "plot", "demo"))
@pytest.mark.parametrize("seed", (-1, 2**32))
def test_a_seed_that_is_none(command, seed):
    result = CliRunner().invoke(cli.application(), [command, "rnn", "--seed", str(seed)])
    assert result.exit_code == 2 and "--seed" in plain(result.output)


def test_pictures_of_other_kinds(tmp_path):
    assert ".png" in refused("plot", "rnn", "-o", tmp_path / "picture.xyz")
    assert succeeds("plot", "scalar_rnn", "--steps", "4", "-o", tmp_path / "picture").strip() == str(tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_two_cells_of_one_name(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from symcell import Cell\nfrom symcell.cells import gru\nfrom sympy import Eq\n"
                    "cell = Cell('rnn', [Eq(e.target, e.rhs) for e in gru.equations])\n")
    assert "two cells have the name rnn" in refused("generate", "rnn", f"{file}:cell", "-o", tmp_path)
    assert reference_of(load_target(f"{file}:cell")) is None


def test_without_typer_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(cli, "typer", None)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    why = capsys.readouterr().err
    assert why == f'symcell: the command line needs more packages: pip install -e ".[cli]" in {checkout()}\n'


def test_without_matplotlib_a_picture_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    assert f'pip install -e ".[demo]" in {checkout()}' in refused("plot", "lstm")


def test_a_process_without_typer():
    code = "import sys; sys.modules['typer'] = None; from symcell import cli; cli.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("symcell: the command line needs more packages: pip install")


def test_who_has_installed_a_wheel_is_told_what_suits_it(monkeypatch, tmp_path):
    monkeypatch.setattr(targets, "checkout", lambda: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    assert 'needs more packages: pip install "symcell[demo]"' in refused("demo", "lstm")


def test_errors_are_cell_errors():
    with pytest.raises(CellError):
        load_target("nothing")


def test_bench_measures_every_point(monkeypatch):
    monkeypatch.setattr("symcell.bench._ENOUGH", 0.0)
    text = succeeds("bench", "rnn", "--point", "3,2,5", "--point", "2,1,4")
    assert "rnn, float32" in text and "GF/s" in text
    assert len([line for line in text.splitlines() if line.split()[:3] in (["3", "2", "5"], ["2", "1", "4"])]) >= 2


@pytest.mark.parametrize("point", ["3,2", "a,b,c", "0,1,1", ""])
def test_bench_refuses_what_is_no_point(point):
    assert "T" in refused("bench", "rnn", "--point", point)


def test_operations_of_an_lstm():
    """Four gates, from input and state: a product forward, and two backward, of two operations for each weight."""
    from symcell.bench import operations

    assert operations(cells.lstm, 32) == 3 * 2 * 4 * (32 * 32 + 32 * 32)
