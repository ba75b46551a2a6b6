"""A program that uses the public face, as `mypy --strict` reads it from outside: what is right passes, and each line that says
`type: ignore` is an error, or mypy would call it unused."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
from sympy import Eq, exp, symbols, tanh

import symcell
from symcell import (
    Cell,
    CellError,
    Constant,
    Input,
    Param,
    State,
    affine,
    book,
    cells,
    chunk,
    column,
    concat,
    convolve,
    cumsum,
    difference,
    dot,
    elu,
    equivalent,
    exp2,
    expm1,
    flat,
    gelu,
    gelu_tanh,
    hard_sigmoid,
    hard_tanh,
    hypot,
    identity,
    leaky_relu,
    log1p,
    log2,
    log10,
    log_sigmoid,
    matmul,
    mean,
    merge,
    mish,
    outer,
    part,
    relu,
    repeat,
    reshape,
    row,
    sigmoid,
    silu,
    size,
    softmax,
    softplus,
    split,
    stop_gradient,
    swap,
    total,
    variance,
    window,
)
from symcell.bench import Speed, speeds
from symcell.cells import lstm
from symcell.cells.compositions import layer_norm
from symcell.check import check
from symcell.differences import Difference
from symcell.generated import gru
from symcell.kernel import Kernel
from symcell.rendered import RenderedCarousel, RenderedDerivation
from symcell.report import CheckReport
from symcell.runtime import Interface, Run, Stream
from symcell.structure import Structure
from symcell.train import Classifier, History, digits, forget_bias, train

Arrays = dict[str, npt.NDArray[Any]]


def declared() -> Cell:
    x, k = Input("x"), Constant("k", ("n_h",))
    h, c = State("h"), State("c", "n_h", initial=Param("c_0"))
    f, g = symbols("f g")
    return Cell("toy", [
        Eq(f, sigmoid(affine(x, h.prev) + Param("p") * c.prev)),
        Eq(g, tanh(Param("W", blocks="n_heads") @ x) + affine(x, bias=False, name="g")),
        Eq(c, f * c.prev + g * k),
        Eq(h, layer_norm(c)),
    ], outputs=(h, c), reference="none")  # fmt: skip


def varied(cell: Cell) -> bool:
    f, u, x = symbols("f"), symbols("u"), Input("x")
    other = cell.variant("other", {f: sigmoid(u), "g": 0.5}, add=[Eq(u, affine(x))], outputs=["h"], reference="none")
    assert_type(other, Cell)
    found = difference(cell, other.variant("third", drop=["u", f], replace={"c": x}))
    assert_type(found, Difference)
    return equivalent(cell, other) or found.equivalent or found.rows[0].role == str(found)


def words() -> list[Any]:
    u, v, m = Input("u"), Input("v", "n"), Input("m", ("n", 4))
    of_sympy = [exp2(u), expm1(u), hypot(u, 1), log1p(u), log2(u), log10(u)]
    elementwise = [relu(u), leaky_relu(u), leaky_relu(u, 0.1), hard_sigmoid(u), softplus(u), log_sigmoid(u), silu(u), stop_gradient(exp(u))]
    newer = [elu(u), elu(u, 0.5), gelu(u), gelu(u, approximate="tanh"), gelu_tanh(u), mish(u), hard_tanh(u)]
    reduced = [total(u), mean(m, axis=0), variance(u), softmax(m, 1), cumsum(u), dot(u, v), m.T @ v, matmul(m, u)]
    placed = [outer(u, v), column(u), row(v), repeat(u, 3), concat(u, v), chunk(u, 0, 2), part(u, 0, size("n") - 1), flat(m), identity("n")]
    heads = [split(u, "n_heads"), merge(split(u, 8, ()), over=8), total(u, over="n_heads"), reshape(u, 4, "n"), swap(m, 0, 1)]
    heads += [State("S", ("n", "m"), over="n_heads").prev, Param("a", (), over=("n_heads", "n_groups")), affine(u, over="n_heads")]
    earlier = [*window(u, 3), convolve(u, 3, bias=False, name="k"), State("z", "n", 1j, dtype=complex).prev, Param("C", dtype=complex) @ u]
    return [*of_sympy, *elementwise, *newer, *reduced, *placed, *earlier, *heads, u + v.prev, State("s").prev * 2]


def read(cell: Cell) -> str:
    assert_type(cell.states, tuple[State, ...])
    assert_type(cell.sizes, tuple[str, ...])
    assert_type(cell.derive(), RenderedDerivation)
    assert_type(cell.carousel("h"), RenderedCarousel)
    assert_type(cell.structure, Structure)
    print(cell.jacobian("h", cell.states[0].prev), cell.carousel(cell.states[0]).product(3), cell.shape("h"), cell.equations[0].rhs)
    return cell.derive().latex(document=True) + cell.carousel("h").latex() + cell.carousel("h").kind


def trained(kernel: Kernel) -> float:
    params: Arrays = kernel.init(n_x=8, n_h=16, seed=0)
    x = np.ones((100, 32, 8), "float32")
    run = kernel.forward(params, {"x": x}, {"h": np.zeros((32, 16))}, lengths=[7] * 32, threads=2, checkpoint=True)
    grads = kernel.backward(run, {"h": np.ones((100, 32, 16))}, final={"c": run.final["c"]}, input_gradients=False)
    found: list[Arrays] = [run.states, run.final, run.outputs, grads.params, grads.inputs, grads.initial]
    frozen = kernel.freeze(params)
    frozen.update(params)
    state = kernel.step(frozen, x[0], kernel.step(params, x[0], run.final))
    return float(state["h"].sum() + frozen["W"].sum()) + len(found) + len(run.tape)


def streamed(kernel: Kernel, params: Arrays) -> Arrays:
    stream = kernel.stream(kernel.freeze(params), batch=2)
    assert_type(stream, Stream)
    stream.reset({"h": np.zeros((2, 16))})
    stream.reset()
    return stream.step(np.ones((2, 8))) | stream.step({"x": np.ones((2, 8))}) | stream.state


def by_arrays_alone(kernel: Kernel, params: Arrays, inputs: Arrays, initial: Arrays) -> Arrays:
    weights = kernel.passes.pack({"n_x": 8, "n_h": 16}, params, np.dtype("float32"))
    states, tape = kernel.passes.forward(weights, inputs, initial)
    of_params, of_inputs, of_initial = kernel.passes.backward(weights, inputs, states, tape, states, {})
    return of_params | of_inputs | of_initial


def documents(cell: Cell, folder: Path) -> Path:
    derivation = cell.derive()
    texts = [derivation.latex(width=240, notation="course", names={"f": "g"}), derivation.html(proofs=True), derivation.markdown()]
    assert_type([*texts, derivation.json(), cell.diagram(steps=2, notation="greff")], list[str])
    derivation.pdf(folder / "a.pdf", document=True)  # type: ignore[call-arg]
    return book(folder, [cell]) / derivation.pdf(folder / "a.pdf", steps=2)


def written(cell: Cell, folder: Path) -> Path:
    try:
        return symcell.generate(cell, folder, standalone=True)
    except CellError as error:
        print(error)
    return symcell.generate(cells.get(cells.names()[0]), "kernels")


def without_sympy() -> Arrays:
    params = gru.init(n_x=2, n_h=3, dtype="float64")
    run = gru.forward(params, np.ones((4, 1, 2)))
    assert_type(run, Run)
    interface: Interface = gru.kernel.interface
    assert_type(interface.outputs, tuple[str, ...])
    return gru.step(gru.freeze(params), np.ones((1, 2)), run.final) | gru.backward(run, final={"c": np.ones((1, 3))}).params


def measured() -> tuple[CheckReport, list[Speed], History]:
    task = digits("rows")
    model = Classifier(lstm.compile(), task, hidden=32, init=forget_bias(lstm))
    return check(lstm, dtype="float32"), list(speeds(lstm, [(1, 2, 3)])), train(model, task, epochs=1)


def wrong(kernel: Kernel, cell: Cell) -> None:
    kernel.init(n_x="8")  # type: ignore[arg-type]
    kernel.forward({"W": np.ones(3)}, np.ones(3), length=[3])  # type: ignore[call-arg]
    kernel.forward(["W"], np.ones(3))  # type: ignore[arg-type]
    kernel.backward(np.ones(3))  # type: ignore[arg-type]
    kernel.step({}, np.ones(3)).sum()  # type: ignore[attr-defined]
    symcell.generate("lstm", "folder")  # type: ignore[arg-type]
    cell.carousel(3)  # type: ignore[arg-type]
    cell.derive().latex(document="yes")  # type: ignore[arg-type]
    Cell(3, [])  # type: ignore[arg-type]
    affine(Input("x"), bias="no")  # type: ignore[arg-type]
    chunk(Input("x"), "0", 2)  # type: ignore[arg-type]
    cell.variant("v", [Eq(symbols("f"), 1)])  # type: ignore[arg-type]
    equivalent(cell, "lstm")  # type: ignore[arg-type]
    window(Input("x"), "3")  # type: ignore[arg-type]
    State("s", dtype="complex")  # type: ignore[arg-type]
    cells.get(1)  # type: ignore[arg-type]
    gru.init(seed="0")  # type: ignore[arg-type]
    kernel.stream({}, batch="2")  # type: ignore[arg-type]
    kernel.stream({}).step("x").sum()  # type: ignore[attr-defined]
