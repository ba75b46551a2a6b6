"""Where symcell is worse than PyTorch."""

from dataclasses import dataclass

import numpy as np

from . import arguments, measure, reference

LABELS = ("value", "dx", "dy")
FACTOR = 4.0  # two sound formulas differ by less, by the luck of rounding


@dataclass(frozen=True)
class Excess:
    """A region of arguments in which a case's values or derivatives are worse than PyTorch's, with the worst of them."""

    name: str
    dtype: str
    label: str
    kind: str
    ours: float
    theirs: float
    at: str
    found: float
    truth: float

    def __str__(self):
        figures = f"{self.ours:.3g} (PyTorch {self.theirs:.3g})"
        return f"{self.name}, {self.dtype}, {self.label}, {self.kind} {figures}: at {self.at} {self.found!r}, truly {self.truth!r}"


def compared(found, dtype, factor=FACTOR):
    """The excesses of what a kernel found: name -> array."""
    excesses, kept = [], reference.read(dtype)
    for name, parts in found.items():
        truth, theirs = kept[name]
        given = measure.arguments_of(name, dtype)
        region = arguments.regions(given)
        for label, ours, true, torch in zip(LABELS, parts, truth, theirs, strict=False):
            worse = measure.excesses(measure.errors(ours, true, dtype), torch, region, factor)
            for kind, mine, other, index in worse.values():
                place = np.unravel_index(index, ours.shape)
                at = ", ".join(str(a[place[0]]) for a in given) + (f", unit {place[1]}" if len(place) > 1 else "")
                excesses.append(Excess(name, dtype, label, kind, mine, other, at, float(ours[place]), float(true[place])))
    return excesses
