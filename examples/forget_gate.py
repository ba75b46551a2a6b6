"""The worked forget gate of the course notes: f = sigma(W_f a + b_f), with numbers that a pocket calculator can follow.

The notes multiply a = (2.9, 0.5, 0.7) by W_f and get (3.59, -2.13), which is right, and print sigma of it as (0.7941, 0.1062).
The first of the two is a misprint: sigma(3.59) = 1 / (1 + exp(-3.59)) = 0.9731.

    python examples/forget_gate.py
"""

import numpy as np
from sympy import Eq

from symcell import Cell, Input, State, affine, sigmoid
from symcell.notation.plain import PlainPrinter

a, f = Input("a"), State("f", "n_f")

forget_gate = Cell("forget_gate", [
    Eq(f, sigmoid(affine(a))),  # sigma(W_f a + b_f)
])

A = np.array([2.9, 0.5, 0.7])
W_F = np.array([[1.0, 0.4, 0.7], [-0.6, -0.5, -0.2]])
B_F = np.zeros(2)


def gate():
    """The gate by the compiled kernel, one step of one sample; and df/dz = f (1 - f), which is the bias' gradient."""
    kernel = forget_gate.compile("float64")
    run = kernel.forward({"W_f": W_F, "b_f": B_F}, A[None, None])  # (T, B, n_a) = (1, 1, 3)
    grads = kernel.backward(run, final={"f": np.ones((1, 2))})
    return run.final["f"][0], grads.params["b_f"]


def derivation_lines():
    """The derivation, a line a row: how f is computed, and how its adjoint df goes back to W_f, b_f and a."""
    derivation = forget_gate.derive()
    text = PlainPrinter(derivation).doprint
    forward = [f"{row.target} = {text(row.rhs)}" for row in derivation.forward]
    adjoint = [f"{row.target} = {text(row.rhs)}    {row.terms[0].rule}" for row in derivation.adjoint]
    return forward + adjoint


def main():
    print("The derivation (df is the adjoint dL/df):")
    print("\n".join(f"    {line}" for line in derivation_lines()))
    f_value, slope = gate()
    print("W_f a + b_f          =", (W_F @ A + B_F).round(2))
    print("f = sigma(...)       =", f_value.round(4), "  the notes print 0.7941 for the first: a misprint")
    print("df/dz = f (1 - f)    =", slope.round(4))


if __name__ == "__main__":
    main()
