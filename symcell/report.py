"""What a check found: its comparisons, and what error each may have."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One comparison: its error, relative to what was compared, and the case where it was largest."""

    name: str
    error: float
    tolerance: float
    where: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.error <= self.tolerance)  # NaN is not

    @property
    def excess(self) -> float:
        """The error in units of its tolerance."""
        if self.error == 0:
            return 0.0
        return self.error / self.tolerance if self.tolerance and self.error < np.inf else np.inf

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name:<46} {self.error:8.1e} of {self.tolerance:.0e}   {self.where}"


@dataclass(frozen=True)
class CheckReport:
    """What was compared, row by row; over all cases the worst."""

    cell: str
    dtype: str
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.ok)

    def raise_if_failed(self) -> None:
        """Raise AssertionError with the rows that failed."""
        if not self.passed:
            raise AssertionError(self._text(self.failures))

    @property
    def verdict(self) -> str:
        return "all agree" if self.passed else f"{len(self.failures)} fail"

    def _text(self, rows):
        return "\n".join([f"{self.cell} ({self.dtype}): {len(self.rows)} comparisons, {self.verdict}", *map(str, rows)])

    def __str__(self) -> str:
        return self._text(self.rows)


@dataclass(frozen=True)
class Bound:
    """The error that is tolerated, and what arithmetic may lose of the largest number about: a sum that cancels is not
    measured against its small result alone."""

    tolerance: float
    rounding: float

    def error(self, found, expected, scale, largest):
        """The largest difference, relative to `scale`, or to whatever makes the rounding of `largest` tolerable."""
        difference = np.abs(np.asarray(found, float) - np.asarray(expected, float)).max(initial=0)
        if self.tolerance:
            scale = max(scale, largest * self.rounding / self.tolerance)
        return difference / scale if scale else (np.inf if difference else 0.0)
