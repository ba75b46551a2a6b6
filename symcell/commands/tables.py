"""What the command line prints: tables of a cell's quantities, carousels and comparisons."""

import os


def terminal(stderr=False):
    """Rich's console; what goes to a file or a pipe is wider than Rich's 80 columns."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 130
    return console


def new_table(*columns, title=None):
    from rich import box
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def plain(text):
    """Text that Rich is not to read as markup."""
    from rich.markup import escape

    return escape(str(text))


def freest(cell):
    """The state whose carousel is the freest, and the kind of it."""
    from symcell.derivation.carousel import carousels

    return next((f"{c.state}: {c.kind}" for c in carousels(cell.derive())), "none")


def quantities(derivation):
    """What there is, and its shape: a row for all of one kind and shape."""
    from symcell.language.sizes import shape_text

    rows = {}
    for q, kind, stepwise in kinds(derivation):
        rows.setdefault((kind, stepwise, derivation.shape(q).whole), []).append(q.name)
    table = new_table("kind", "names", "shape", "over a sequence of batches")
    for (kind, stepwise, shape), names in rows.items():
        batch = f"({', '.join(('T', 'B', *map(str, shape)))})" if stepwise else ""
        table.add_row(kind, " ".join(names), plain(shape_text(shape)), plain(batch))
    return table


def kinds(derivation):
    """(quantity, what it is, whether it has a value at every step)."""
    cell = derivation.declaration
    yield from ((x, "input", True) for x in cell.inputs)
    yield from ((s, "output state" if s in cell.outputs else "state", True) for s in cell.states)
    rows = [r for r in derivation.forward if r.target not in cell.states]
    yield from ((r.target, "once a sequence" if r.once else "intermediate", not r.once) for r in rows)
    yield from ((p, "parameter", False) for p in cell.params)
    yield from ((k, "constant", False) for k in cell.constants)


def products(cell):
    """The matrix products of a step, forwards and backwards, and those that are done for all steps at once."""
    found = cell.structure
    table = new_table("matrix products", "")
    rows = [
        (f"in a step, {found.depth} deep", found.products),
        ("hoisted: all steps at once", found.hoisted),
        (f"in a step backwards, {found.backward_depth} deep", found.backward_products),
        ("hoisted backwards", found.backward_hoisted),
    ]
    for where, texts in rows:
        for k, text in enumerate(texts or ["none"]):
            table.add_row(where if k == 0 else "", plain(text))
    return table


def recurrences(cell):
    """The recurrence of each state."""
    from symcell.structure import other_states, recurrence_kind

    table = new_table("recurrence", "from step to step", "other states", "")
    for r in cell.structure.states:
        together = " ".join(s.name for s in r.together if s != r.state)
        scan = f"a scan{', together with ' + together if together else ''}" if r.scannable else ""
        table.add_row(r.state.name, recurrence_kind(r), ", ".join(other_states(r)), scan)
    return table


def carousels(cell):
    from symcell.derivation.carousel import carousels
    from symcell.notation.plain import short_factor_text

    columns = "one step, the other previous states held fixed", "the total adds paths through", "and over several steps"
    table = new_table("carousel", "kind", *columns)
    for c in carousels(cell.derive()):
        step = f"d {c.state}[t] / d {c.state}[t-1] = {short_factor_text(c)}"
        table.add_row(c.state.name, c.kind, plain(step), *(" ".join(map(str, s)) for s in (c.detours, c.longer_detours)))
    return table


def comparisons(report, every_row):
    """A line a kind of comparison, its worst row; and every row that failed."""
    groups = {}
    for row in report.rows:
        groups.setdefault(row.name if every_row or not row.ok else comparison(row.name), []).append(row)
    table = new_table("compared", "rows", "largest error", "tolerance", "where", "", title=f"{report.cell} ({report.dtype})")
    for name, rows in groups.items():
        worst = max(rows, key=lambda row: row.excess)
        verdict = "[green]ok[/]" if worst.ok else "[bold red]FAIL[/]"
        table.add_row(plain(name), str(len(rows)), f"{worst.error:.1e}", f"{worst.tolerance:.0e}", plain(worst.where), verdict)
    return table


def comparison(name):
    """What is compared with what: "gradients (complex step)" of "d params W_i at coordinates (complex step)"."""
    subject, _, method = name.partition(" (")
    if not method:
        return name.split(": ")[0]
    return f"{'gradients' if subject.startswith('d ') else 'states'} ({method}"
