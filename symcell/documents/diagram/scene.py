"""A layout, once for each step -> what is drawn, in one coordinate system for SVG and TikZ."""

from dataclasses import dataclass, field

from symcell.documents.diagram.layout import SIZE


@dataclass(frozen=True)
class DrawnLine:
    symbol: str
    points: tuple[tuple[float, float], ...]
    end: bool
    memory: bool

    @property
    def head(self):
        """The corners of the head of an arrow."""
        (ax, ay), (x, y) = self.points[-2:]
        size = 8.0 if self.memory else 5.5
        far = abs(ax - x) + abs(ay - y) or 1.0
        dx, dy = (x - ax) / far, (y - ay) / far
        back = x - dx * size, y - dy * size
        return (x, y), (back[0] - dy * size * 0.45, back[1] + dx * size * 0.45), (back[0] + dy * size * 0.45, back[1] - dx * size * 0.45)


@dataclass(frozen=True)
class DrawnDot:
    symbol: str
    x: float
    y: float
    r: float
    memory: bool


@dataclass(frozen=True)
class DrawnShape:
    """`said` is what it computes, in words of the equations."""

    id: str
    symbol: str
    kind: str
    latex: str
    said: str
    x: float
    y: float
    w: float
    h: float
    size: float = SIZE


@dataclass(frozen=True)
class DrawnText:
    symbol: str
    latex: str
    x: float
    y: float
    size: float
    anchor: str = "middle"


@dataclass
class Scene:
    title: str
    description: str
    width: float = 0.0
    height: float = 0.0
    frames: list[tuple[float, float, float, float]] = field(default_factory=list)
    lines: list[DrawnLine] = field(default_factory=list)
    dots: list[DrawnDot] = field(default_factory=list)
    shapes: list[DrawnShape] = field(default_factory=list)
    texts: list[DrawnText] = field(default_factory=list)
