"""Charts of pages as SVG: lines against distance or time. Colours are classes, which the style of pages draws, light or dark.

Pages have their own charts, not matplotlib's: they are small, have no identifiers that could clash, and take no time to draw."""

import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

_WIDTH, _LEFT, _RIGHT, _TEXT, _ROW = 400, 42, 390, 12, 58
_HEIGHT, _LOWEST, _HIGHEST = 190, -12, 4  # of norms; the powers of ten that they are cut at
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Series:
    """A line: its name, the class that draws it, and its values at 1, 2 ... T; `band`: the lowest and the highest of a band
    around it, or None."""

    name: str
    kind: str
    values: np.ndarray
    band: tuple[np.ndarray, np.ndarray] | None = None


def norm_chart(series, title, description, across, upward):
    """Lines on a logarithmic scale, with a legend below; the texts of the axes are `across` and `upward`."""
    logs = [_logarithms(s.values) for s in series]
    found = np.concatenate([[0.0], *(values[np.isfinite(values)] for values in logs)])  # at k = 1 all are 1
    low, high = min(-1, math.floor(found.min())), math.ceil(found.max())
    top, bottom = 26, 26 + _HEIGHT
    root = _root(bottom + 34 + 17 * len(series), title, description)
    _text(root, upward, 2, 14)
    height = _scale(low, high, bottom, top)
    step = -(-(high - low) // 6)
    for power in (n for n in range(low, high + 1) if n % step == 0):
        _line(root, "grid", [(_LEFT, height(power)), (_RIGHT, height(power))])
        _text(root, _power_of_ten(power), _LEFT - 5, height(power) + 4, "end")
    width = _times(root, max(map(len, logs)), bottom, across)
    for s, values in zip(series, logs, strict=True):
        _line(root, f"series {s.kind}", _points(values, width, height))
    _legend(root, series, bottom + 44)
    return _printed(root)


def row_chart(rows, title, description, across, kinds):
    """Rows of lines over one time, below one another. `rows`: (name, series, lowest, highest); `kinds`: series that the legend
    explains."""
    legend = 17 * len(kinds) if len(kinds) > 1 else 0
    root = _root(_ROW * len(rows) + 44 + legend, title, description)
    for k, (name, series, lowest, highest) in enumerate(rows):
        top, bottom = k * _ROW + 22, (k + 1) * _ROW
        height = _scale(lowest, highest, bottom, top)
        _text(root, name, _LEFT, top - 6)
        for value in (lowest, highest):
            _line(root, "grid", [(_LEFT, height(value)), (_RIGHT, height(value))])
            _text(root, f"{value:.2g}", _LEFT - 5, height(value) + 4, "end")
        width = _scale(1, len(series[0].values), _LEFT, _RIGHT)
        for s in series:
            if s.band:
                low, high = (_points(edge, width, height) for edge in s.band)
                ET.SubElement(root, "path", {"class": f"band {s.kind}", "d": f"{_path([*low, *reversed(high)])}Z"})
            _line(root, f"series {s.kind}", _points(s.values, width, height))
    bottom = _ROW * len(rows)
    _times(root, len(rows[0][1][0].values), bottom, across)
    if legend:
        _legend(root, kinds, bottom + 54)
    return _printed(root)


def _power_of_ten(n):
    return "1" if n == 0 else f"10{str(n).translate(_SUPERSCRIPTS)}"


def _logarithms(values):
    """Powers of ten; NaN for 0, and from where a line leaves what is drawn."""
    with np.errstate(divide="ignore"):
        logs = np.log10(values)
    outside = ~((logs >= _LOWEST) & (logs <= _HIGHEST))
    return np.where(np.logical_or.accumulate(outside), np.nan, logs)


def _scale(low, high, start, stop):
    return lambda value: start + (stop - start) * (value - low) / ((high - low) or 1)


def _points(values, width, height):
    return [(width(k), height(v)) for k, v in enumerate(values, 1) if np.isfinite(v)]


def _times(root, count, bottom, across):
    """The axis of distances or steps, and its scale."""
    width = _scale(1, max(count, 2), _LEFT, _RIGHT)
    _line(root, "axis", [(_LEFT, bottom), (_RIGHT, bottom)])
    step = max(1, count // 6 // 4 * 4)
    for k in (1, *range(step, count + 1, step)):
        _text(root, str(k), width(k), bottom + 16, "middle")
    _text(root, across, _RIGHT, bottom + 32, "end")
    return width


def _legend(root, series, y):
    for k, s in enumerate(series):
        _line(root, f"series {s.kind}", [(_LEFT, y + 17 * k - 4), (_LEFT + 30, y + 17 * k - 4)])
        _text(root, s.name, _LEFT + 38, y + 17 * k)


def _root(height, title, description):
    root = ET.Element("svg", {"viewBox": f"0 0 {_WIDTH} {height}", "role": "img", "class": "plot", "aria-label": title})
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "desc").text = description
    return root


def _line(root, kind, points):
    if points:
        ET.SubElement(root, "path", {"class": kind, "d": _path(points)})


def _path(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _text(root, text, x, y, anchor="start"):
    ET.SubElement(root, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = text


def _printed(root):
    return ET.tostring(root, "unicode")
