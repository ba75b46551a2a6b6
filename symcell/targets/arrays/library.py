"""What an array library calls things: patterns, filled in by position. `{like}` stands for a value of a pass, which tells the
precision, and where arrays lie."""

import ast
from dataclasses import dataclass

from symcell.targets.header import source
from symcell.targets.printer import ElementwisePrinter
from symcell.targets.vocabulary import Vocabulary


@dataclass(frozen=True)
class Library:
    """The words of one library.

    printer: the class that prints elementwise expressions
    functions: those that modules are written with, name -> text; a module has the text of those that it calls
    reserved: the other names that its modules use themselves
    moved: of an array, its axes, and their places
    swapped: of an array and two axes
    einsum: of subscripts and arrays
    reduced: "sum", "max" or "scan" -> the reduction of an array along an axis
    repeated: of a vector, and how many times each entry stands
    identity, numbers, constant: of a size; of a size; of a number and a shape
    cast: an array of integers as one of numbers
    spread: the call of the function of that name"""

    vocabulary: Vocabulary
    printer: type[ElementwisePrinter]
    functions: dict[str, str]
    reserved: tuple[str, ...]
    moved: str
    swapped: str
    einsum: str
    reduced: dict[str, str]
    repeated: str
    identity: str
    numbers: str
    cast: str
    spread: str

    def functions_for(self, called):
        """The texts of the functions that are called, and of those that these call."""
        called, new = set(called), set(called)
        while new:
            nodes = [node for name in new & self.functions.keys() for node in ast.walk(ast.parse(self.functions[name]))]
            new = ({node.id for node in nodes if isinstance(node, ast.Name)} & self.functions.keys()) - called
            called |= new
        return [text for name, text in self.functions.items() if name in called]


def functions_of(target, *files):
    """The functions that a target's modules are written with, from some of its files: name -> text."""
    found = {}
    for text in [source(target, file) for file in files]:
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        found |= {node.name: ast.get_source_segment(text, node) for node in nodes}
    return found
