"""Products of rows with a packed matrix, and sums of outer products, in tiles of the result that stay in registers."""

from .bands import (
    _fetching_short_band,
    _fetching_tall_band,
    _narrow_row,
    _one_row,
    _short_band,
    _short_sum_band,
    _tall_band,
    _tall_sum_band,
    _wide_row,
)
from .barrier import ABORTED
from .jit import inlined
from .packing import _put_row
from .sums import _DEPTH, _FULL, _carry
from .tiles import _TALL
from .views import _from_descriptor, matrix_at
from .workspace import array_in

_NEAR = 1 << 16  # bytes of weights, beyond which they are not in the first cache, or not for long
_FAR = 1 << 20  # bytes of weights, beyond which they come from the third cache
_DEEP = 768  # terms of a product that are added up at a time, or fewer: a panel of them stays in the second cache
_SPAN = 480  # rows of weight gradients that are added up at a time


@inlined
def _in_tall_tiles(count):
    """How many rows go into tall tiles; the rest goes into short ones."""
    return 0 if count < _TALL - 1 else count - (0, 7, 8, 3, 4, -1)[count % _TALL]


def _multiply(rows, start, weights, out, direction, batch_start, batch_stop, rank, team):
    """out[t, b, m] = sum over k of rows[t, b, start + k] * the packed weights[k, m], for the samples b from `batch_start` up to
    `batch_stop`; of a team, each thread computes some of the columns, unless its rank is below 0.

    Shapes: rows (S, B, at least start + K), out (S, B, M), which is overwritten and overlaps neither; all C-contiguous and of
    one float dtype. Each sum runs over k in the same order, whatever the tile's height, so that a row's result does not depend
    on the rows beside it. `direction` is the step: in odd ones the panels go backwards, since the step before left the last
    one in the cache. Tiles prefetch the weights that come next, if they are far."""
    rows, weights, out, team = _from_descriptor(rows), _from_descriptor(weights), _from_descriptor(out), _from_descriptor(team)
    count, (panels, terms, width) = out.shape[0] * (batch_stop - batch_start), weights.shape
    left, right = 0, panels
    if team[ABORTED]:
        return
    if team[0] > 1 and rank >= 0:
        left, right = panels * rank // team[0], panels * (rank + 1) // team[0]
    if count == 1:
        _multiply_one_row(rows, start, weights, out, direction, left, right, batch_start, batch_stop)
        return
    tall, far = _in_tall_tiles(count), weights.size * weights.itemsize > _FAR
    panel, onwards = (right - 1, -1) if direction % 2 else (left, 1)
    while left <= panel < right:
        if far and out.shape[2] - width * panel > width // 2:
            following = panel + onwards if left <= panel + onwards < right else panel
            _multiply_from_far(rows, start, weights, out, panel, following, tall, count, batch_start, batch_stop)
        else:
            _tall_band(rows, start, weights, (0, terms, 0, 0), out, width * panel, 0, tall, batch_start, batch_stop)
            _short_band(rows, start, weights, (0, terms, 0, 0), out, width * panel, tall, count, batch_start, batch_stop)
        panel += onwards


@inlined
def _multiply_from_far(rows, start, weights, out, panel, following, tall, count, batch_start, batch_stop):
    """One panel, a piece at a time, which stays in the second cache while the next one is fetched."""
    (_, terms, width), begin = weights.shape, weights.ctypes.data
    pieces, row = 1 + terms // _DEEP, width * weights.itemsize
    deep = (terms + pieces - 1) // pieces
    for first in range(0, terms, deep):
        stop = min(first + deep, terms)
        place = begin + row * (panel * terms + stop if stop < terms else following * terms)
        piece = first, stop, place - first * row, row
        _fetching_tall_band(rows, start, weights, piece, out, width * panel, 0, tall, batch_start, batch_stop)
        piece = first, stop, place, 0
        _fetching_short_band(rows, start, weights, piece, out, width * panel, tall, count, batch_start, batch_stop)


@inlined
def _multiply_one_row(rows, start, weights, out, direction, left, right, batch_start, batch_stop):
    """The panels from `left` up to `right` for a single row: one after another, as they lie in memory, or two at a time if they
    are so near that nothing but arithmetic takes time."""
    (_, terms, width) = weights.shape
    at_once = 1 if weights.size * weights.itemsize > _NEAR else 2
    steps = (right - left + at_once - 1) // at_once
    for step in range(steps):
        panel = left + at_once * (steps - 1 - step if direction % 2 else step)
        column, after = panel * width, min(panel + at_once, right) * width
        if min(after, out.shape[2]) - column > width + width // 2:
            _wide_row(rows, start, weights, (0, terms, 0, 0), out, column, 0, 1, batch_start, batch_stop)
            continue
        for begin in range(column, after, width):
            if out.shape[2] - begin > width // 2:
                _one_row(rows, start, weights, (0, terms, 0, 0), out, begin, 0, 1, batch_start, batch_stop)
            else:
                _narrow_row(rows, start, weights, (0, terms, 0, 0), out, begin, 0, 1, batch_start, batch_stop)


def _add_outer_products(
    left, from_left, right, from_right, out, first, T, lengths, batch_start, batch_stop, rank, team, row_offsets, panels
):
    """out[m, k] grows by the sum over steps, from `first` on, and over the samples from `batch_start` up to `batch_stop` that
    have them, of left[t, b, from_left + m] * right[t, b, from_right + k]: a gradient of weights. The last of T steps come
    first, and replace what is in out. The sum has layers (see _carry); with the first step, all of it is in the last one.

    Shapes: left (S, B, at least from_left + M), right (S, B, at least from_right + K), out (layers, M, K), which overlaps
    neither, all C-contiguous and of one float dtype; lengths (B,), the steps of each sample. As many rows of the right at a
    time as the cache holds are packed in panels; those of the left are read where they are, at `row_offsets`. Of a team, each
    thread adds to some of the rows of out."""
    left, right, out, lengths = _from_descriptor(left), _from_descriptor(right), _from_descriptor(out), _from_descriptor(lengths)
    team, row_offsets, panels = _from_descriptor(team), _from_descriptor(row_offsets), _from_descriptor(panels)
    (steps, B, _), samples, (_, height, breadth) = left.shape, batch_stop - batch_start, out.shape
    if team[ABORTED]:
        return
    above, below = height * rank // team[0], height * (rank + 1) // team[0]
    layers = array_in(out, 0, (out.shape[0], height * breadth))
    step, sample, added, rows = 0, batch_start, (T - first - steps) * samples, (T - first) * samples
    while added < rows:
        count, before = 0, added
        while added < rows and count < _DEPTH:
            if first + step < lengths[sample]:
                row = step * B + sample
                row_offsets[count] = row * left.shape[2] + from_left
                _put_row(right, row * right.shape[2] + from_right, breadth, panels, count)
                count += 1
            added, sample = added + 1, sample + 1
            if sample == batch_stop:
                step, sample = step + 1, batch_start
        if count or not before:
            _add_terms(left, row_offsets[:count], panels, out, above, below, before > 0)
        after = _FULL if first == 0 and added == rows else added // _DEPTH
        _carry(layers, above * breadth, (below - above) * breadth, before // _DEPTH, after)


@inlined
def _add_terms(left, terms, panels, out, above, below, grows):
    """The terms of some rows of out's first layer, which grows by them, or is replaced."""
    (_, _, breadth), width = out.shape, panels.shape[2]
    for top in range(above, below, _SPAN):
        tall = min(_SPAN, below - top)
        most, part = _in_tall_tiles(tall), matrix_at(out, top * breadth, tall, breadth)
        for column in range(0, breadth, width):
            _tall_sum_band(left, top, panels, terms, part, column, grows, 0, most)
            _short_sum_band(left, top, panels, terms, part, column, grows, most, tall)
