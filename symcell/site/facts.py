"""What the index of the book says of a cell, and its page above the equations: facts of its structure, not of its name."""

from dataclasses import dataclass

from sympy import Add, Expr, Mul

from symcell.derivation.blocks import StepJacobian
from symcell.derivation.carousel import Carousel, carousels
from symcell.derivation.maps import rate
from symcell.documents.article import Math, Part
from symcell.documents.nodes import Listed, Terms
from symcell.language.symbols import State
from symcell.notation.plain import PlainPrinter
from symcell.site.citation import year_of

_LONGEST = 60  # characters of a factor that stands among facts


@dataclass(frozen=True)
class Facts:
    """parameters: how many numbers a cell learns, and `numbers` if every size is 64; products: matrix products of a step that
    wait for the step before; depth: the longest chain of them; scan: the states that are computed for all steps in parallel;
    carousel: how freely errors pass at best, and the factor of that."""

    name: str
    year: int | None
    states: tuple[State, ...]
    parameters: Expr
    numbers: int
    products: int
    depth: int
    scan: tuple[State, ...]
    carousel: str
    factor: tuple[Part, ...]
    reference: str

    @property
    def described(self) -> tuple[tuple[str, tuple[Part, ...]], ...]:
        """(name, parts of a sentence) for a page."""
        chain = f", the longest chain {self.depth}" if self.products > 1 else ""
        return (
            ("States", (Math(Listed(*self.states)),)),
            ("Parameters", (Math(self.parameters),)),
            ("Products that wait for the step before", (f"{self.products or 'none'}{chain}",)),
            ("Computed as a scan", (Math(Listed(*self.scan)),) if self.scan else ("nothing",)),
            (f"Carousel: {self.carousel}", self.factor),
        )


def facts(cell):
    """The facts of a cell."""
    structure, freest = cell.structure, next(iter(carousels(cell.derive())), None)
    count = Add(*(Mul(*cell.shape(p)) for p in cell.params)).expand()
    return Facts(
        name=cell.name,
        year=year_of(cell),
        states=cell.states,
        parameters=highest_first(count),
        numbers=int(count.subs(dict.fromkeys(count.free_symbols, 64))),
        products=len(structure.products),
        depth=structure.depth,
        scan=structure.scans,
        carousel=freest.kind if freest else "none",
        factor=factor_parts(freest) if freest else ("no state is carried",),
        reference=cell.reference,
    )


def highest_first(count):
    """An expression of sizes with the terms of the highest degree first."""
    return Terms(*count.as_ordered_terms()) if count.is_Add else count


def factor_parts(carousel: Carousel) -> tuple[Part, ...]:
    """The factor of one step as an equation; the direct path alone, or words, if it is long."""
    own, as_map = rate(carousel.state, carousel.state.prev), StepJacobian(carousel.derivation).as_map
    if _is_short(carousel, carousel.factor):
        return (Math(own, "=", as_map(carousel.factor, carousel.state)),)
    words = "a sum of products" if carousel.factor.is_Add else "a product"
    words += " with matrices" if carousel.kind == "matrix" else ""
    if carousel.direct != 0 and _is_short(carousel, carousel.direct):
        return (Math(own), ": ", Math(as_map(carousel.direct, carousel.state)), f" directly; in all {words}")
    return (Math(own), f": {words}")


def _is_short(carousel, e):
    return len(PlainPrinter(carousel.derivation).doprint(e)) <= _LONGEST
