"""Expressions -> MathML, by way of the LaTeX that papers get; every symbol carries the class of its quantity."""

from latex2mathml.converter import convert

from symcell.documents.printer import Notation


class MarkedNotation(Notation):
    """The notation of papers, with the class of its quantity around each symbol."""

    def __init__(self, derivation, quantities, **options):
        super().__init__(derivation, **options)
        self.quantities = quantities

    def at(self, time):
        return MarkedNotation(self.derivation, self.quantities, time=time)

    def name(self, e):
        text, found = super().name(e), self.quantities.of_symbol(e)
        return rf"\class{{{found}}}{{{text}}}" if found else text


def mathml(text, display=False):
    """A formula in our printer's LaTeX as a <math> element."""
    return convert(text, display="block" if display else "inline")
