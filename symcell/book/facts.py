"""What the index of the book says of a cell, and its page above the equations: facts of its structure, not of its name."""

from dataclasses import dataclass

from sympy import Add, Mul

from symcell.book.citation import year_of
from symcell.derivation.carousel import carousels
from symcell.notation.plain import short_factor_text


@dataclass(frozen=True)
class Facts:
    """products: matrix products of a step that wait for the step before; depth: the longest chain of them; scan: whether some state
    is computed for all steps in parallel; carousel: the state through which errors pass most freely, and how."""

    name: str
    year: int | None
    states: tuple[str, ...]
    parameters: str
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
    return Facts(
        name=cell.name,
        year=year_of(cell),
        states=tuple(s.name for s in cell.states),
        parameters=_count(cell),
        products=len(structure.products),
        depth=structure.depth,
        scan=tuple(s.name for s in structure.scans),
        carousel=freest.kind if freest else "none",
        factor=f"d {freest.state}[t] / d {freest.state}[t-1] = {short_factor_text(freest)}" if freest else "no state is carried",
        reference=cell.reference,
    )


def _count(cell):
    """How many numbers there are to learn, as an expression of sizes."""
    return str(Add(*(Mul(*cell.shape(p)) for p in cell.params)).expand()).replace("**2", "\u00b2").replace("**3", "\u00b3").replace("*", " ")
