"""What the backward pass reads of each step, so that a product can ask for that of the step before, which then comes in time."""

from operator import attrgetter

import numpy as np
from numba.core import cgutils

from . import plain
from .jit import intrinsic

_bytes = attrgetter("nbytes")
_MUCH = 1 << 22  # bytes that a backward pass reads of all steps, beyond which its sweeps wait for them


def prefetch_table(sequences, parts):
    """Room for what each thread notes of arrays (steps, samples, ...); none if they are so little that sweeps don't wait."""
    much = sum(map(_bytes, sequences)) >= _MUCH
    return np.empty((len(parts), len(sequences) if much else 0, 3), np.int64)


@intrinsic(plain.prefetch_addresses)
def prefetch_addresses(typing, prefetch, sequences, batch_start, sweep_stop):
    """`prefetch` with a row for each array of a tuple: where its samples from `batch_start` up to `sweep_stop` lie at the step
    before the first, the bytes from one step to the next, and those of the samples. Arrays of one step, which stand for all,
    have none."""
    signature = prefetch(prefetch, sequences, batch_start, sweep_stop)

    def generate(context, builder, signature, arguments):
        table = context.make_array(signature.args[0])(context, builder, arguments[0])
        room, columns = cgutils.unpack_tuple(builder, table.shape)
        row = cgutils.alloca_once_value(builder, room.type(0))
        with builder.if_then(builder.icmp_signed(">", room, room.type(0))):
            for kind, value in zip(signature.args[1], cgutils.unpack_tuple(builder, arguments[1]), strict=True):
                sequence, k = context.make_array(kind)(context, builder, value), builder.load(row)
                place = builder.gep(table.data, [builder.mul(k, columns)])
                for column, number in enumerate(_samples_before(builder, sequence, *arguments[2:])):
                    builder.store(number, builder.gep(place, [k.type(column)]))
                steps = builder.extract_value(sequence.shape, 0)
                counts = builder.zext(builder.icmp_signed(">", steps, steps.type(1)), k.type)
                builder.store(builder.add(k, counts), row)
        table.shape = cgutils.pack_array(builder, [builder.load(row), columns])
        table.nitems = builder.mul(builder.load(row), columns)
        return table._getvalue()

    return signature, generate


def _samples_before(builder, sequence, batch_start, sweep_stop):
    step, sample, *_ = cgutils.unpack_tuple(builder, sequence.strides)
    first = builder.add(builder.ptrtoint(sequence.data, step.type), builder.mul(batch_start, sample))
    return builder.sub(first, step), step, builder.mul(builder.sub(sweep_stop, batch_start), sample)
