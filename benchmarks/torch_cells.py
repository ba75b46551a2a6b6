"""Rival cells in PyTorch: the library's own recurrent modules, and cells in a Python loop as one would write them.

Each takes the parameters p by symcell's names, the inputs x (T, B, n_x) and the initial states, and returns the state that the
loss reads, (T, B, n).
"""

import torch
from torch import sigmoid, tanh
from torch.nn.functional import linear


def _stacked(p, kind, gates):
    return torch.cat([p[f"{kind}_{g}"] for g in gates])


def lstm(p, x, init):
    W, U, b = (_stacked(p, kind, "ifgo") for kind in "WUb")
    c, h, shown = init["c"], init["h"], []
    for x_t in x:
        i, f, g, o = (linear(x_t, W, b) + linear(h, U)).chunk(4, 1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        shown.append(h)
    return torch.stack(shown)


def lstm_step(x_t, h, c, W, U, b):
    i, f, g, o = (linear(x_t, W, b) + linear(h, U)).chunk(4, 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def peephole_lstm(p, x, init):
    W, U, b = (_stacked(p, kind, "ifgo") for kind in "WUb")
    c, h, shown = init["c"], init["h"], []
    for x_t in x:
        i, f, g, o = (linear(x_t, W, b) + linear(h, U)).chunk(4, 1)
        c_new = sigmoid(f + p["p_f"] * c) * c + sigmoid(i + p["p_i"] * c) * tanh(g)
        h = sigmoid(o + p["p_o"] * c_new) * tanh(c_new)
        c = c_new
        shown.append(h)
    return torch.stack(shown)


def slow_forget_lstm(p, x, init):
    W, b = (_stacked(p, kind, "ifgo") for kind in "Wb")
    of_h, of_s = torch.cat([p["U_i"], p["U_f_h"], p["U_o_h"]]), torch.cat([p["U_f_s"], p["U_o_s"]])
    c, h, s, shown = init["c"], init["h"], init["s"], []
    for x_t in x:
        i, f, g, o = linear(x_t, W, b).chunk(4, 1)
        i_h, f_h, o_h = linear(h, of_h).chunk(3, 1)
        f_s, o_s = linear(s, of_s).chunk(2, 1)
        i, f, o = sigmoid(i + i_h), sigmoid(f + f_h + f_s), sigmoid(o + o_h + o_s)
        c = f * c + i * tanh(g + linear(i * h, p["U_g"]))
        h = o * tanh(c)
        u = sigmoid(linear(h, p["U_u_h"], p["b_u"]) + linear(s, p["U_u_s"]))
        s = (1 - u) * s + u * tanh(linear(c, p["U_s"], p["b_s"]))
        shown.append(h)
    return torch.stack(shown)


class Vendor:
    """torch.nn.LSTM, GRU or RNN with a cell's parameters. `gates`: the module's order, and symcell's names."""

    GATES = {"lstm": "ifgo", "gru_reset_after": "rzn", "rnn": "a"}
    MODULES = {"lstm": torch.nn.LSTM, "gru_reset_after": torch.nn.GRU, "rnn": torch.nn.RNN}

    def __init__(self, name, p, dtype):
        self.name, self.gates = name, self.GATES[name]
        n_h, n_x = p[f"W_{self.gates[0]}"].shape
        self.module = self.MODULES[name](n_x, n_h, dtype=dtype)
        with torch.no_grad():
            for theirs, ours in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
                getattr(self.module, theirs).copy_(torch.cat([torch.from_numpy(p[f"{ours}_{g}"]) for g in self.gates]))
            self.module.bias_hh_l0.zero_()
            if "d_n" in p:  # the GRU's own recurrent bias
                self.module.bias_hh_l0[2 * n_h :] = torch.from_numpy(p["d_n"])

    def __call__(self, x, init):
        states = [init[s][None] for s in ("h", "c", "a") if s in init]
        return self.module(x, tuple(states) if len(states) > 1 else states[0])[0]

    def gradients(self):
        """By symcell's names."""
        n, found = len(self.gates), {}
        for theirs, ours in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
            for g, part in zip(self.gates, getattr(self.module, theirs).grad.chunk(n), strict=True):
                found[f"{ours}_{g}"] = part.numpy()
        return found
