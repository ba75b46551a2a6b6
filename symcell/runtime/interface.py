"""What a generated module says of its cell: names, shapes in symbolic sizes, and how sizes are read off arrays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Shapes = dict[str, tuple[str, ...]]  # name -> shape, each axis a size or an expression of sizes, as text for messages


@dataclass(frozen=True)
class Interface:
    """A cell's quantities. `initial`: state -> its value before the first step, a number or the name of a parameter.

    recurrent: the states that a step reads. sizes: size -> the places where it can be read off: group of arrays, name, axis, and
    (times, divided by, plus). aliases: other names that a caller may use -> the size, and why it is that one. only_float64: the
    number that float32 cannot hold, in words, or nothing. shapes: all sizes, in their order here -> the shape of every array in
    numbers. copied: the parameters that passes read as they are."""

    name: str
    inputs: Shapes
    states: Shapes
    initial: dict[str, float | str]
    outputs: tuple[str, ...]
    shapes: Callable[..., dict[str, tuple[int, ...]]]
    params: Shapes = field(default_factory=dict)
    constants: Shapes = field(default_factory=dict)
    recurrent: tuple[str, ...] = ()
    sizes: dict[str, list[tuple[str, str, int, int, int, int]]] = field(default_factory=dict)
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict)
    only_float64: str = ""
    copied: tuple[str, ...] = ()

    @property
    def given(self) -> Shapes:
        """Parameters and constants: what callers give as `params`."""
        return self.params | self.constants


def shapes_of(cell: Interface, sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """The shape of every array, for sizes by name: the function of the module may call its arguments otherwise."""
    return cell.shapes(*[sizes[n] for n in cell.sizes])


class Owner(Protocol):
    """A kernel, as frozen parameters, runs and streams see it, which it makes: they are of an interface, and call its passes."""

    interface: Interface
    passes: Any
