"""Cells of one or two gates, and cells whose gates are the time steps of a differential equation."""

from sympy import Eq, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, sigmoid
from symcell.cells.notation import by_gate

x, h, c = Input("x"), State("h"), State("c")
f, g, i, k, s, u, z = symbols("f g i k s u z")

fastrnn = Cell("fastrnn", [
    Eq(g, tanh(affine(x, h.prev))),
    Eq(h, sigmoid(Param("alpha", ())) * g + sigmoid(Param("beta", ())) * h.prev),
], reference="Kusupati et al., FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated recurrent neural network, "
             "NeurIPS 2018, arXiv:1901.02358 (FastRNN; its scalars alpha and beta by a sigmoid, as in the authors' code)",
   names={"g": r"\tilde h", "W_g": "W", "U_g": "U", "b_g": "b"})

theta, eta = symbols("theta eta")

cfn = Cell("cfn", [
    Eq(theta, sigmoid(affine(x, h.prev))),
    Eq(eta, sigmoid(affine(x, h.prev))),
    Eq(h, theta * tanh(h.prev) + eta * tanh(Param("W") @ x)),
], reference="Laurent, von Brecht, A recurrent neural network without chaos, ICLR 2017, arXiv:1612.06212",
   names={"W_theta": r"V_\theta", "W_eta": r"V_\eta"})

star = Cell("star", [
    Eq(k, sigmoid(affine(x, h.prev))),
    Eq(z, tanh(affine(x))),
    Eq(h, tanh((1 - k) * h.prev + k * z)),
], reference="Turkoglu et al., Gating revisited: deep multi-layer RNNs that can be trained, TPAMI 2021, arXiv:1911.11033 "
             "(doubtful: the paper's form; the authors' code keeps h by sigmoid(f) and renews it by 1 - sigmoid(f - 1))")

minimal_rnn = Cell("minimal_rnn", [
    Eq(z, tanh(affine(x))),
    Eq(u, sigmoid(Param("U_h") @ h.prev + Param("U_z") @ z + Param("b_u"))),
    Eq(h, u * h.prev + (1 - u) * z),
], reference="Chen, MinimalRNN: toward more interpretable and trainable recurrent neural networks, arXiv:1711.06788 "
             "(z with a bias, which TensorFlow's cell leaves out)")

janet = Cell("janet", [
    Eq(s, affine(x, h.prev, name="f")),
    Eq(g, tanh(affine(x, h.prev))),
    Eq(h, sigmoid(s) * h.prev + (1 - sigmoid(s - Constant("beta", ()))) * g),
], reference="van der Westhuizen, Lasenby, The unreasonable effectiveness of the forget gate, arXiv:1804.04849 (beta is 1 there)",
   names={"g": r"\tilde c"} | by_gate({"g": "c"}, W="W_@", U="U_@", b="b_@"))

ran = Cell("ran", [
    Eq(g, Param("W_g") @ x),
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev))),
    Eq(c, i * g + f * c.prev),
    Eq(h, tanh(c)),
], reference="Lee, Levy, Zettlemoyer, Recurrent additive networks, arXiv:1705.07393",
   names={"g": r"\tilde c", "W_g": "W_{cx}"} | by_gate("if", W="W_{@x}", U="W_{@h}"))

y, slow = State("y"), State("z")
dt = Constant("dt", ())
rate = dt * sigmoid(Param("c"))

unicornn = Cell("unicornn", [
    Eq(slow, slow.prev - rate * (tanh(Param("w") * y.prev + Param("V") @ x + Param("b")) + Constant("alpha", ()) * y.prev)),
    Eq(y, y.prev + rate * slow),
], reference="Rusch, Mishra, UnICORNN: a recurrent model for learning very long time dependencies, ICML 2021, arXiv:2103.05487",
   names={"x": "u", "dt": r"{\Delta t}"})

dt_slow, dt_fast = symbols("dt_z dt_y")

lem = Cell("lem", [
    Eq(dt_slow, dt * sigmoid(affine(x, y.prev))),
    Eq(dt_fast, dt * sigmoid(affine(x, y.prev))),
    Eq(slow, (1 - dt_slow) * slow.prev + dt_slow * tanh(affine(x, y.prev))),
    Eq(y, (1 - dt_fast) * y.prev + dt_fast * tanh(affine(x, slow))),
], reference="Rusch, Mishra, Erichson, Mahoney, Long expressive memory for sequence modeling, ICLR 2022, arXiv:2110.04744",
   names={"x": "u", "dt": r"{\Delta t}", "dt_z": r"{\Delta t}_z", "dt_y": r"{\Delta t}_y"}
         | by_gate({"dt_z": "1", "dt_y": "2", "z": "z", "y": "y"}, W="V_@", U="W_@", b="b_@"))
