"""Everybody who races: symcell, torch's modules and loops, JAX's scans, onnxruntime. Each offers `forward` and `both` as calls without
arguments, and the outcome of `both` by symcell's names, to be compared before anything is timed."""

from dataclasses import dataclass

import numpy as np

from symcell.bench import train


@dataclass(frozen=True)
class Problem:
    """One point of the race. `shown`: the state that the loss reads."""

    cell: object
    T: int
    B: int
    sizes: dict
    dtype: str = "float32"
    threads: int = 1

    @property
    def shown(self):
        return self.cell.outputs[0].name

    def arrays(self):
        """params, x, initial, cotangent of the shown state."""
        kernel = self.cell.compile(self.dtype)
        random = np.random.default_rng(0)
        params = kernel.init(seed=1, **self.sizes)
        shapes = kernel.interface.shapes(**{n: int(self.sizes[n]) for n in self.cell.sizes})

        def drawn(*shape):
            return random.normal(size=shape).astype(self.dtype)

        (x,) = (q.name for q in self.cell.inputs)
        initial = {s.name: drawn(self.B, *shapes[s.name]) for s in self.cell.states}
        if "n" in initial and "m" in initial:  # the sLSTM divides by n
            initial["n"] = np.abs(initial["n"]) + 1
        return params, drawn(self.T, self.B, *shapes[x]), initial, drawn(self.T, self.B, *shapes[self.shown])


class Symcell:
    def __init__(self, problem, params, x, initial, cotangent):
        kernel = problem.cell.compile(problem.dtype)
        options = {"threads": problem.threads}
        frozen = kernel.freeze(params)
        self.forward = lambda: kernel.forward(frozen, x, initial, **options)

        def both():
            train(params)
            return kernel.backward(kernel.forward(params, x, initial, **options), {problem.shown: cotangent})

        self.both, self.update = both, lambda: frozen.update(params)
        self.name, self.shown, self.x = "symcell", problem.shown, problem.cell.inputs[0].name

    def outcome(self):
        grads = self.both()
        self.update()
        return {"output": self.forward().states[self.shown], "dx": grads.inputs[self.x]} | grads.params | {
            f"d {name}": a for name, a in grads.initial.items()}


class Torch:
    """torch.nn's module of that kind, or a cell in a Python loop."""

    def __init__(self, problem, params, x, initial, cotangent, loop=False):
        import torch

        from benchmarks import torch_cells

        torch.set_num_threads(problem.threads)
        self.params = {k: torch.from_numpy(a).requires_grad_() for k, a in params.items()}
        self.x, self.cotangent = torch.from_numpy(x).requires_grad_(), torch.from_numpy(cotangent)
        self.init = {k: torch.from_numpy(a).requires_grad_() for k, a in initial.items()}
        self.vendor = None
        if loop:
            cell = getattr(torch_cells, problem.cell.name)
            self.run = lambda: cell(self.params, self.x, self.init)
        else:
            self.vendor = torch_cells.Vendor(problem.cell.name, params, self.x.dtype)
            self.run = lambda: self.vendor(self.x, self.init)
        self.name = "torch loop" if loop else f"torch.nn.{type(self.vendor.module).__name__}"
        self.no_grad = torch.no_grad
        self.leaves = [self.x, *self.init.values(), *(self.vendor.module.parameters() if self.vendor else self.params.values())]

    def forward(self):
        with self.no_grad():
            return self.run()

    def both(self):
        for leaf in self.leaves:
            leaf.grad = None
        self.run().backward(self.cotangent)

    def outcome(self):
        self.both()
        of_params = self.vendor.gradients() if self.vendor else {k: a.grad.numpy() for k, a in self.params.items()}
        return {"output": self.forward().numpy(), "dx": self.x.grad.numpy()} | of_params | {
            f"d {name}": a.grad.numpy() for name, a in self.init.items()}


class Jax:
    def __init__(self, problem, params, x, initial, cotangent):
        import jax

        jax.config.update("jax_enable_x64", problem.dtype == "float64")
        from benchmarks import jax_cells

        forward, both = jax_cells.compiled(getattr(jax_cells, problem.cell.name))
        given = jax.tree.map(jax.numpy.asarray, (params, x, initial))
        cotangents = {problem.shown: jax.numpy.asarray(cotangent)}
        self.forward = lambda: jax.block_until_ready(forward(*given))
        self.both = lambda: jax.block_until_ready(both(*given, cotangents))
        self.name = "jax"

    def outcome(self):
        (_, shown), (params, x, init) = self.both()
        (output,) = shown.values()
        found = {"output": output, "dx": x} | params | {f"d {name}": a for name, a in init.items()}
        return {k: np.asarray(a) for k, a in found.items()}


class Onnx:
    """onnxruntime's LSTM: forward only."""

    def __init__(self, problem, params, x, initial, cotangent):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper

        n_h, n_x = params["W_i"].shape
        W, R = (np.concatenate([params[f"{k}_{g}"] for g in "iofg"])[None] for k in "WU")
        b = np.concatenate([*(params[f"b_{g}"] for g in "iofg"), np.zeros(4 * n_h, x.dtype)])[None]
        names = {"X": ("T", "B", n_x), "h": (1, "B", n_h), "c": (1, "B", n_h)}
        node = helper.make_node("LSTM", ["X", "W", "R", "b", "", "h", "c"], ["Y", "Y_h", "Y_c"], hidden_size=n_h)
        inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, s) for k, s in names.items()]
        outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in ("Y", "Y_h", "Y_c")]
        constants = [onnx.numpy_helper.from_array(a, k) for k, a in (("W", W), ("R", R), ("b", b))]
        graph = helper.make_graph([node], "lstm", inputs, outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = problem.threads
        options.add_session_config_entry("session.force_spinning_stop", "1")  # its threads do not spin on after a run
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feed = {"X": x, "h": initial["h"][None], "c": initial["c"][None]}
        self.forward = lambda: session.run(["Y", "Y_h", "Y_c"], feed)
        self.step = lambda: session.run(["Y_h", "Y_c"], feed)
        self.name = "onnxruntime"

    def outcome(self):
        return {"output": self.forward()[0][:, 0]}


def compare(contestants, dtype):
    """Raise AssertionError unless all outcomes agree with symcell's, to what rounding allows."""
    own, tolerance = contestants[0].outcome(), 1e-9 if dtype == "float64" else 2e-3
    for rival in contestants[1:]:
        for key, a in rival.outcome().items():
            if key not in own:  # the derivative by a constant
                continue
            scale = np.abs(a).max() + 1e-6
            error = np.abs(own[key] - a).max() / scale
            assert error < tolerance, f"{rival.name} and symcell differ in {key}: {error:.1e}"
