"""Several steps: how an error comes back, the product of Jacobians, and how large or small it can be."""

from sympy import Integer

from symcell.documents.article import Equations, Line, Math, Paragraph, Section
from symcell.documents.nodes import (
    Applied,
    At,
    Factors,
    J,
    Letter,
    Norm,
    Run,
    Stacked,
    Steps,
    SumFrom,
    T,
    Terms,
    TimedLetter,
    Transposed,
    bound,
    j,
    k,
    t,
    total_rate,
)
from symcell.documents.sections.jacobian import LARGEST
from symcell.documents.sections.subject import plural
from symcell.language.symbols import Adjoint

h, x, w = TimedLetter("h", "a", "y", "v"), TimedLetter("x", "xi"), Letter("w", "omega")


def steps_section(subject, steps):
    """The recursion of the error, its solution, and the products of Jacobians over k and over `steps` steps."""
    whole = subject.whole_state
    direct, carried = (Adjoint(whole, kind) for kind in ("cotangent", "carried"))
    recursion = Line("recursion", At(carried, t - 1), Applied(Transposed(J), Terms(direct, carried)))
    solved = Line("unrolled", At(carried, t), SumFrom(Applied(Transposed(Run(J, j, j - 1, t + 1)), At(direct, j)), j, t + 1, T))
    return Section("steps", ("Several steps",), (
        Paragraph((
            *_stacked(subject, direct, carried), "One step takes the error back by the transposed Jacobian. What the loss "
            "sends to a state directly is added at every step:",
        )),
        Equations((recursion,), Steps(T, 1)),
        Paragraph(("Written out, the error at ", Math(whole), " is a sum over all later steps, with the latest factor first:")),
        Equations((solved,), Steps(T, 0)),
        Paragraph((f"The product over {plural(steps, 'step')}, and in general over ", Math(k), " steps, is")),
        Equations((_product(whole, steps), _general(whole))),
        Paragraph(("Its norm is at most the product of the norms of the factors:",)),
        Equations((Line("bound", Norm(total_rate(whole, At(whole, t - k))), Run(Norm(J), t, t - 1, t - k + 1), relation="<="),)),
        Paragraph((
            "If ", Math(Norm(J), "<=", bound), " at every step with ", Math(bound, "<", Integer(1)), ", the norm of an error "
            "that comes back over ", Math(k), " steps is at most ", Math(bound**k), " times what it was: it must vanish as ",
            Math(k), " grows. It can explode only if ", Math(Norm(J), ">", Integer(1)), " at some steps.",
        )),
        Paragraph((
            "The smallest example is one linear unit, ", Math(h, "=", Terms(Factors(w, At(h, t - 1)), x)), ". Its Jacobian is ",
            Math(w), ", and over ",
            Math(k), " steps ", Math(w**k), f": over 50 steps it is {0.9**50:.3f} for a weight of 0.9, and {1.1**50:.0f} for "
            "one of 1.1.",
        )),
    ))  # fmt: skip


def _stacked(subject, direct, carried):
    """What the adjoints of the whole state are, unless it is one state."""
    if len(subject.recurrent) == 1:
        return ()
    if len(subject.recurrent) > LARGEST:
        end = " what comes back to them. "
        return ("Let ", Math(direct), " contain the direct adjoints of all states, and ", Math(carried), end)
    parts = [Stacked(*[Adjoint(s, kind) for s in subject.recurrent]) for kind in ("cotangent", "carried")]
    return ("Let ", Math(direct, "=", parts[0]), " and ", Math(carried, "=", parts[1]), ". ")


def _product(whole, steps):
    return Line("product", total_rate(whole, At(whole, t - steps)), Factors(*[At(J, t - n) if n else J for n in range(steps)]))


def _general(whole):
    return Line("product-k", total_rate(whole, At(whole, t - k)), Run(J, t, t - 1, t - k + 1))
