"""The examples run, and say what they are meant to say."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symcell import cells

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_worked_forget_gate():
    gate = example("forget_gate")
    np.testing.assert_allclose(gate.W_F @ gate.A + gate.B_F, [3.59, -2.13])
    value, slope = gate.gate()
    np.testing.assert_allclose(value, [0.9731, 0.1062], atol=5e-5)
    np.testing.assert_allclose(slope, value * (1 - value), rtol=1e-12)
    assert abs(value[0] - 0.7941) > 0.1  # the notes' misprint


def test_the_forget_gate_prints_its_derivation(capsys):
    example("forget_gate").main()
    printed = capsys.readouterr().out
    assert "f = sigmoid(z_f)" in printed and "dz_f = df * f * (1 - f)" in printed
    assert "0.9731" in printed and "misprint" in printed


def test_the_shapes_of_the_new_variant():
    """test_cli checks its kernel."""
    variant = example("new_variant").variant
    assert {s.name: tuple(map(str, variant.shape(s))) for s in variant.states} == {"c": ("n_h",), "h": ("n_h",), "s": ("n_s",)}


def test_the_new_variants_cell_state_is_a_carousel():
    module = example("new_variant")
    carousel = module.variant.carousel(module.c)
    assert carousel.factor == module.f and carousel.kind == "gate"
    assert set(carousel.detours) == {module.h, module.s}


@pytest.mark.parametrize("name", ["forget_gate", "new_variant"])
def test_examples_run_as_scripts(name, tmp_path):
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr


def test_train_digits_learns_something():
    assert example("train_digits").accuracy_of(cells.rnn, epochs=4, hidden=32) > 0.8


def test_the_ablation_study_is_a_table_and_a_picture(tmp_path, monkeypatch, capsys):
    module = example("ablation")
    assert len(module.VARIANTS) == 10 and {cell.name for cell in module.VARIANTS} > {"cifg_lstm", "no_gates_lstm", "peephole_lstm"}
    monkeypatch.setattr(module, "VARIANTS", [cells.peephole_lstm, cells.cifg_lstm])
    module.main(tmp_path / "ablation.png", seeds=1, epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and any(re.fullmatch(r"cifg_lstm +\d+\.\d %   f = 1 - i", line) for line in lines)
    assert (tmp_path / "ablation.png").read_bytes().startswith(b"\x89PNG")
