"""The benchmarks' rivals compute what symcell computes, and the clock's ratios mean what they say. No figure is tested here."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.plain import plain_kernel

from benchmarks import clock, jax_cells, layer, limits, race, report, summary, torch_cells, work
from benchmarks.contestants import Jax, Problem, Symcell, compare
from symcell import Cell

ROOT = Path(__file__).parent.parent
IN_JAX = sorted({r.cell for r in race.RACES.values() if any(maker is Jax for maker, _ in r.both)})


@pytest.mark.parametrize("name", IN_JAX)
def test_rivals_agree(name, monkeypatch):
    """With what kernels compute as plain Python, which is that of the compiled ones."""
    monkeypatch.setattr(Cell, "compile", plain_kernel)
    cell = race.cell_of(name)
    problem = Problem(cell, 6, 3, {n: {"n_heads": 2, "n_r": 3, "n_s": 3}.get(n, 8) for n in cell.sizes}, "float64")
    arrays = problem.arrays()
    compare([Symcell(problem, *arrays), Jax(problem, *arrays)], "float64")


def test_a_rival_that_is_wrong_is_found(monkeypatch):
    original = jax_cells.lstm
    monkeypatch.setattr(jax_cells, "lstm", lambda p, x, init: original(p | {"U_i": p["U_f"], "U_f": p["U_i"]}, x, init))
    cell = race.cell_of("lstm")
    problem = Problem(cell, 4, 2, dict.fromkeys(cell.sizes, 5), "float64")
    arrays = problem.arrays()
    with pytest.raises(AssertionError, match="differ in"):
        compare([Symcell(problem, *arrays), Jax(problem, *arrays)], "float64")


def test_the_layer_computes_what_its_rivals_compute():
    cell = race.cell_of("lstm")
    problem = Problem(cell, 4, 2, {"n_x": 3, "n_h": 5}, "float64")
    arrays = problem.arrays()
    loop = layer.CompiledLoop(problem, *arrays)
    loop.step = torch_cells.lstm_step  # compiled, it takes seconds
    compare([Symcell(problem, *arrays), layer.Layer(problem, *arrays), loop], "float64")


def test_the_table_of_the_layer():
    times = {"symcell": [1e-4] * 3, "layer": [2e-4] * 3, "torch.nn.LSTM": [3e-4] * 3, "compiled": [4e-4] * 3}
    figures = layer._figures(times)
    assert figures["over_us"] == pytest.approx(90) and figures["lstm"] == pytest.approx(1.5)
    assert layer.table([{"threads": 1, "T": 1, "B": 2, "I": 3, "N": 4, **figures}]).row_count == 1


def test_ratios_are_rival_by_symcell():
    times = clock.interleaved({"symcell": lambda: time.sleep(0.001), "slow": lambda: time.sleep(0.004)}, 0.1)
    assert 2 < clock.ratio(times, "slow") < 6


def test_the_report_has_every_row(tmp_path, capsys):
    rows = [{"race": "lstm", "cell": "lstm", "dtype": "float32", "threads": k, "T": 2, "B": B, "I": 3, "N": 3, "what": what, "rival": "torch",
             "symcell_ms": 1.0, "rival_ms": 2.0, "ratio": 2.0, "wanted": 1.2, "rounds": 3}
            for k in (1, 2) for B in (1, 4) for what in ("both", "forward")]  # fmt: skip
    limit = limits._row("step", "one", 1.0, 2.0) | {"threads": 1}
    report.write({"machine": {"processor": "none"}, "peak": 1e11, "race": rows, "limits": [limit]}, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["race"] == rows
    assert (tmp_path / "race.png").stat().st_size > 10_000
    shown = capsys.readouterr().out
    assert "geometric mean, forward + backward: 2.00" in shown and "at least 2.0" in shown


def test_what_arithmetic_allows():
    """Of an LSTM, four gates have two products with matrices of N by N each; QRNN's three have two, and no step needs them."""
    row = {"race": "lstm", "dtype": "float32", "threads": 2, "T": 5, "B": 3, "I": 7, "N": 7, "what": "forward", "rival_ms": 1.0}
    assert work.operations(row) == 2 * 8 * 7 * 7 * 5 * 3 and work.operations(row | {"what": "both"}) == 3 * work.operations(row)
    assert work.multiplications("qrnn", 4) == 6 * 4 * 4 and work.multiplications("gru", 5) == 6 * 5 * 5
    assert work.highest_ratio(row, peak=1e6) == 2 * work.highest_ratio(row | {"dtype": "float64"}, peak=1e6) == 2e3 / 11760


def test_the_command_explains_itself():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--only" in done.stdout


def test_pages_have_the_figures_of_the_results():
    pages = summary.pages(json.loads((ROOT / "docs" / "results.json").read_text()))
    assert ROOT / "README.md" in pages
    for page, figures in pages.items():
        assert summary.filled(page, figures) == page.read_text(encoding="utf-8")


def test_products_can_be_left_out(monkeypatch):
    cell = race.cell_of("mingru")
    problem = Problem(cell, 5, 2, race.sizes_of(cell, 8))
    own = Symcell(problem, *problem.arrays())
    whole = own.outcome()["output"].copy()
    monkeypatch.setattr(cell.compile("float32").module, "products_of", limits._idle)
    assert (own.outcome()["output"] != whole).any()
