"""Cells whose steps are chains: sub-steps, layers within a step, functions inside one another. Each is a function of its depth."""

from sympy import Eq, Max, Piecewise, Symbol, exp, sqrt, symbols, tanh

from symcell import Cell, Input, Param, State, affine, mean, row, sigmoid, softmax, total

x, h, c = Input("x"), State("h"), State("c")


def _layers(depth, layer, state=h):
    """The equations of layers one after another: `layer(k, source, target)` gives those of one."""
    equations, source = [], state.prev
    for k in range(1, depth + 1):
        target = state if k == depth else Symbol(f"s_{k}")
        equations += layer(k, source, target)
        source = target
    return equations


def recurrent_highway(depth):
    def layer(k, s, target):
        a, t = symbols(f"a_{k} t_{k}")
        operands = (x, s) if k == 1 else (s,)
        return [Eq(a, tanh(affine(*operands))), Eq(t, sigmoid(affine(*operands))), Eq(target, a * t + s * (1 - t))]

    return Cell("recurrent_highway", _layers(depth, layer))


def liquid_time_constants(steps):
    """The fused solver: a sum over all synapses above the line, and one below."""
    square = ("n_h", "n_h")
    W, E, mu, steep = (Param(name, square) for name in ("w", "E", "mu", "steep"))
    conductance, rest, capacity = (Param(name) for name in ("g", "v_rest", "cm"))
    sensory = Symbol("sensory")

    def layer(k, v, target):
        gate = Symbol(f"gate_{k}")
        above = capacity**2 * v + conductance * rest + total(gate * E) + sensory
        return [Eq(gate, W**2 * sigmoid(steep * (row(v) - mu))), Eq(target, above / (capacity**2 + 1 + total(gate)))]

    return Cell("liquid_time_constants", [Eq(sensory, affine(x)), *_layers(steps, layer)])


def two_coupled_states(steps):
    """Sub-steps of a differential equation of two states, each of which reads both."""
    dt, equations, p, q = Param("dt", ()), [], h.prev, c.prev
    for k in range(1, steps + 1):
        now, beside = (h, c) if k == steps else symbols(f"h_{k} c_{k}")
        force = Symbol(f"f_{k}")
        equations.append(Eq(force, tanh(Param("U") @ p + Param("V") @ q + Param("W") @ x)))
        equations += [Eq(beside, q + dt * (force - p - q)), Eq(now, p + dt * beside)]
        p, q = now, beside
    return Cell("two_coupled_states", equations)


def elementwise_gates(depth):
    def layer(k, s, target):
        g = Symbol(f"g_{k}")
        return [Eq(g, sigmoid(x + Param(f"a_{k}") * s)), Eq(target, g * s + (1 - g) * tanh(x * s))]

    return Cell("elementwise_gates", _layers(depth, layer))


def mixing_gates(depth):
    def layer(k, s, target):
        g = Symbol(f"g_{k}")
        return [Eq(g, sigmoid(affine(x))), Eq(target, g * s + (1 - g) * x)]

    return Cell("mixing_gates", _layers(depth, layer))


def kinks(depth):
    def layer(k, s, target):
        return [Eq(target, Max(s, x * s) + Piecewise((s, x > 0), (s**2 / (1 + s**2), True)))]

    return Cell("kinks", _layers(depth, layer))


def normed_layers(depth):
    def layer(k, s, target):
        centred = s - mean(s)
        return [Eq(target, tanh(Param("A") @ centred / sqrt(mean(centred**2) + 1) + x))]

    return Cell("normed_layers", _layers(depth, layer))


def stacked_gates(depth):
    equations, below = [], x
    for k in range(1, depth + 1):
        state, i = State(f"h_{k}"), Symbol(f"i_{k}")
        g = Symbol(f"g_{k}")
        equations += [Eq(i, sigmoid(affine(below, state.prev))), Eq(g, tanh(affine(below, state.prev)))]
        equations.append(Eq(state, i * g + (1 - i) * state.prev))
        below = state
    return Cell("stacked_gates", equations)


def nested_functions(depth):
    e = affine(x, h.prev)
    for _ in range(depth):
        e = tanh(e)
    return Cell("nested_functions", [Eq(h, e)])


def nested_with_parameters(depth):
    e = h.prev
    for k in range(depth):
        e = tanh(Param(f"a_{k}") * e + x)
    return Cell("nested_with_parameters", [Eq(h, e)])


def nested_softmax(depth):
    e = affine(x, h.prev)
    for _ in range(depth):
        e = softmax(tanh(e))
    return Cell("nested_softmax", [Eq(h, e)])


def nested_exponentials(depth):
    e = x + Param("a") * h.prev
    for k in range(depth):
        e = exp(-e) if k % 2 else exp(-(e**2))
    return Cell("nested_exponentials", [Eq(h, e)])


def nested_maxima(depth):
    e = h.prev + x
    for k in range(depth):
        e = Max(tanh(e), Param(f"p_{k}"))
    return Cell("nested_maxima", [Eq(h, e)])


def nested_cases(depth):
    e = h.prev
    for k in range(depth):
        e = Piecewise((tanh(e), x > k), (Param(f"p_{k}") * x, True))
    return Cell("nested_cases", [Eq(h, e)])


def nested_products(depth):
    """A polynomial of the previous state, as Horner writes it."""
    e = x
    for k in range(depth):
        e = x + Param(f"a_{k}") * e * h.prev
    return Cell("nested_products", [Eq(h, e)])


DEEP = [
    recurrent_highway, liquid_time_constants, two_coupled_states, elementwise_gates, mixing_gates, kinks, normed_layers,
    stacked_gates, nested_functions, nested_with_parameters, nested_softmax, nested_exponentials, nested_maxima,
    nested_cases, nested_products,
]  # fmt: skip
SHALLOWER = liquid_time_constants, two_coupled_states, kinks, normed_layers, stacked_gates, nested_maxima  # 10 are many of these
