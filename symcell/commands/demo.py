"""The main job: cells from equations to derivations, modules and checked kernels, and what they learn of handwritten digits."""

import csv
import io
import time
from dataclasses import dataclass
from pathlib import Path

from symcell import cells
from symcell.check import check
from symcell.commands.places import DEMO, claim_folder
from symcell.commands.tables import new_table
from symcell.commands.targets import checkout, distinct, load_target, reference_of
from symcell.derivation.carousel import carousels
from symcell.documents.gradient_norms import measure, write_csv
from symcell.documents.plots import draw_norms
from symcell.errors import CellError
from symcell.files import write_atomically
from symcell.modules import generate
from symcell.notation.plain import equation_lines, short_factor_text
from symcell.train import Classifier, digits, forget_bias, train

HIDDEN, RATE, LIMIT = 64, 0.005, 1.0
SAMPLES = 24  # of the test digits, for the gradient norms
READINGS = {"rows": "rows, T = 8", "pixels": "pixels, T = 64"}
MOMENTS = ("at initialisation", "after training")
SUMMARY, *OTHERS = "summary.md", "accuracies.csv", "gradient_norm.png", "gradient_norm.csv"


@dataclass(frozen=True)
class Learned:
    """What a cell learned of the digits, read in one way; `curves`: moment -> the Curve of its freest state."""

    cell: str
    reading: str
    accuracy: float
    loss: float
    clipped: float
    largest_norm: float
    curves: dict


def run_demo(chosen, folder, console, seed=0, epochs=40):
    """Everything for the chosen cells, or for the example variant, rnn, gru and lstm. Returns whether every check passed.

    All files go to `folder`; they are listed at the end. The same seed gives the same results."""
    start, folder = time.perf_counter(), Path(folder)
    chosen = distinct(chosen or default_cells(console))
    refuse_unfit(chosen)
    claim_folder(folder, chosen, SUMMARY, OTHERS)
    files = {}
    for cell in chosen:
        files |= _derived(cell, folder, console)
    reports = _checked(chosen, console)
    _show(console, "Checks", *_check_rows(reports))
    learned = _learned(chosen, console, seed, epochs)
    _show(console, "Handwritten digits: accuracy on the test digits, loss on the training ones", *_accuracy_rows(learned))
    files |= _results(folder, reports, learned, seed)
    _show(console, f"Results in {folder}", ("file", "bytes", "what it is"),
          [(path.name, f"{path.stat().st_size:,}", what) for path, what in files.items()])
    console.print(f"{time.perf_counter() - start:.0f} s in all")
    return all(report.passed for report in reports)


def default_cells(console):
    """The new variant of a source checkout's examples, and three cells of the catalogue."""
    example = checkout() / "examples" / "new_variant.py"
    if example.is_file():
        return [load_target(f"{example}:variant"), cells.rnn, cells.gru, cells.lstm]
    console.print("There is no examples/new_variant.py beside this installation: the catalogue's cells alone.")
    return [cells.rnn, cells.gru, cells.lstm]


def refuse_unfit(chosen):
    for cell in chosen:
        if len(cell.inputs) != 1 or len(cell.shape(cell.inputs[0])) != 1:
            raise CellError(f"cell {cell.name}: digits are one sequence of vectors, its inputs are {list(cell.inputs)}")
        (width,) = cell.shape(cell.inputs[0])
        if width.is_number:
            raise CellError(f"cell {cell.name}: digits read by rows have 8 inputs, by pixels one; it has {width}")
        if any(width in cell.shape(s) for s in cell.outputs):
            raise CellError(f"cell {cell.name}: digits read by pixels have one input, and so would its outputs of size {width}")


def _derived(cell, folder, console):
    """The derivation and the module of a cell, written; its equations and carousels, printed."""
    derivation = cell.derive()
    console.print(f"\n[bold]{cell.name}[/]")
    for number, line in equation_lines(derivation).items():
        console.print(f"  ({number})  {line}", markup=False, soft_wrap=True)
    for c in carousels(derivation):
        step = f"d {c.state}[t] / d {c.state}[t-1] = {short_factor_text(c)}"
        console.print(f"  {step}  ({c.kind})", markup=False, soft_wrap=True)
    document = write_atomically(folder / f"{cell.name}.tex", derivation.latex(document=True))
    module = generate(cell, folder)
    return {document: f"the derivation of {cell.name}, a LaTeX document", module: f"the kernels of {cell.name}"}


def _checked(chosen, console):
    """Reports on every cell in both precisions."""
    reports, jobs = [], [(cell, dtype) for cell in chosen for dtype in ("float64", "float32")]
    with _progress(console) as progress:
        bar = progress.add_task("checks", total=len(jobs), note="")
        for cell, dtype in jobs:
            progress.update(bar, note=f"{cell.name} {dtype}")
            reports.append(check(cell, dtype=dtype, reference=reference_of(cell)))
            progress.advance(bar)
    return reports


def _progress(console):
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                    TextColumn("{task.fields[note]}"), console=console)


def _learned(chosen, console, seed, epochs):
    """Every cell trained in both readings."""
    learned = []
    with _progress(console) as progress:
        for reading, count in (("rows", epochs), ("pixels", max(1, epochs // 2))):
            task = digits(reading, seed)
            for cell in chosen:
                bar = progress.add_task(f"{cell.name}, {reading}", total=count, note="")

                def report(epoch, loss, bar=bar):
                    progress.update(bar, completed=epoch, note=f"loss {loss:.3f}")

                learned.append(_learn(cell, task, count, seed, report))
    return learned


def _learn(cell, task, epochs, seed, report):
    """Train one cell on one task; pixel by pixel, measure its gradients before and after."""
    model = Classifier(cell.compile("float32"), task, HIDDEN, seed, init=forget_bias(cell))
    curves, measured = {}, task.name == "pixels"
    if measured:
        curves[MOMENTS[0]] = _freest_curve(model, task)
    history = train(model, task, epochs, rate=RATE, limit=LIMIT, seed=seed, report=report)
    if measured:
        curves[MOMENTS[1]] = _freest_curve(model, task)
    accuracy = model.accuracy(task.test_inputs, task.test_labels)
    return Learned(cell.name, task.name, accuracy, history.losses[-1], history.clipped(LIMIT), max(history.norms), curves)


def _freest_curve(model, task):
    inputs, labels = task.test_inputs[:, :SAMPLES], task.test_labels[:SAMPLES]
    named = {model.kernel.declaration.inputs[0].name: inputs}
    return measure(model.kernel, model.cell_params, named, model.final_cotangent(inputs, labels))[0]


# What is shown and written.


def _show(console, title, columns, rows):
    table = new_table(*columns, title=title)
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


def _check_rows(reports):
    columns = ("cell", "dtype", "comparisons", "error", "tolerance", "verdict")
    rows = []
    for report in reports:
        worst = max(report.rows, key=lambda row: row.excess)
        rows.append((report.cell, report.dtype, len(report.rows), f"{worst.error:.1e}", f"{worst.tolerance:.0e}", report.verdict))
    return columns, rows


def _accuracy_rows(learned):
    """Accuracy on the test digits, loss on the training ones, the share of clipped minibatches, the largest norm of all."""
    columns = ("cell", "read by", "accuracy", "loss", "clipped", "largest norm")
    return columns, [_accuracy_row(one) for one in learned]


def _accuracy_row(one):
    clipping = f"{one.clipped:.0%}", f"{one.largest_norm:.1f}"
    return one.cell, READINGS[one.reading], f"{one.accuracy:.1%}", f"{one.loss:.4f}", *clipping


def _results(folder, reports, learned, seed):
    """The files that concern all cells: path -> what it is."""
    panels = {moment: [one.curves[moment] for one in learned if one.curves] for moment in MOMENTS}
    accuracies, picture, numbers = (folder / name for name in OTHERS)
    title = f"Digits read pixel by pixel: the gradient's norm against its distance from the loss ({HIDDEN} units)"
    return {
        _accuracies(accuracies, learned): "accuracies, losses, clipping",
        draw_norms(panels, picture, title): "the gradient's norm against distance",
        write_csv(panels, numbers): "the numbers of that picture",
        write_atomically(folder / SUMMARY, _summary(reports, learned, panels, seed)): "all tables",
    }


def _accuracies(path, learned):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("cell", "read_by", "test_accuracy", "training_loss", "clipped_share", "largest_norm"))
    for one in learned:
        numbers = (one.accuracy, one.loss, one.clipped, one.largest_norm)
        writer.writerow((one.cell, one.reading, *(f"{n:.6g}" for n in numbers)))
    return write_atomically(path, text.getvalue())


def _summary(reports, learned, panels, seed):
    distances = [k for k in (1, 8, 16, 32, 64) if k <= len(next(iter(panels.values()))[0].norms)]
    parts = [
        f"{DEMO} (seed {seed})",
        "## Checks\n\n" + _markdown(*_check_rows(reports)),
        "## Handwritten digits\n\n" + _markdown(*_accuracy_rows(learned)),
        "## Gradient norms, relative to distance 1\n\n" + _markdown(("moment", "cell", "path", *(f"k = {k}" for k in distances)),
                                                                     _norm_rows(panels, distances)),
    ]
    return "\n\n".join(parts) + "\n"


def _norm_rows(panels, distances):
    for moment, curves in panels.items():
        for c in curves:
            paths = {f"dL/d{c.state}, measured": c.norms}
            if c.carousel is not None:
                paths[f"the product of {c.factor} alone"] = c.carousel
            for path, norms in paths.items():
                yield moment, c.cell, path, *(f"{norms[k - 1] / norms[0]:.2g}" for k in distances)


def _markdown(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
