"""What PyTorch modules call things."""

from symcell.language.primitives import Primitive
from symcell.program.program import values_in
from symcell.targets.arrays.library import Library, functions_of
from symcell.targets.indices import is_index
from symcell.targets.printer import ATOM, ElementwisePrinter
from symcell.targets.torch.vocabulary import OF_NUMBERS, WORDS


class TorchPrinter(ElementwisePrinter):
    """Prints elementwise expressions of tensors. What sizes alone make is a number of Python's, which functions of tensors do not
    take; and a choice between two numbers has the precision of `like`."""

    def _text(self, e):
        if _is_of_sizes(e):
            return ElementwisePrinter(OF_NUMBERS, self.order, self.leaf, self.constant, self.size, self.name)(e, ATOM), ATOM
        return super()._text(e)

    def _otherwise(self, e):
        text = super()._otherwise(e)
        is_number = not any(values_in(value) or value.has(Primitive) for value, _ in e.args)
        return f"{self.like}.new_full((), {text})" if is_number else text


def _is_of_sizes(e):
    """Whether an expression holds sizes, and no value, index or primitive."""
    sizes = bool(e.free_symbols) and all(n.is_integer and n.is_positive for n in e.free_symbols)
    return sizes and not e.has(Primitive) and not is_index(e)


TORCH = Library(
    vocabulary=WORDS,
    printer=TorchPrinter,
    functions=functions_of("arrays", "functions.py") | functions_of("torch", "functions.py", "over_time.py"),
    reserved=(
        "T", "B", "torch", "math", "sizes", "params", "inputs", "first", "given", "ended", "states", "saved", "for_inputs",
        "shared_values",
    ),
    moved="torch.movedim({}, {}, {})",
    swapped="torch.swapaxes({}, {}, {})",
    einsum='torch.einsum("{}", {})',
    reduced={"sum": "{}.sum({})", "max": "{}.amax({})", "scan": "{}.cumsum({})"},
    repeated="torch.repeat_interleave({}, {}, dim=-1)",
    identity="eye({}, {like})",
    numbers="numbers({}, {like})",
    cast="{}.to({like}.dtype)",
    spread="spread({}, {like}, {})",
)  # fmt: skip
