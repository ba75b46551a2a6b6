"""What a run measured: as tables, as JSON, and as a picture of every ratio beside what it has to be."""

import json
import statistics
from itertools import groupby

from rich.console import Console
from rich.table import Table

from benchmarks import layer
from benchmarks.race import RACES
from benchmarks.work import highest_ratio, operations


def write(found, folder):
    """results.json, race.png, and the tables on the terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    tables = [*race_tables(found), *limit_tables(found), *([layer.table(found["layer"])] if found.get("layer") else [])]
    console = Console(width=150)
    console.print("; ".join(f"{k}: {v}" for k, v in found["machine"].items()), soft_wrap=True)
    for table in tables:
        console.print(table)
    if found["race"]:
        picture(found, folder / "race.png")


def race_tables(found):
    rows = sorted(found["race"], key=lambda r: (r["race"], r["rival"], r["threads"], r["what"] != "both"))
    for (race, rival), group in groupby(rows, key=lambda r: (r["race"], r["rival"])):
        table = Table(title=f"{race} against {rival}", title_justify="left")
        for column in ("threads", "what", "T", "B", "I", "N", "rival, ms", "symcell, ms", "ratio", "of", "at most"):
            table.add_column(column, justify="right")
        own = list(group)
        for r in own:
            colour = "green" if r["ratio"] >= r["wanted"] else "red"
            what = {"both": "forward + backward", "forward": "forward"}[r["what"]]
            table.add_row(str(r["threads"]), what, *(str(r[k]) for k in "TBIN"), f"{r['rival_ms']:.2f}", f"{r['symcell_ms']:.2f}",
                          f"[{colour}]{r['ratio']:.2f}[/]", f"{r['wanted']:.1f}", f"{highest_ratio(r, found['peak']):.2f}")  # fmt: skip
        both = [r["ratio"] for r in own if r["what"] == "both"]
        if len(both) > 1:
            table.caption = f"geometric mean, forward + backward: {statistics.geometric_mean(both):.2f}"
        yield table


def limit_tables(found):
    for name, group in groupby(found["limits"], key=lambda r: r["table"]):
        table = Table(title=name, title_justify="left")
        for column in ("threads", "what", "measured", "wanted", "note"):
            table.add_column(column)
        for r in group:
            colour, sign = "green" if r["passed"] else "red", "at least" if r["at_least"] else "at most"
            table.add_row(str(r["threads"]), r["what"], f"[{colour}]{r['measured']:.3g}[/]", f"{sign} {r['wanted']}", r["note"])
        yield table


_CELLS = {"lstm-others": "lstm", "lstm-float64": "lstm in float64", "variant": "the example's variant"}  # races by their cells


def _place(row):
    return row["T"], row["B"], row["I"], row["N"]


def _point(place):
    T, B, inputs, N = place
    return f"T{T}\nB{B}\nN{N}" if inputs == N else f"T{T} B{B}\nI{inputs}\nN{N}"


def _threads(count):
    return f"{count} thread" + "s" * (count > 1)


def picture(found, path):
    """Every ratio, a panel for each number of threads; below, how near symcell's LSTM comes to the machine's arithmetic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    order = list(RACES)
    both = sorted((r for r in found["race"] if r["what"] == "both"), key=lambda r: order.index(r["race"]))
    counts = sorted({r["threads"] for r in both})
    figure, axes = pyplot.subplots(len(counts) + 1, 1, figsize=(11, 4.2 * (len(counts) + 1)), layout="constrained")
    points = list(dict.fromkeys(map(_place, both)))
    for axis, count in zip(axes, counts, strict=False):
        lines = dict.fromkeys((r["race"], r["rival"]) for r in both if r["threads"] == count)
        colours = ["black", *pyplot.get_cmap("tab20").colors]  # the vendor's own LSTM stands out
        for k, (race, rival) in enumerate(lines):
            own = {_place(r): r["ratio"] for r in both if (r["race"], r["rival"], r["threads"]) == (race, rival, count)}
            axis.plot([points.index(p) for p in own], list(own.values()), "o-", label=f"{_CELLS.get(race, race)} / {rival}", linewidth=1 if k else 2.5, markersize=4,
                      color=colours[k % len(colours)])  # fmt: skip
        axis.axhline(1, color="black", linewidth=1)
        axis.set_yscale("log")
        axis.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
        axis.set_xticks(range(len(points)), list(map(_point, points)), fontsize=8)
        axis.set_ylabel("rival's time / symcell's")
        axis.set_title(f"forward + backward, {_threads(count)}: above 1, symcell is faster", loc="left")
        axis.legend(fontsize=7, ncols=4, loc="upper right")
        axis.grid(alpha=0.3)
    _roofline(found, axes[-1])
    figure.savefig(path, dpi=110)


def _roofline(found, axis):
    """Rates of arithmetic in forward and backward of an LSTM."""
    peak = found["peak"] / 1e9
    rows = [r for r in found["race"] if r["race"] == "lstm" and r["what"] == "both"]
    if not rows:
        axis.set_axis_off()
        return
    points = list(dict.fromkeys(map(_place, rows)))
    for count in sorted({r["threads"] for r in rows}):
        own = [r for r in rows if r["threads"] == count]
        places = [points.index(_place(r)) for r in own]
        work = [operations(r) / 1e6 for r in own]
        axis.plot(places, [w / r["symcell_ms"] for w, r in zip(work, own, strict=True)], "o-", label=f"symcell, {_threads(count)}")
        axis.plot(places, [w / r["rival_ms"] for w, r in zip(work, own, strict=True)], "s--", label=f"torch, {_threads(count)}")
        axis.axhline(peak * count, color="grey", linestyle=":", linewidth=1)
    axis.set_xticks(range(len(points)), list(map(_point, points)), fontsize=8)
    axis.set_ylim(0, 1.05 * peak * max(r["threads"] for r in rows))
    axis.set_ylabel("GF/s in matrix products")
    axis.set_title("LSTM, forward + backward, beside the fastest product of any library (dotted)", loc="left")
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
