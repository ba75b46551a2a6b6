"""What a diagram shows: the quantities and operations of one step, and which of them read which."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Symbol

# Kinds of nodes. "input", "previous" and "state" are ends of the step; "box" is an affine map with what is applied to it;
# "unit" a function of one value; "times", "plus" and "product" (of matrices and vectors) join values; "formula" is a whole
# equation; "value" is computed once a sequence; "joint" joins values that the same boxes read.
ENDS = ("input", "previous", "state")
CIRCLES = ("times", "plus", "product")


@dataclass(frozen=True)
class Node:
    """`label` is printed inside and `name` beside it, both LaTeX; `symbol` is the quantity that it computes, if it has a name."""

    key: str
    kind: str
    label: str = ""
    symbol: Symbol | None = None
    name: str = ""
    inputs: int = 1  # of a joint


@dataclass(frozen=True)
class Edge:
    """`target` reads the value of `source`; `mark` is its sign where it is subtracted or a divisor; `matrix`: whether a matrix of
    parameters multiplies it."""

    source: str
    target: str
    mark: str = ""
    matrix: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes in an order of computation. `memory` has for each state that is kept the nodes from its previous value to its new one;
    the first is the state that keeps best."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    memory: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def sources(self, key: str) -> list[str]:
        return [e.source for e in self.edges if e.target == key]

    def targets(self, key: str) -> list[str]:
        return [e.target for e in self.edges if e.source == key]
