"""The derivation and the carousel that a Cell returns: they render themselves as LaTeX and in a notebook."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypedDict, Unpack

from symcell.compiler import plain_kernel, source_of
from symcell.derivation.carousel import Carousel
from symcell.derivation.derive import Derivation, derive
from symcell.documents.article import Article
from symcell.documents.contents import article, path_article
from symcell.documents.diagram import diagram_svg
from symcell.documents.latex import DOCUMENT_WIDTH, WIDTH, Page, label, latex, whole_document
from symcell.documents.markdown import GITHUB, NOTEBOOK, markdown
from symcell.documents.notebook import notebook_latex
from symcell.documents.pdf import write_pdf
from symcell.documents.structured import as_json
from symcell.documents.style import Notated, style_of
from symcell.errors import CellError
from symcell.language.declaration import Declaration
from symcell.notation.plain import short_factor_text


class Options(TypedDict, total=False):
    """The options of a document in LaTeX. See RenderedDerivation.latex."""

    width: float | None
    prefix: str
    level: str | None
    notation: Notated
    names: Mapping[str, str] | None
    rules: bool
    steps: int
    gradients: bool
    shapes: bool
    proofs: bool | str


class RenderedDerivation(Derivation):
    """A Derivation with its documents."""

    @classmethod
    def of(cls, declaration: Declaration) -> Self:
        derivation = derive(declaration)
        return cls(declaration, derivation.forward, derivation.adjoint)

    def article(self, steps: int = 3, gradients: bool = True, shapes: bool = True, proofs: bool | str = False) -> Article:
        """What the documents of this derivation say, as a model that renderers print. steps: the number of steps of the products
        of step Jacobians; gradients and shapes: whether the gradients of parameters and the shapes are listed; proofs: whether a
        page of the rules that were used follows, with their proofs, or of "all"."""
        return article(self, steps, gradients, shapes, proofs)

    def latex(
        self, document: bool = False, width: float | None = None, prefix: str = "", level: str | None = None,
        notation: Notated = None, names: Mapping[str, str] | None = None, rules: bool = True, steps: int = 3,
        gradients: bool = True, shapes: bool = True, proofs: bool | str = False,
    ) -> str:  # fmt: skip
        """The derivation as LaTeX: a fragment to paste into a paper (it needs amsmath and amssymb), or a whole document.

        width: of a line in points, at a size of 10 pt (default: 345, and 455 of a document); prefix: what labels begin with
        (default: the cell's name); level: of its heading, "section" (the default of a document), "subsection" (of a fragment) or
        "paragraph"; notation: a Style, or a preset by its name; names: symbol -> LaTeX; rules: whether adjoints have their rules
        beside them; the others are those of `article`. Raises CellError for what is none of these."""
        level = ("section" if document else "subsection") if level is None else level
        page = Page((DOCUMENT_WIDTH if document else WIDTH) if width is None else width, prefix, level, rules)
        text = latex(self.article(steps, gradients, shapes, proofs), page, style_of(notation, names))
        return whole_document(text, page.width) if document else text

    def pdf(self, path: str | Path, **options: Unpack[Options]) -> Path:
        """Write the derivation as a PDF, by an installed pdflatex or tectonic; the options are those of `latex`. Raises CellError
        where there is neither."""
        return write_pdf(self.latex(document=True, **options), path)

    def markdown(
        self, notation: Notated = None, names: Mapping[str, str] | None = None, rules: bool = True, steps: int = 3,
        gradients: bool = True, shapes: bool = True, proofs: bool | str = False,
    ) -> str:  # fmt: skip
        """The derivation as Markdown for GitHub and GitLab. The options are those of `latex`."""
        return markdown(self.article(steps, gradients, shapes, proofs), style_of(notation, names), GITHUB, rules)

    def html(
        self, notation: Notated = None, names: Mapping[str, str] | None = None, steps: int = 3, gradients: bool = True,
        shapes: bool = True, proofs: bool | str = False, beside: Iterable[Derivation] = (),
    ) -> str:  # fmt: skip
        """The derivation as a web page of one file, with its diagram, figures of its gradients and gates, and the generated code
        beside it. `beside`: derivations of other cells, two at most, whose gradients are shown for comparison. The other options
        are those of `latex`. Raises CellError for more of them, and where Pygments, latex2mathml, igraph or SciPy are missing."""
        from symcell.documents.html import need_packages

        need_packages()
        beside = list(beside)
        if len(beside) > 2:
            raise CellError(f"cell {self.declaration.name}: beside has two derivations at most, found {len(beside)}")
        from symcell.documents.html.figures import figures
        from symcell.documents.html.page import Around, page

        style = style_of(notation, names)
        around = Around(diagram=diagram_svg(self, notation=style))
        if self.declaration.inputs:  # without one there is no module
            shown = figures(partial(plain_kernel, self.declaration), [plain_kernel(d.declaration) for d in beside])
            around = replace(around, source=source_of(self.declaration), figures=shown)
        return page(self.article(steps, gradients, shapes, proofs), around, style)

    def json(
        self, notation: Notated = None, names: Mapping[str, str] | None = None, steps: int = 3, gradients: bool = True,
        shapes: bool = True, proofs: bool | str = False,
    ) -> str:  # fmt: skip
        """The derivation as JSON: sections, sentences, and lines with their keys, numbers, rules and LaTeX."""
        return as_json(self.article(steps, gradients, shapes, proofs), style_of(notation, names))

    def _repr_latex_(self) -> str:
        return notebook_latex(self.article())

    def _repr_markdown_(self) -> str:
        return markdown(self.article(), dialect=NOTEBOOK)


class RenderedCarousel(Carousel):
    """A Carousel with its formulas."""

    def latex(self, steps: int = 3) -> str:
        """One step's factor, what is held fixed, and the product over `steps` steps, as LaTeX. Its labels begin with the names of
        the cell and the state."""
        name, s = self.derivation.declaration.name, self.state.name
        return latex(path_article(self, steps), Page(prefix=f"{label(name)}-{label(s)}"))

    def __repr__(self) -> str:
        name, s = self.derivation.declaration.name, self.state
        return f"Carousel({name}: d {s}[t] / d {s}[t-1] = {short_factor_text(self)})"

    def _repr_latex_(self) -> str:
        return notebook_latex(path_article(self))

    def _repr_markdown_(self) -> str:
        return markdown(path_article(self), dialect=NOTEBOOK)
