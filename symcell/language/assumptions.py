"""Assumptions about hyperbolic functions: real, finite, positive.

SymPy expands the real and imaginary parts of the argument, which takes exponential time for tanh(tanh(...)). Here the answer
follows from whether the argument is real. For numbers SymPy's own answer stands."""

from sympy import cosh, sinh, tanh

# What is true of these functions where their argument is real.
_FACTS = {sinh: ("real", "finite"), tanh: ("real", "finite"), cosh: ("real", "finite", "positive", "nonnegative")}


def _answered_by_the_argument(original):
    def answer(function):
        argument = function.args[0]
        return original(function) if argument.is_number else (argument.is_real or None)

    return answer


for _kind, _facts in _FACTS.items():
    _handlers = getattr(_kind, "_prop_handler", {})  # SymPy's own: a version without it answers as it does
    for _fact in _facts:
        if _fact in _handlers:
            _handlers[_fact] = _answered_by_the_argument(_handlers[_fact])
