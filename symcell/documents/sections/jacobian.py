"""The Jacobian of one step: derivatives that are kept by name, and the blocks that they add up to."""

from sympy import Mul, S, Tuple

from symcell.derivation.maps import diag, rate
from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import At, Blocks, J, Stacked, Steps, T, Terms, state, t, total_rate
from symcell.documents.sections.subject import listed
from symcell.documents.sums import as_written, joined

LARGEST = 4  # blocks in a row of a matrix, or in a column, that is printed as one
_SHORT = 2  # symbols of a derivative that is printed in place of its name


def jacobian_section(subject):
    """Local derivatives, then the blocks, then the matrix of blocks."""
    step = subject.step
    local = tuple(_local(subject, of, by) for of, by in step.local)
    blocks = tuple(_block(subject, of, by) for of, by in step.paths if not step.is_local(of, by))
    held = (*listed(step.kept), " (but for the two themselves), ") if len(step.kept) > 1 else ()
    others = "the other previous states, " if len(step.states) > 1 else ""
    words = Paragraph((
        "A derivative with ∂ goes through the equations between its two quantities alone. Held fixed are ", *held,
        f"{others}the inputs and the parameters; ", Math(Steps(1, T)), ".",
    ))  # fmt: skip
    through = Paragraph(("A derivative with d adds the paths through what the same step computes between:",))
    return Section(
        "jacobian",
        ("The Jacobian of one step",),
        (words, Equations(local, Steps(1, T)), *((through, Equations(blocks, Steps(1, T))) if blocks else ()), *_whole(subject)),
    )


def _local(subject, of, by):
    """The line of a local derivative, and what rows it comes from."""
    e = subject.step.as_map(subject.in_names(joined(as_written(subject.step.local[of, by]))), of)
    return Line(f"local-{of.name}-{by.name}", rate(of, by), e, ("from ", subject.lines_of([of])))


def _block(subject, of, by):
    """The line of a block that several paths, or one through other quantities, add up to."""
    return Line(f"block-{of.name}-{by.name}", total_rate(of, by), path_sum(subject.step, of, by))


def path_sum(step, of, by):
    """The sum over the paths from a previous state: local derivatives times what leads to them."""
    terms = [rate(of, by) if q == by else Mul(rate(of, q), block_name(step, q, by)) for q in step.paths[of, by]]
    return terms[0] if len(terms) == 1 else Terms(*terms)


def block_name(step, of, by):
    """The symbol of a block: that of the local derivative where this is all."""
    return rate(of, by) if step.is_local(of, by) else total_rate(of, by)


def short_block(step, of, by):
    """A block in a matrix: its value if that is short, or else its symbol."""
    if (of, by) not in step.paths:
        return S.Zero
    if step.is_local(of, by):
        e = step.local[of, by]
        value = step.as_map(e, of)
        if len(e.free_symbols) <= _SHORT and (e.is_commutative or isinstance(value, diag)) and e.count_ops() <= 1:
            return value
    return block_name(step, of, by)


def _whole(subject):
    """The matrix of blocks."""
    step = subject.step
    if len(step.states) == 1:
        (s,) = step.states
        name = block_name(step, s, s.prev)
        return (Paragraph(("The state is ", Math(s), " alone. Its Jacobian over one step is",)),
                Equations((Line("step-jacobian", J, name),), Steps(1, T)))  # fmt: skip
    rows = [Tuple(*[short_block(step, of, by) for by in step.sources]) for of in step.states]
    words = Paragraph(
        ("The state is ", Math(state, "=", Stacked(*step.states)), ". Its Jacobian over one step, block by block, is")
    )
    if len(step.states) <= LARGEST:
        whole = Line("step-jacobian", J, Blocks(*rows))
        return (
            words,
            Equations((Line("step-jacobian-name", J, total_rate(state, At(state, t - 1)), numbered=False), whole), Steps(1, T)),
        )
    text = (
        "The state ", Math(state), " consists of ", *listed(step.states), ". Its Jacobian over one step, ",
        Math(J, "=", total_rate(state, At(state, t - 1))), ", has a block for each of them and each of their previous values: "
        "the derivative with d where there is one above, or else the one with ∂, and 0 where there is neither.",
    )  # fmt: skip
    return (Paragraph(text),)
