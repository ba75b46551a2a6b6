"""What NumPy modules call things."""

from symcell.targets.arrays.library import Library, functions_of
from symcell.targets.numpy.vocabulary import WORDS
from symcell.targets.printer import ElementwisePrinter

NUMPY = Library(
    vocabulary=WORDS,
    printer=ElementwisePrinter,
    functions=functions_of("arrays", "functions.py") | functions_of("numpy", "functions.py"),
    reserved=("T", "B", "t", "np", "math", "dtype", "sizes", "params", "inputs", "initial", "first", "tape", "given", "final"),
    moved="np.moveaxis({}, {}, {})",
    swapped="np.swapaxes({}, {}, {})",
    einsum='np.einsum("{}", {})',
    reduced={"sum": "{}.sum(axis={})", "max": "{}.max(axis={})", "scan": "{}.cumsum(axis={})"},
    repeated="np.repeat({}, {}, axis=-1)",
    identity="np.eye({}, dtype=dtype)",
    numbers="np.arange({})",
    cast="{}.astype(dtype)",
    spread="spread({}, {})",
)
