"""symcell.torch.Layer inside PyTorch, forward and backward, in one run: beside the bare kernel, torch.nn.LSTM, and an LSTM cell that
torch.compile has compiled, in a Python loop over steps."""

import statistics
import sys

from benchmarks.clock import interleaved, ratio
from benchmarks.contestants import Problem, Symcell, Torch, compare
from benchmarks.race import POINTS, cell_of, sizes_of

# T, B, inputs, N
ALL = (*((T, B, N, N) for T, B, N in POINTS),
       (100, 16, 80, 200), (50, 64, 10, 100), (1000, 1, 40, 96), (35, 20, 650, 650), (784, 100, 1, 128))  # fmt: skip
_SHARE, _MICROSECONDS, _MEAN, _LOOP = 0.10, 90, 1.3, 1.8  # what may come to the kernel's time; ratios to reach


def of_lstm(N):
    return 1.0 if N < 512 else 0.97


class Layer:
    def __init__(self, problem, params, x, initial, cotangent):
        import torch

        from symcell.torch import Layer

        torch.set_num_threads(problem.threads)
        self.layer = Layer(problem.cell, sizes=problem.sizes, dtype=getattr(torch, problem.dtype))
        with torch.no_grad():
            for name, a in params.items():
                self.layer.weight(name).copy_(torch.from_numpy(a))
        self.names, self.name = list(params), "layer"
        self.x, self.cotangent = torch.from_numpy(x).requires_grad_(), torch.from_numpy(cotangent)
        self.initial = {name: torch.from_numpy(a)[None].requires_grad_() for name, a in initial.items()}
        self.leaves = [self.x, *self.initial.values(), *self.layer.parameters()]

    def both(self):
        for leaf in self.leaves:
            leaf.grad = None
        out, _ = self.layer(self.x, self.initial)
        out.backward(self.cotangent)
        return out

    def outcome(self):
        out, stacks = self.both(), self.layer._stacks("_l0")
        grads = self.layer._compiled.unstacked({name: t.grad for name, t in stacks.items()}, self.layer.sizes)
        found = {"output": out.detach(), "dx": self.x.grad} | grads | {f"d {n}": t.grad[0] for n, t in self.initial.items()}
        return {name: t.numpy() for name, t in found.items()}


class CompiledLoop:
    """The step is compiled for these sizes, with its backward pass; Python goes through the steps."""

    def __init__(self, problem, params, x, initial, cotangent):
        import torch

        from benchmarks.torch_cells import lstm_step

        torch.set_num_threads(problem.threads)
        torch._dynamo.reset()
        self.stacks = [torch.cat([torch.from_numpy(params[f"{k}_{g}"]) for g in "ifgo"]).requires_grad_() for k in "WUb"]
        self.x, self.cotangent = torch.from_numpy(x).requires_grad_(), torch.from_numpy(cotangent)
        self.initial = [torch.from_numpy(initial[name]).requires_grad_() for name in "hc"]
        self.leaves, self.step, self.name = [self.x, *self.initial, *self.stacks], torch.compile(lstm_step, dynamic=False), "compiled"
        self.stack = torch.stack

    def both(self):
        for leaf in self.leaves:
            leaf.grad = None
        (h, c), shown = self.initial, []
        for x_t in self.x.unbind():
            h, c = self.step(x_t, h, c, *self.stacks)
            shown.append(h)
        out = self.stack(shown)
        out.backward(self.cotangent)
        return out

    def outcome(self):
        found = {"output": self.both().detach(), "dx": self.x.grad, "d h": self.initial[0].grad, "d c": self.initial[1].grad}
        for k, stack in zip("WUb", self.stacks, strict=True):
            found |= {f"{k}_{g}": part for g, part in zip("ifgo", stack.grad.chunk(4), strict=True)}
        return {name: t.numpy() for name, t in found.items()}


def run(threads, seconds=4.0, points=None):
    """The rows: a dict each."""
    cell, rows = cell_of("lstm"), []
    for T, B, inputs, N in ALL if points is None else [ALL[k] for k in points]:
        problem = Problem(cell, T, B, sizes_of(cell, N, inputs), threads=threads)
        arrays = problem.arrays()
        found = [maker(problem, *arrays) for maker in (Symcell, Layer, Torch, CompiledLoop)]
        compare(found, problem.dtype)
        times = interleaved({c.name: c.both for c in found}, seconds)
        rows.append({"threads": threads, "T": T, "B": B, "I": inputs, "N": N, **_figures(times), "rounds": len(times["layer"])})
        print("layer T{T} B{B} I{I} N{N}: kernel {kernel_ms:.3f} ms, layer {layer_ms:.3f} ms, over {over_us:.0f} us, lstm {lstm:.2f}, "
              "compiled {compiled:.2f}".format(**rows[-1]), file=sys.stderr, flush=True)  # fmt: skip
    return rows


def _figures(times):
    """Milliseconds; the ratios of the rivals to the layer; and what the layer takes beyond the kernel and its share, in
    microseconds."""
    over = statistics.median(a - (1 + _SHARE) * k for a, k in zip(times["layer"], times["symcell"], strict=True))
    found = {"kernel_ms": "symcell", "layer_ms": "layer", "lstm_ms": "torch.nn.LSTM", "compiled_ms": "compiled"}
    return {key: statistics.median(times[name]) * 1e3 for key, name in found.items()} | {
        "over_us": over * 1e6,
        "lstm": ratio(times, "torch.nn.LSTM", "layer"),
        "compiled": ratio(times, "compiled", "layer"),
    }


def table(rows):
    """The rows as a table, with colours where a requirement is met or not."""
    from rich.table import Table

    shown = Table(title="symcell.torch.Layer of the LSTM, forward + backward", title_justify="left")
    for column in ("threads", "T", "B", "I", "N", "kernel, ms", "layer, ms", f"beyond {1 + _SHARE:.0%}, us", "torch.nn.LSTM / layer",
                   "compiled cell / layer"):  # fmt: skip
        shown.add_column(column, justify="right")
    for r in sorted(rows, key=lambda r: r["threads"]):
        passed = r["over_us"] <= _MICROSECONDS, r["lstm"] >= of_lstm(r["N"]), r["compiled"] >= _LOOP
        texts = f"{r['over_us']:.0f}", f"{r['lstm']:.2f}", f"{r['compiled']:.2f}"
        coloured = (f"[{'green' if p else 'red'}]{text}[/]" for p, text in zip(passed, texts, strict=True))
        shown.add_row(*(str(r[k]) for k in ("threads", *"TBIN")), f"{r['kernel_ms']:.3f}", f"{r['layer_ms']:.3f}", *coloured)
    means = [statistics.geometric_mean(r[key] for r in rows) for key in ("lstm", "compiled")]
    shown.caption = f"geometric means: {means[0]:.2f} of {_MEAN}, {means[1]:.2f}"
    return shown
