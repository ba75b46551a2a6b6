"""What a layout consists of: nodes with their places, lines, and the ends of lines at the borders."""

from dataclasses import dataclass, field

from symcell.documents.diagram.graph import CIRCLES, Node
from symcell.documents.diagram.text import width

SIZE, SMALL = 13.0, 11.0  # of the letters in boxes, and of the names beside them


@dataclass(frozen=True)
class Shape:
    """A node with its place: the middle, the width and the height."""

    node: Node
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Line:
    """The line of a net through points with straight angles; `end`: whether it ends in a node, where an arrow's head stands."""

    net: str
    points: tuple[tuple[float, float], ...]
    end: bool = False
    memory: bool = False
    mark: str = ""


@dataclass
class Layout:
    """All of one step, y downwards. `left` and `right`: previous value, or state -> the y of its line at the border."""

    width: float = 0.0
    height: float = 0.0
    shapes: dict[str, Shape] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    dots: list[tuple[str, float, float]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)


def size_of(node: Node) -> tuple[float, float]:
    """The width and height of a node."""
    if node.kind in CIRCLES:
        return 20.0, 20.0
    if node.kind == "joint":
        return max(6.0, 10.0 * node.inputs - 12.0), 18.0
    inner = width(node.label, SIZE)
    if node.kind == "value":
        return inner + 4, 16.0
    return max(inner + 14, 34.0 if node.kind in ("box", "formula") else 30.0), 26.0 if node.kind in ("box", "formula") else 22.0


def edge_of(shape: Shape, x: float, from_y: float) -> float:
    """The y at which a vertical line meets a node."""
    half = shape.h / 2
    if shape.node.kind in CIRCLES:
        half = max(half * half - (x - shape.x) ** 2, 0.0) ** 0.5
    return shape.y + (half if from_y > shape.y else -half)
