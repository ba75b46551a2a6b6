"""Expand affine(...) and convolve(...) into products with named parameters: W for an input, now or earlier, U for a state or an
intermediate, K for the taps of a convolution, b for the bias."""

from sympy import Add, Symbol

from symcell.errors import CellError
from symcell.language.delays import Delay
from symcell.language.primitives import Affine, Convolution, matmul
from symcell.language.symbols import Input, Param
from symcell.language.writing import written


def expand_affine(rhs, target, rank, register):
    """Expand every affine in `rhs`, and create its parameters in the order of its operands.

    `rank(e)` is the rank of an operand; a scalar operand scales a vector of weights. `register(parameter, rank)` registers a
    parameter, so that an affine inside another one has a rank."""
    affines = rhs.atoms(Affine)
    if not all(a.is_whole for a in affines):
        raise CellError("an Affine that was not made by affine(...); write affine(x, h.prev)")
    _check_names([str(a.args[0]) for a in affines], " or ".join(sorted({f"{a.called}(...)" for a in affines})))
    while affines := [a for a in rhs.atoms(Affine) if not any(b.has(Affine) for b in a.args)]:
        affines.sort(key=lambda a: str(a.args[0]))
        rhs = rhs.xreplace({a: _written_out(a, target, rank, register) for a in affines})
    return rhs


def _check_names(names, calls):
    """Raise CellError for two calls of one name, which would share their weights. `calls`: what they are, in a message."""
    twice = [name for name in names if names.count(name) > 1]
    if "" in twice:
        raise CellError(
            f"{names.count('')} unnamed {calls} in one equation would share their weights; "
            "give all but one a name: affine(..., name='q')"
        )
    if twice:
        raise CellError(
            f"two {calls} have the name {twice[0]!r} and would share their weights; give each its own, "
            f"or write what they share as a Param: Param('W_{twice[0]}') @ x"
        )


def _written_out(call, target, rank, register):
    name, _, bias, over, *operands = call.args
    _check_all_differ(operands)
    suffix = str(name) or str(target)
    if isinstance(call, Convolution):
        terms = [_tap(f"K_{suffix}_{k}", over, operand, rank(operand), register) for k, operand in enumerate(operands)]
    else:
        terms = [_product(weight, over, operand, rank(operand), register) for weight, operand in _weights(suffix, operands)]
    if bias:
        terms.append(register(Param(f"b_{suffix}", over=tuple(over)), 1))
    return Add(*terms)


def _weights(suffix, operands):
    """The names of the weights of an affine, and their operands."""
    letters = ["W" if _is_input(o) else "U" for o in operands]
    for letter, operand in zip(letters, operands, strict=True):
        alone = letters.count(letter) == 1
        yield f"{letter}_{suffix}" if alone else f"{letter}_{suffix}_{_operand_name(operand, operands)}", operand


def _is_input(operand):
    """Whether an operand is an input, now or earlier."""
    state = getattr(operand, "state", operand)
    return isinstance(state.of if isinstance(state, Delay) else operand, Input)


def _check_all_differ(operands):
    """Raise CellError for an operand that occurs twice, whose weights would silently be shared."""
    for operand in operands:
        if operands.count(operand) > 1:
            text = written(operand) if operand.is_Symbol else f"({written(operand)})"
            raise CellError(
                f"affine has the operand {text} more than once, and one weight would serve each; give it once, times a number "
                f"if need be, or name the weights: Param('A') @ {text} + Param('B') @ {text}"
            )


def _tap(name, over, operand, operand_rank, register):
    if operand_rank > 1:
        raise CellError(f"convolve takes vectors and scalars, found the matrix {written(operand)}")
    return register(Param(name, None if operand_rank else (), over=tuple(over)), operand_rank) * operand


def _product(name, over, operand, operand_rank, register):
    if operand_rank > 1:
        text = written(operand)
        raise CellError(f"affine takes vectors and scalars, found the matrix {text}; a product with it is {text} @ v")
    weight = register(Param(name, over=tuple(over)), operand_rank + 1)
    return weight * operand if operand_rank == 0 else matmul(weight, operand)


def _operand_name(operand, operands):
    """The suffix of a parameter's name that identifies the operand: its own name (for h.prev that of h, unless h is an operand
    too), or else its position."""
    if isinstance(operand, Symbol):
        state = getattr(operand, "state", operand)
        return operand.name if state in operands else state.name
    return str(operands.index(operand) + 1)
