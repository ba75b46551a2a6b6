"""The derivation and the carousel that a Cell returns: they render themselves as LaTeX and in a notebook."""

from typing import Self

from symcell.derivation.carousel import Carousel
from symcell.derivation.derive import Derivation, derive
from symcell.documents.carousel import carousel_latex, carousel_math
from symcell.documents.latex import derivation_latex, notebook_latex
from symcell.language.declaration import Declaration
from symcell.notation.plain import short_factor_text


class RenderedDerivation(Derivation):
    """A Derivation with its documents."""

    @classmethod
    def of(cls, declaration: Declaration) -> Self:
        derivation = derive(declaration)
        return cls(declaration, derivation.forward, derivation.adjoint)

    def latex(self, document: bool = False) -> str:
        """The derivation as LaTeX: a fragment to paste into a paper (it needs amsmath and amssymb), or a whole document."""
        return derivation_latex(self, document)

    def _repr_latex_(self) -> str:
        return notebook_latex(self)


class RenderedCarousel(Carousel):
    """A Carousel with its formulas."""

    def latex(self, steps: int = 3) -> str:
        """One step's factor, what is held fixed, and the product over `steps` steps, as LaTeX."""
        return carousel_latex(self, steps)

    def __repr__(self) -> str:
        name, s = self.derivation.declaration.name, self.state
        return f"Carousel({name}: d {s}[t] / d {s}[t-1] = {short_factor_text(self)})"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {carousel_math(self, 3)}$"
