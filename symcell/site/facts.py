"""What the index of the book says of a cell, and its page above the equations: facts of its structure, not of its name."""

from dataclasses import dataclass

from sympy import Add, Mul

from symcell.derivation.carousel import carousels
from symcell.notation.plain import short_factor_text
from symcell.site.citation import year_of


@dataclass(frozen=True)
class Facts:
    """numbers: how many a cell learns, if every size is 64; products: matrix products of a step that wait for the step before;
    depth: the longest chain of them; scan: the states that are computed for all steps in parallel; carousel: how freely errors
    pass at best, and the factor of that."""

    name: str
    year: int | None
    states: tuple[str, ...]
    parameters: str
    numbers: int
    products: int
    depth: int
    scan: tuple[str, ...]
    carousel: str
    factor: str
    reference: str

    @property
    def described(self):
        """(name, text) for a page."""
        return (
            ("States", ", ".join(self.states)),
            ("Parameters", self.parameters),
            ("Products in a step", f"{self.products}, {self.depth} deep" if self.products else "none"),
            ("Computed as a scan", ", ".join(self.scan) or "nothing"),
            ("Carousel", self.factor),
        )


def facts(cell):
    """The facts of a cell."""
    structure, freest = cell.structure, next(iter(carousels(cell.derive())), None)
    count = Add(*(Mul(*cell.shape(p)) for p in cell.params)).expand()
    return Facts(
        name=cell.name,
        year=year_of(cell),
        states=tuple(s.name for s in cell.states),
        parameters=_in_words(count),
        numbers=int(count.subs(dict.fromkeys(count.free_symbols, 64))),
        products=len(structure.products),
        depth=structure.depth,
        scan=tuple(s.name for s in structure.scans),
        carousel=freest.kind if freest else "none",
        factor=f"d {freest.state}[t] / d {freest.state}[t-1] = {short_factor_text(freest)}" if freest else "no state is carried",
        reference=cell.reference,
    )


def _in_words(count):
    """An expression of sizes as text."""
    return str(count).replace("**2", "\u00b2").replace("**3", "\u00b3").replace("*", " ")
