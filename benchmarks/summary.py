"""python -m benchmarks.summary: put the figures of docs/results.json into docs/performance.md, and a few into README, between their marks."""

import json
import re
from pathlib import Path

from benchmarks.race import POINTS
from benchmarks.work import highest_ratio

_ROOT = Path(__file__).parent.parent
_LIMITED = ("LSTM, torch.nn.LSTM", "LSTM, jax.jit(lax.scan)", "the example's variant, JAX")  # where it is said what is possible
_ROWS = (  # what pages call it, race, rival, what, threads
    ("LSTM, torch.nn.LSTM", "lstm", "torch.nn.LSTM", "both", (1, 2)),
    ("GRU, torch.nn.GRU", "gru", "torch.nn.GRU", "both", (1,)),
    ("RNN, torch.nn.RNN", "rnn", "torch.nn.RNN", "both", (1,)),
    ("LSTM in float64, torch.nn.LSTM", "lstm-float64", "torch.nn.LSTM", "both", (1,)),
    ("LSTM, jax.jit(lax.scan)", "lstm-others", "jax", "both", (1, 2)),
    ("LSTM, torch cell in a loop", "lstm-others", "torch loop", "both", (1,)),
    ("the example's variant, JAX", "variant", "jax", "both", (1,)),
    ("the example's variant, torch loop", "variant", "torch loop", "both", (1,)),
    ("LSTM forward alone, torch.nn.LSTM", "lstm", "torch.nn.LSTM", "forward", (1, 2)),
    ("LSTM forward alone, frozen parameters, onnxruntime", "lstm", "onnxruntime", "forward", (1, 2)),
)
_SHORT = ("LSTM, torch.nn.LSTM", "GRU, torch.nn.GRU", "LSTM, jax.jit(lax.scan)", "the example's variant, JAX",
          "LSTM forward alone, frozen parameters, onnxruntime")  # fmt: skip
_ZOO = (("coRNN", "cornn"), ("layer norm LSTM", "layer_norm_lstm"), ("sLSTM", "slstm"), ("LSTMP", "lstmp"))
_HEADS = (("GLA", "gla"), ("Mamba-2", "mamba2"))
_SCANS = (("minGRU", "mingru"), ("QRNN", "qrnn"), ("SRU", "sru_v1"))
_MARKS = "<!-- figures -->", "<!-- end of figures -->"


def main():
    found = json.loads((_ROOT / "docs" / "results.json").read_text())
    for page, figures in pages(found).items():
        page.write_text(filled(page, figures), encoding="utf-8")


def pages(found):
    """The pages with figures of a run, each with what stands between its marks."""
    few = [*_table([row for row in _ROWS if row[0] in _SHORT], [POINTS[k] for k in (0, 3, 4, 7)], found, threads=(1,), limits=False)]
    every = [*_table(_ROWS, POINTS, found), "", "![ratios and rates of arithmetic](race.png)", "", *_limits(found)]
    return {_ROOT / "docs" / "performance.md": every, _ROOT / "README.md": few}


def filled(page, figures):
    """The text of a page with its figures."""
    begin, end = map(re.escape, _MARKS)
    text, count = re.subn(f"(?s)(?<={begin}\n).*?(?={end})", lambda _: "\n".join([*figures, ""]), page.read_text(encoding="utf-8"))
    assert count == 1, f"{page} has no place for the figures"
    return text


def _table(chosen, points, found, threads=(1, 2), limits=True):
    yield "| | " + " | ".join(f"T{T} B{B} N{N}" for T, B, N in points) + " |"
    yield "|---" * (len(points) + 1) + "|"
    for label, race, rival, what, counts in chosen:
        for count in (n for n in counts if n in threads):
            rows = {(r["T"], r["B"], r["N"]): r for r in found["race"]
                    if (r["race"], r["rival"], r["what"], r["threads"]) == (race, rival, what, count)}  # fmt: skip
            yield _line(label if count == 1 else "the same, two threads each", [rows[p]["ratio"] for p in points])
            if count == 1 and limits and label in _LIMITED:
                yield _line("*what arithmetic allows*", [highest_ratio(rows[p], found["peak"]) for p in points])


def _line(label, ratios):
    return f"| {label} | " + " | ".join(f"{r:.2f}" if r < 10 else f"{r:.0f}" for r in ratios) + " |"


def _limits(found):
    def of(table, threads=2):
        return {r["what"]: r for r in found["limits"] if r["table"] == table and r["threads"] == threads}

    def of_both(cells):
        pairs = {(r["race"], r["threads"]): r["ratio"] for r in found["race"]}
        return ", ".join(f"{label} {pairs[race, 1]:.2f} and {pairs[race, 2]:.2f}" for label, race in cells)

    def ends(rows):
        values = sorted(r["measured"] for r in rows)
        return f"{values[0]:.2f} to {values[-1]:.2f}"

    step, compiling, long = of("step"), of("compiling"), of("long")
    million, again = long["T=1,000,000 with checkpoints: peak MB"], long["T=100,000: checkpoints / plain, time"]
    cached = ends(r for what, r in compiling.items() if "from the cache" in what)
    alone = ", ".join(f"{r['measured']:.2f}" for r in of("scans", 1).values())
    tape = ", ".join(f"{r['what'].split(':')[0]} {r['measured']} (torch's module {r['note'].split()[-1]})" for r in of("tape").values())
    return [
        f"- Four cells of the literature against JAX (T100 B32 N128, one thread and two): {of_both(_ZOO)}.",
        f"- Cells with heads against `lax.scan` (T1000 B8, 8 heads of 64 x 64, one thread and two): {of_both(_HEADS)}.",
        f"- Scans against `associative_scan` (T1000 B8 N512, one thread and two): {of_both(_SCANS)}; with one thread, their",
        f"  sweeps alone reach {alone} of the machine's bandwidth in copying.",
        f"- One `step` of an LSTM of 32 units, called from Python: {step['torch.nn.LSTMCell / symcell']['note']}.",
        f"- Two threads against one, B >= 32 and N >= 128: {ends(of('threads').values())}. NumPy's or torch's matrix products alone take",
        f"  {ends([*of('products', 1).values(), *of('products', 2).values()])} times as long as symcell's whole forward and backward pass.",
        f"- Cold start of a generated module, compiling included: LSTM {compiling['lstm: cold, seconds']['measured']:.1f} s, layer norm LSTM",
        f"  {compiling['layer_norm_lstm: cold, seconds']['measured']:.1f} s, Mamba {compiling['mamba: cold, seconds']['measured']:.1f} s; from Numba's cache"
        f" {cached} s; never again for other sizes.",
        f"- Kept for the backward pass, numbers a unit and step: {tape}.",
        f"- T=1,000,000 with checkpoints: a training step of an LSTM of 64 units takes {million['note'].split(';')[0]} and"
        f" {million['measured']:.0f} MB in all, 256 MB of them inputs;",
        f"  with T=100,000, checkpoints take {again['measured']:.2f} times as long as keeping everything.",
    ]


if __name__ == "__main__":
    main()
