"""The notation of a document: how time, adjoints and products are written, and the names of symbols. Presets follow known texts.

A cell may have names of its own for print, those of its paper; those of a notation are stronger. A preset's names are for the
cells of its text: lstm, gru and rnn of the catalogue. In any other cell those of the same symbols hold, unless two quantities
would look alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from symcell.documents.formulas.parsing import parse
from symcell.errors import CellError

_CHOICES = {
    "time": ("index", "angle", "round", "superscript"),
    "adjoint": ("bar", "delta"),
    "vectors": ("column", "row"),
}


Names: TypeAlias = Mapping[str, str] | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Style:
    """A notation.

    time: "index" h_t, "angle" h^<t>, "round" h^(t), "superscript" h^t; adjoint: "bar" or "delta"; vectors: "column" (W x) or
    "row" (x W^T); names: the name of a symbol -> its LaTeX, which may use commands of mathematics only."""

    time: str = "index"
    adjoint: str = "bar"
    vectors: str = "column"
    names: Names = ()
    defaults: Names = field(default=(), repr=False)  # names for the cells that have such quantities, where nothing looks alike

    def __post_init__(self):
        for option, choices in _CHOICES.items():
            if getattr(self, option) not in choices:
                raise CellError(f"a notation's {option} is one of {', '.join(choices)}; found {getattr(self, option)!r}")
        for option in ("names", "defaults"):
            pairs = tuple(dict(getattr(self, option)).items())
            for name, text in pairs:
                _check_name(name, text)
            object.__setattr__(self, option, pairs)

    @cached_property
    def own(self) -> dict[str, str]:
        return dict(self.names)

    @cached_property
    def presets(self) -> dict[str, str]:
        return dict(self.defaults)


def _check_name(name, text):
    try:
        nodes = parse(text) if isinstance(text, str) else ()
    except CellError as error:
        raise CellError(f"the name of {name}: {error}") from None
    if not nodes:
        raise CellError(f"the name of {name} is a formula in LaTeX, such as '\\\\tilde c'; found {text!r}")


def check_names(declaration, names):
    """Raise CellError unless these are names for print of a cell's quantities."""
    cell = f"cell {declaration.name}"
    if not isinstance(names, Mapping):
        raise CellError(f"{cell}: names is a dict like {{'g': r'\\tilde c'}}, found {type(names).__name__} {names!r}")
    if unknown := [n for n in names if n not in declaration.nameable]:
        known = ", ".join(q.name for q in declaration.shapes)
        raise CellError(f"{cell}: names has {', '.join(map(repr, unknown))}; its quantities are {known}, each given by its name")
    for name, text in names.items():
        try:
            _check_name(name, text)
        except CellError as error:
            raise CellError(f"{cell}, {error}") from None


def _affines(letters, written):
    """The names of what belongs to a gate or a candidate, written with its letter in place of @."""
    return {f"{q}_{gate}": text.replace("@", letter) for gate, letter in letters.items() for q, text in written.items()}


_COURSE = {"i": r"\Gamma_u", "u": r"\Gamma_u", "f": r"\Gamma_f", "o": r"\Gamma_o", "r": r"\Gamma_r", "g": r"\tilde{c}", "h": "a"}
_COURSE_GATES = {"i": "u", "u": "u", "f": "f", "o": "o", "r": "r", "g": "c", "a": "a", "y": "y"}
_GOODFELLOW = {"i": "g", "o": "q", "c": "s", "g": r"\tilde{s}", "a": "h", "W_a": "U", "U_a": "W", "b_a": "b"}
_GOODFELLOW_GATES = {"i": "g", "f": "f", "g": "s", "o": "q", "r": "r", "u": "u"}
_GREFF_GATES = {"i": "i", "f": "f", "g": "z", "o": "o", "a": "a"}
_TORCH_GATES = {name: name for name in "ifgornz"} | {"a": "h"}

STANDARD = Style()
PRESETS = {
    "standard": STANDARD,
    # A. Ng, Sequence Models (deeplearning.ai, course 5), week 1
    "course": Style("angle", defaults=_COURSE | _affines(_COURSE_GATES, {"W": "W_{@x}", "U": "W_{@a}", "b": "b_@", "z": "z_@"})),
    # I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, MIT Press 2016, section 10.10
    "goodfellow": Style(
        "round", defaults=_GOODFELLOW | _affines(_GOODFELLOW_GATES, {"W": "U^@", "U": "W^@", "b": "b^@", "z": "z_@"})
    ),
    # K. Greff, R. Srivastava, J. Koutnik, B. Steunebrink, J. Schmidhuber, LSTM: A Search Space Odyssey, 2017
    "greff": Style("superscript", "delta", defaults={"g": "z", "h": "y"} | _affines(
        _GREFF_GATES, {"W": "W_@", "U": "R_@", "b": "b_@", "z": r"\bar{@}"})),
    # torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN
    "pytorch": Style(vectors="row", defaults={"a": "h"} | _affines(
        _TORCH_GATES, {"W": "W_{i@}", "U": "W_{h@}", "b": "b_@", "z": "z_@"})),
}  # fmt: skip

Notated: TypeAlias = Style | str | None


def style_of(notation: Notated = None, names: Mapping[str, str] | None = None) -> Style:
    """A style, or the preset of that name, with further names. Raises CellError for an unknown preset."""
    if isinstance(notation, str) and notation not in PRESETS:
        raise CellError(f"the notation {notation!r} is none of {', '.join(PRESETS)}")
    style = PRESETS[notation or "standard"] if notation is None or isinstance(notation, str) else notation
    if not isinstance(style, Style):
        raise CellError(f"a notation is a Style or one of {', '.join(PRESETS)}; found {notation!r}")
    return style if not names else replace(style, names=dict(style.names) | dict(names))
