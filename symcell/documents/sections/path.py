"""The path of each state: the factor of one step, its product over several steps, and what that does to an error."""

from sympy import Abs, Integer, Mul

from symcell.derivation.chain import path_counts
from symcell.derivation.maps import transposed
from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.bounds import norm_bound
from symcell.documents.nodes import (
    Applied,
    At,
    Factors,
    Held,
    LargestEntry,
    Norm,
    Run,
    Steps,
    T,
    Transposed,
    at,
    is_timeless,
    k,
    t,
)
from symcell.documents.sections.jacobian import block_name
from symcell.documents.sections.subject import listed
from symcell.language.symbols import Adjoint

_LONGEST = 20  # operations in a factor, or in a bound, that is spelled out
_REPEATED = 8  # operations in a factor that is spelled out once for each of several steps

_KINDS = {
    "gate": "The factor is a gate: it lies between 0 and 1 whatever the values are, and no matrix takes part. This is the "
    "constant error carousel with a gate: an error passes unchanged where the factor is 1 and ends where it is 0, and along "
    "this path it never grows.",
    "elementwise": "The factor is elementwise, and no matrix takes part, but it is no gate: it may leave the range from 0 to 1.",
    "matrix": "Matrices take part in the factor.",
}


class _Path:
    """A state's path, as its section tells it."""

    def __init__(self, subject, carousel):
        self.subject, self.carousel, self.state = subject, carousel, carousel.state
        self.name = block_name(subject.step, self.state, self.state.prev)
        self.value = subject.in_names(carousel.factor)
        self.factor = subject.step.as_map(self.value, self.state)
        self.is_spelled = not (self.factor.is_Add and not self.value.is_commutative) and self.value.count_ops() <= _LONGEST
        self.is_repeated = self.is_spelled and self.value.count_ops() <= _REPEATED
        self.is_constant = carousel.kind == "constant"
        self.bound = None if carousel.kind in ("gate", "constant") else norm_bound(self.value, subject.derivation)

    def over(self, steps):
        """The spelled-out factors of several steps as one map, the latest first."""
        factor = self.value
        if not factor.is_commutative:
            return Factors(*[a for n in range(steps) for a in Mul.make_args(at(self.factor, t - n))])
        product = factor**steps if self.is_constant else Factors(*[at(factor, t - n) for n in range(steps)])
        return self.subject.step.as_map(product, self.state)

    def over_k(self):
        """The same over k steps."""
        factor = self.value
        if not factor.is_commutative:
            return Run(self.factor, t, t - 1, t - k + 1)
        product = factor**k if self.is_constant else Run(factor, t, t - 1, t - k + 1)
        return self.subject.step.as_map(product, self.state)

    def back(self, steps):
        """What the factors make of an error in the state: the latest is applied first."""
        error, factor = Adjoint(self.state), self.value
        if self.is_repeated and factor.is_commutative:
            factors = [factor**steps] if self.is_constant else [at(factor, t - n) for n in reversed(range(steps))]
            return error if factors == [1] else Factors(*factors, error)
        one = transposed(self.factor) if self.is_repeated else Transposed(self.name)
        return Applied(*[a for n in reversed(range(steps)) for a in Mul.make_args(at(one, t - n))], error)

    def names(self, steps):
        """The product of the symbols of the factors."""
        return Factors(*[at(self.name, t - n) for n in range(steps)]) if steps > 1 else self.name


def path_section(subject, carousel, steps, alike=()):
    """The section of one state whose error can pass from step to step; `alike` are others with the same factor."""
    path, s = _Path(subject, carousel), carousel.state
    same = (Paragraph(("The factor is the same for ", *listed(alike), ".")),) if alike else ()
    blocks = (*_one_step(path), *_direct(path), *same, *_several(path, steps), *_bounded(path), _other_paths(path))
    return Section(f"path-{s.name}", ("The path from ", Math(s.prev), " to ", Math(s)), blocks)


def still_section(subject, states):
    """The states whose error does not pass on to themselves."""
    parts = [Math(block_name(subject.step, s, s.prev), "=", Integer(0)) for s in states]
    return Section("still", ("States without a path to themselves",), (Paragraph((*listed(parts), ".")),))


def _one_step(path):
    """The factor, and what is held fixed."""
    subject, s = path.subject, path.state
    others = [*(q.prev for q in subject.recurrent if q != s), *subject.cell.inputs]
    fixed = (" with ", *listed(others), " held fixed,") if others else ""
    if not path.is_spelled:
        return (Paragraph(("The factor of one step,", *fixed, " is ", Math(path.name), ", derived above.")),)
    factor = Line(f"path-{s.name}", path.name, path.factor)
    return (Paragraph(("Over one step,", *fixed)), Equations((factor,), Steps(1, T)))


def _direct(path):
    """The direct path, where there are others through what is computed from the state."""
    carousel, subject, derivation = path.carousel, path.subject, path.subject.derivation
    own = [r for r in derivation.forward if r.equation == subject.rows[path.state].equation]
    made = path_counts(derivation, path.state.prev).keys() - {path.state, *(r.target for r in own)}
    held = [q for q in subject.rows if q in made and any(q in r.rhs.free_symbols for r in own)]
    if not held or carousel.direct in (0, carousel.factor):
        return ()
    direct = subject.step.as_map(subject.in_names(carousel.direct), path.state)
    line = Line(f"direct-{path.state.name}", Held(path.name, *held), direct)
    words = Paragraph(("Of this, the direct path is what the state's own equation says, with ", *listed(held), " held fixed:"))
    return (words, Equations((line,), Steps(1, T)))


def _several(path, steps):
    """The product over several steps, and what it does to an error."""
    s, error = path.state, Adjoint(path.state)
    comes = Line(f"path-back-{s.name}", Applied(Transposed(path.names(steps)), error), path.back(steps))
    alone = Paragraph(("Of an error ", Math(error), ", this path alone takes to ", Math(At(s, t - steps)), " the part"))
    if not path.is_repeated:
        return (Paragraph((*_kind_words(path),)), alone, Equations((comes,)))
    products = (
        *((Line(f"path-product-{s.name}", path.names(steps), path.over(steps)),) if steps > 1 else ()),
        Line(f"path-product-k-{s.name}", Run(path.name, t, t - 1, t - k + 1), path.over_k()),
    )
    first = f" Over {steps} steps along this path alone, and over " if steps > 1 else " Over "
    over = (first, Math(k), "," if steps > 1 else " steps,")
    return (Paragraph((*_kind_words(path), *over)), Equations(products), alone, Equations((comes,)))


def _kind_words(path):
    factor = path.value
    if not path.is_constant:
        kind, bound = path.carousel.kind, path.bound
        may_grow = kind != "gate" and not (bound is not None and bound.is_number and bound <= 1)
        return (_KINDS[kind] + (" The error may vanish or explode." if may_grow else ""),)
    if factor == 1:
        return ("The factor is exactly 1. This is the constant error carousel: along this path an error passes over any number "
                "of steps unchanged; it neither vanishes nor explodes.",)  # fmt: skip
    if factor.is_number:
        size = Math(Abs(factor))
        return ("The factor is the same number at every step, and ", size, *_compared(Abs(factor)))
    return ("The factor is the same at every step, so that an error goes as its power: it vanishes where ", Math(Abs(factor),
    "<", Integer(1)),
            ", explodes where ", Math(Abs(factor), ">", Integer(1)),
            ", and passes unchanged where the factor is 1, as in the constant error "
            "carousel.")  # fmt: skip


def _compared(size):
    if size < 1:
        return (" is less than 1: along this path an error vanishes as its power.",)
    return (" is more than 1: along this path an error explodes as its power.",)


def _bounded(path):
    """The bound of the factor where it says more than the kind does, and what follows from it."""
    s, bound = path.state, path.bound
    if bound is None or bound == LargestEntry(path.value) or bound.count_ops() > _LONGEST:
        return ()  # it says nothing that is not said, or too much
    one = Line(f"bound-{s.name}", Norm(path.name), bound, relation="<=")
    if not is_timeless(bound, path.subject.derivation):
        return (Paragraph(("The norm of the factor is at most",)), Equations((one,), Steps(1, T)))
    words = ("The bound is the same at every step, so that the norm over ", Math(k), " steps is at most ", Math(bound**k))
    return (
        Paragraph(("The norm of the factor is bounded:",)), Equations((one,), Steps(1, T)), Paragraph((*words, *_follows(bound))),
    )  # fmt: skip


def _follows(bound):
    """What a bound says on the errors along a path."""
    if not bound.is_number:
        return (". Where ", Math(bound, "<", Integer(1)), ", an error along this path must vanish; it can explode only where ",
                Math(bound, ">", Integer(1)), ".")  # fmt: skip
    if bound > 1:
        return (": along this path an error grows no faster.",)
    return (": along this path an error must vanish." if bound < 1 else ": along this path an error never grows.",)


def _other_paths(path):
    """Which other states lead back to this one."""
    carousel, s = path.carousel, path.state
    others = [q for q in path.subject.recurrent if q in {*carousel.detours, *carousel.longer_detours}]
    if not others:
        return Paragraph(
            (
                "No other state leads back to ",
                Math(s),
                ": over any number of steps an error comes back to it along this path alone.",
            )
        )
    return Paragraph(("Over several steps errors also come back to ", Math(s), " through ", *listed(others),
                      ": those paths are in the products of the whole Jacobian, and not here."))  # fmt: skip
