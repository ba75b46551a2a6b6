"""Gated units beside the GRU: fewer gates than the MGU, mutations of the GRU, twin gates, bistable units, a gated output."""

from sympy import Eq, symbols, tanh

from symcell import Cell, Constant, Input, Param, State, affine, relu, sigmoid
from symcell.cells.gru_variants import MGU_NAMES
from symcell.cells.notation import by_gate

x, h, y = Input("x"), State("h"), State("y", "n_x")
a, c, f, g, i, p, q, r, z = symbols("a c f g i p q r z")


def minimal(forget):
    """The minimal gated unit with another forget gate."""
    return [Eq(f, forget), Eq(g, tanh(affine(x, f * h.prev))), Eq(h, (1 - f) * h.prev + f * g)]


HECK_SALEM = "Heck, Salem, Simplified minimal gated unit variations for recurrent neural networks, MWSCAS 2017, arXiv:1701.03452"

mgu1 = Cell("mgu1", minimal(sigmoid(affine(h.prev))), reference=f"{HECK_SALEM} (MGU1: the gate does not see x)",
   names=MGU_NAMES)
mgu2 = Cell("mgu2", minimal(sigmoid(affine(h.prev, bias=False))), reference=f"{HECK_SALEM} (MGU2: the gate has no bias either)",
   names=MGU_NAMES)
mgu3 = Cell("mgu3", minimal(sigmoid(Param("b_f"))), reference=f"{HECK_SALEM} (MGU3: the gate is a learned constant)",
   names=MGU_NAMES)


def mutation(update, reset):
    """The second and third mutation of the GRU, by the pre-activations of their gates."""
    return [
        Eq(z, sigmoid(update)),
        Eq(r, sigmoid(reset)),
        Eq(g, tanh(affine(x, r * h.prev))),
        Eq(h, g * z + h.prev * (1 - z)),
    ]


JOZEFOWICZ = "Jozefowicz, Zaremba, Sutskever, An empirical exploration of recurrent network architectures, ICML 2015"

MUTATION_NAMES = {"W_g": "W_{xh}", "U_g": "W_{hh}", "b_g": "b_h", "U_r": "W_{hr}"}

mut2 = Cell("mut2", mutation(affine(x, h.prev), Constant("P") @ x + affine(h.prev)),
            reference=f"{JOZEFOWICZ} (P is the identity in the paper, where x is as wide as h)",
   names=MUTATION_NAMES | {"W_z": "W_{xz}", "U_z": "W_{hz}"})
mut3 = Cell("mut3", mutation(affine(x, tanh(h.prev)), affine(x, h.prev)), reference=JOZEFOWICZ,
   names=MUTATION_NAMES | {"W_z": "W_{xz}", "U_z": "W_{hz}", "W_r": "W_{xr}"})

y_in, h_in, g_y, g_h = symbols("y_in h_in g_y g_h")

intersection_rnn = Cell("intersection_rnn", [
    Eq(y_in, relu(affine(x, h.prev))),
    Eq(h_in, tanh(affine(x, h.prev))),
    Eq(g_y, sigmoid(affine(x, h.prev))),
    Eq(g_h, sigmoid(affine(x, h.prev))),
    Eq(y, g_y * x + (1 - g_y) * y_in),
    Eq(h, g_h * h.prev + (1 - g_h) * h_in),
], outputs=[y], reference="Collins, Sohl-Dickstein, Sussillo, Capacity and trainability in recurrent neural networks, ICLR 2017, "
                          "arXiv:1611.09913 (+RNN: y goes to the layer above, h to the next step)",
   names={"y_in": r"y^{\mathrm{in}}", "h_in": r"h^{\mathrm{in}}", "g_y": "g^y", "g_h": "g^h"}
         | by_gate({"y_in": "y", "h_in": "h", "g_y": "g^y", "g_h": "g^h"}, W="W^{@ x}", U="W^{@ h}", b="b^{@}"))

atr = Cell("atr", [
    Eq(p, affine(x)),
    Eq(q, affine(h.prev)),
    Eq(i, sigmoid(p + q)),
    Eq(f, sigmoid(p - q)),
    Eq(h, i * p + f * h.prev),
], reference="Zhang et al., Simplifying neural machine translation with addition-subtraction twin-gated recurrent networks, "
             "EMNLP 2018, arXiv:1810.12546")

VECOVEN = ("Vecoven, Ernst, Drion, A bio-inspired bistable recurrent cell allows for long-lasting memory, PLoS ONE 16(6), 2021, "
           "arXiv:2006.05252")

brc = Cell("brc", [
    Eq(a, 1 + tanh(affine(x) + Param("w_a") * h.prev)),
    Eq(c, sigmoid(affine(x) + Param("w_c") * h.prev)),
    Eq(h, c * h.prev + (1 - c) * tanh(Param("W_h") @ x + a * h.prev)),
], reference=VECOVEN,
   names={"W_a": "U_a", "W_c": "U_c", "W_h": "U"})

nbrc = Cell("nbrc", [
    Eq(a, 1 + tanh(affine(x, h.prev))),
    Eq(c, sigmoid(affine(x, h.prev))),
    Eq(h, c * h.prev + (1 - c) * tanh(Param("W_h") @ x + a * h.prev)),
], reference=f"{VECOVEN} (recurrently neuromodulated)",
   names={"W_a": "U_a", "W_c": "U_c", "W_h": "U", "U_a": "W_a", "U_c": "W_c"})

delta_rnn = Cell("delta_rnn", [
    Eq(p, Param("W") @ x),
    Eq(q, Param("U") @ h.prev),
    Eq(g, tanh(Param("alpha") * q * p + Param("beta_1") * q + Param("beta_2") * p + Param("b"))),
    Eq(r, sigmoid(p + Param("b_r"))),
    Eq(h, tanh((1 - r) * g + r * h.prev)),
], reference="Ororbia, Mikolov, Reitter, Learning simpler language models with the differential state framework, Neural "
             "Computation 29(12), 2017, arXiv:1703.08864 (outer function tanh)",
   names={"U": "V", "g": "z"})
