"""A cell that no library ships, from its equations to trained gradients: an LSTM that decides what to forget by a slow memory.

Beside its cell state c it carries s, a short and slow summary of what c has held. Forget and output gate listen to s; the
candidate g sees only as much of the past as the input gate lets through.

    symcell show examples/new_variant.py:variant
    python examples/new_variant.py
"""

import numpy as np
from sympy import Eq, symbols, tanh

from symcell import Cell, Input, State, affine, sigmoid

x, h, c, s = Input("x"), State("h"), State("c"), State("s", "n_s")
i, f, g, o, u = symbols("i f g o u")

variant = Cell("slow_forget_lstm", [
    Eq(i, sigmoid(affine(x, h.prev))),
    Eq(f, sigmoid(affine(x, h.prev, s.prev))),
    Eq(g, tanh(affine(x, i * h.prev))),
    Eq(o, sigmoid(affine(x, h.prev, s.prev))),
    Eq(c, f * c.prev + i * g),
    Eq(h, o * tanh(c)),
    Eq(u, sigmoid(affine(h, s.prev))),
    Eq(s, (1 - u) * s.prev + u * tanh(affine(c))),
], reference="an example of symcell's")


def main():
    print("d c_t / d c_{t-1} =", variant.jacobian(c, c.prev))

    kernel = variant.compile("float64")
    params = kernel.init(n_x=3, n_h=5, n_s=2, seed=1)
    inputs = np.random.default_rng(2).normal(size=(7, 4, 3))  # (T, B, n_x)
    run = kernel.forward(params, inputs)
    grads = kernel.backward(run, final={"h": np.ones((4, 5))})  # the loss: the sum of the last step's h
    print("dL/dU_g, by the generated backward pass:")
    print(grads.params["U_g"].round(4))

    step = 1e-6
    moved = dict(params, U_g=params["U_g"].copy())
    moved["U_g"][0, 0] += step
    slope = (kernel.forward(moved, inputs).final["h"].sum() - run.final["h"].sum()) / step
    print(f"its first entry by a finite difference: {slope:.4f}")


if __name__ == "__main__":
    main()
