"""The derivation and the carousel that a Cell returns: they render themselves as LaTeX and in a notebook."""

from typing import Self

from symcell.derivation.carousel import Carousel
from symcell.derivation.derive import Derivation, derive
from symcell.documents.article import Article
from symcell.documents.contents import article, path_article
from symcell.documents.latex import latex, notebook_latex
from symcell.language.declaration import Declaration
from symcell.notation.plain import short_factor_text


class RenderedDerivation(Derivation):
    """A Derivation with its documents."""

    @classmethod
    def of(cls, declaration: Declaration) -> Self:
        derivation = derive(declaration)
        return cls(declaration, derivation.forward, derivation.adjoint)

    def article(self, steps: int = 3, gradients: bool = True, shapes: bool = True) -> Article:
        """What the documents of this derivation say, as a model that renderers print. steps: the number of steps of the products
        of step Jacobians; gradients and shapes: whether the gradients of parameters and the shapes are listed."""
        return article(self, steps, gradients, shapes)

    def latex(self, document: bool = False, steps: int = 3, gradients: bool = True, shapes: bool = True) -> str:
        """The derivation as LaTeX: a fragment to paste into a paper (it needs amsmath and amssymb), or a whole document. The other
        options are those of `article`."""
        return latex(self.article(steps, gradients, shapes), document)

    def _repr_latex_(self) -> str:
        return notebook_latex(self.article())


class RenderedCarousel(Carousel):
    """A Carousel with its formulas."""

    def latex(self, steps: int = 3) -> str:
        """One step's factor, what is held fixed, and the product over `steps` steps, as LaTeX."""
        return latex(path_article(self, steps))

    def __repr__(self) -> str:
        name, s = self.derivation.declaration.name, self.state
        return f"Carousel({name}: d {s}[t] / d {s}[t-1] = {short_factor_text(self)})"

    def _repr_latex_(self) -> str:
        return notebook_latex(path_article(self))
