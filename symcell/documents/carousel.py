"""Carousel -> LaTeX: the factor of one step, its kind, and the product over several steps."""

from sympy import Add

from symcell.derivation.chain import derivatives_between
from symcell.derivation.maps import rate, transposed
from symcell.derivation.reverse import recurrent_states
from symcell.documents.printer import Notation
from symcell.language.symbols import Adjoint

_MOST_PATHS = 24  # a factor that is a sum of more products is written step by step

_KINDS = {
    "none": "nothing passes: the derivative is zero",
    "constant": "the factor is the same at every step: along this path an error goes as its power, unchanged where it is 1",
    "gate": "the factor is a gate between 0 and 1, and no matrix takes part: the carousel turns as fast as the gate lets it, and "
    "no error grows along this path",
    "elementwise": "the factor is elementwise, and no matrix takes part, but it is more than a gate: it may leave the range from "
    "0 to 1, and the error may vanish or explode",
    "matrix": "matrices take part in the factor, and with them the error may vanish or explode",
}


def carousel_latex(carousel, steps=3):
    """The factor of one step, what is held fixed, the kind of the factor, and the product over several steps."""
    derivation, state = carousel.derivation, carousel.state
    cell, notation = derivation.declaration, Notation(derivation)
    others = [notation.name(s.prev) for s in recurrent_states(derivation.forward) if s != state]
    fixed = ", ".join([*others, *(notation.name(q) for q in cell.inputs)])
    text = f"Over one step, with ${fixed}$ held fixed,\n" if fixed else "Over one step,\n"
    text += f"\\begin{{equation*}}\n{carousel_math(carousel, 0)}\n\\end{{equation*}}\n"
    if _is_too_long(carousel):
        text += f"Multiplied out, the last line is a sum of {carousel.paths} products. "
    text += f"Here {_kind_in_words(carousel)}. Over {steps} steps along this path alone,\n"
    text += f"\\begin{{equation*}}\n{product_math(carousel, steps)}\n\\end{{equation*}}\n"
    if carousel.kind == "matrix":
        text += f"and an error comes back as\n\\begin{{equation*}}\n{backward_math(carousel, steps)}\n\\end{{equation*}}\n"
    return text + _total_words(carousel, notation)


def _kind_in_words(carousel):
    if carousel.state not in recurrent_states(carousel.derivation.forward):
        return "nothing passes: no step reads the state of the one before"
    return _KINDS[carousel.kind]


def _total_words(carousel, notation):
    """A sentence on the terms that the total derivative adds to the factor, over one step and over several."""
    longer = ", ".join(notation.name(s) for s in carousel.longer_detours)
    several = f"over several steps, paths through ${longer}$ that never pass ${notation.name(carousel.state)}$ are added too"
    if carousel.detours:
        paths = " + ".join(_path(carousel.state, s, notation) for s in carousel.detours)
        return f"The total derivative of one step adds ${paths}$" + (f"; {several}." if longer else ".")
    if longer:
        return f"Over one step this is the total derivative; {several.removesuffix(' too')}."
    return "No other state leads back to it: this is the total derivative."


def _path(state, other, notation):
    now, before, through = (notation.name(q) for q in (state, state.prev, other.prev))
    return rf"\frac{{\partial {now}}}{{\partial {through}}} \frac{{\partial {through}}}{{\partial {before}}}"


def carousel_math(carousel, steps):
    """The factor of one step, and the product over `steps` steps where there are any."""
    notation, state = Notation(carousel.derivation), carousel.state
    if _is_too_long(carousel):
        between = derivatives_between(carousel.derivation, state, state.prev)
        text = _aligned([rf"{notation.doprint(rate(q, state.prev))} ={{}} &{_broken(notation, e)}" for q, e in between])
    else:
        text = rf"{notation.doprint(rate(state, state.prev))} = {_broken(notation, carousel.factor)}"
    return text if not steps else text + r" \,, \qquad " + product_math(carousel, steps)


def _is_too_long(carousel):
    """Whether there are too many paths from one step to the next to multiply out."""
    return carousel.paths > _MOST_PATHS


def _broken(notation, e):
    """A formula, broken into lines that fit on a page."""
    text = notation.doprint(e)
    if len(text) < 200 or not e.is_Add:
        return text
    terms = notation.paper.terms(e)
    return _aligned([f"&{notation.doprint(terms[0])}"] + [f"&{_signed(notation.doprint(a))}" for a in terms[1:]])


def _aligned(lines):
    return "\\begin{aligned}[t]\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _signed(term):
    return term if term.startswith("-") else f"{{}} + {term}"


def product_math(carousel, steps):
    """The product of the factors of several steps, the latest first; J stands for a long factor."""
    derivation, state, factor = carousel.derivation, carousel.state, carousel.factor
    now, before, earlier = (Notation(derivation, back=k).name(state) for k in (0, 1, steps))
    left = rf"\frac{{\partial {now}}}{{\partial {earlier}}}"
    join = r" \odot " if factor.is_commutative and derivation.shapes[state] else r" \, "
    if _is_long(carousel):
        product = join.join(_time("J", k) for k in range(steps))
        return rf"{left} = {product}, \qquad J_t = \frac{{\partial {now}}}{{\partial {before}}}"
    if carousel.kind in ("none", "constant"):
        return f"{left} = {Notation(derivation).doprint(factor**steps)}"
    return f"{left} = " + join.join(Notation(derivation, back=k).parenthesize_factor(factor) for k in range(steps))


def backward_math(carousel, steps):
    """The adjoint of the state `steps` steps ago from the present one: the transposed factors, the earliest first."""
    derivation, adjoint, back = carousel.derivation, Adjoint(carousel.state), transposed(carousel.factor)
    factors = [
        rf"{_time('J', k)}^{{\top}}" if _is_long(carousel) else Notation(derivation, back=k).parenthesize_factor(back)
        for k in reversed(range(steps))
    ]
    product = r" \, ".join([*factors, Notation(derivation).name(adjoint)])
    return f"{Notation(derivation, back=steps).name(adjoint)} = {product}"


def _is_long(carousel):
    terms = len(Add.make_args(carousel.factor))
    return _is_too_long(carousel) or (terms > 1 and (not carousel.factor.is_commutative or terms > 2))


def _time(letter, back):
    return f"{letter}_{{t-{back}}}" if back else f"{letter}_t"
