"""The path of each state: what one step does to an error in it, and several steps."""

from symcell.documents.article import Equations, Line, Section
from symcell.documents.nodes import At, Factors, at, rate, t


def path_section(carousel, steps):
    s = carousel.state
    factor = Line(f"path-{s.name}", rate(s, s.prev), carousel.factor)
    product = Factors(*[at(carousel.factor, t - j) for j in range(steps)])
    over = Line(f"product-{s.name}", rate(s, At(s, t - steps)), product)
    return Section(f"path-{s.name}", ("The path of ", s.name), (Equations((factor, over)),))
