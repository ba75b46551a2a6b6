"""The race: every table's cells, points and rivals, and the ratio that symcell has to reach."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clock import interleaved, ratio
from benchmarks.contestants import Jax, Onnx, Problem, Symcell, Torch, compare

POINTS = (  # T, B, N
    (100, 1, 32), (100, 32, 32), (100, 1, 128), (100, 32, 128), (100, 64, 256), (50, 64, 512), (50, 1, 512), (30, 128, 1024),
)  # fmt: skip
UNEQUAL = (  # T, B, inputs, N
    (35, 20, 650, 650), (100, 16, 80, 200), (50, 64, 10, 100), (784, 100, 1, 128), (20, 256, 300, 300), (37, 17, 23, 50),
)  # fmt: skip


def at_least_2(N):
    return 2.0


def of_a_loop(N):
    return 5.0 if N <= 128 else 3.0


@dataclass(frozen=True)
class Race:
    """A cell against rivals: (contestant, what the ratio has to be, of the size) for forward and backward, and for forward alone with
    frozen parameters, which rivals always have. Points are (T, B, N), or (T, B, inputs, N)."""

    cell: str
    both: tuple = ()
    forward: tuple = ()
    points: tuple = POINTS
    dtype: str = "float32"
    threads: tuple = (1, 2)


def loop(*args):
    return Torch(*args, loop=True)


VENDOR = ((Torch, lambda N: 1.2),)
OTHERS = ((Jax, at_least_2), (loop, of_a_loop))
RACES = {
    "lstm": Race("lstm", VENDOR, ((Torch, lambda N: 1.0), (Onnx, lambda N: 1.0))),
    "lstm-unequal": Race("lstm", ((Torch, lambda N: 1.0),), points=UNEQUAL),
    "gru": Race("gru_reset_after", VENDOR),
    "rnn": Race("rnn", VENDOR),
    "lstm-others": Race("lstm", OTHERS),
    "peephole": Race("peephole_lstm", OTHERS),
    "variant": Race("slow_forget_lstm", OTHERS),
    "lstm-float64": Race("lstm", ((Torch, lambda N: 1.0),), dtype="float64"),
    **{name: Race(name, ((Jax, at_least_2),), points=((100, 32, 128),)) for name in
       ("cornn", "layer_norm_lstm", "slstm", "lstmp")},
    **{name: Race(name, ((Jax, at_least_2),), points=((1000, 8, 512),)) for name in ("mingru", "qrnn", "sru_v1", "gla", "mamba2")},
}  # fmt: skip


def cell_of(name):
    from symcell import cells

    if name == "slow_forget_lstm":
        sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
        from new_variant import variant

        return variant
    return cells.get(name)


def sizes_of(cell, N, inputs=None):
    """Every size N, but what must be smaller: heads, ranks; and perhaps the inputs."""
    special = {"n_heads": 4, "n_r": N // 2, "n_s": N // 2}
    if any(shape.over for shape in cell.shapes.values()):
        special |= {"n_heads": 8, "n_r": 16} | dict.fromkeys(("n_k", "n_v", "n_p", "n_s"), N // 8)
    special |= {"n_x": inputs or N}
    return {n: special.get(n, N) for n in cell.sizes}


def run(name, threads, seconds=4.0, points=None):
    """The rows of a race: a dict each."""
    race, rows = RACES[name], []
    cell = cell_of(race.cell)
    for T, B, *inputs, N in race.points if points is None else [race.points[k] for k in points if k < len(race.points)]:
        problem = Problem(cell, T, B, sizes_of(cell, N, *inputs), race.dtype, threads)
        arrays = problem.arrays()
        makers = dict.fromkeys(maker for maker, _ in (*race.both, *race.forward))
        own, rivals = Symcell(problem, *arrays), {maker: maker(problem, *arrays) for maker in makers}
        compare([own, *rivals.values()], race.dtype)
        for what, entries in (("both", race.both), ("forward", race.forward)):
            if not entries:
                continue
            calls = {own.name: getattr(own, what)}
            calls |= {c.name: c.both if what == "both" else c.forward for c in (rivals[maker] for maker, _ in entries)}
            times = interleaved(calls, seconds)
            medians = {k: sorted(v)[len(v) // 2] for k, v in times.items()}
            for maker, wanted in entries:
                rival = rivals[maker].name
                rows.append({
                    "race": name, "cell": race.cell, "dtype": race.dtype, "threads": threads, "T": T, "B": B, "I": inputs[0] if inputs else N, "N": N, "what": what,
                    "rival": rival, "symcell_ms": medians["symcell"] * 1e3, "rival_ms": medians[rival] * 1e3,
                    "ratio": ratio(times, rival), "wanted": wanted(N), "rounds": len(times[rival])})  # fmt: skip
                print("{race:16} {what:8} T{T} B{B} I{I} N{N} {rival:14} {rival_ms:9.2f} ms, symcell {symcell_ms:9.2f} ms, ratio {ratio:6.2f} "
                      "of {wanted}".format(**rows[-1]), file=sys.stderr, flush=True)  # fmt: skip
    return rows
