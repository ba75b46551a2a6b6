"""What compiled code works with: memory of its own, on the stack if it is little, and arrays in it."""

from numba import types
from numba.core import cgutils

from . import plain
from .internals import ir
from .jit import intrinsic
from .memory import LINE
from .views import _part

_ON_STACK = 1 << 11  # numbers on the stack; more are on the heap, which takes longer to ask


@intrinsic(plain.scratch)
def scratch(typing, count, like):
    """So many zeros, to work with until they are released."""
    signature = types.Array(like.dtype, 1, "C")(types.intp, like)

    def generate(context, builder, signature, arguments):
        real, count = context.get_data_type(signature.args[1].dtype), arguments[0]
        size = builder.mul(count, count.type(context.get_abi_sizeof(real)))
        with builder.goto_entry_block():
            stack = builder.alloca(real, count.type(_ON_STACK))
            stack.align = LINE
        found = cgutils.alloca_once_value(builder, stack)
        with builder.if_then(builder.icmp_signed(">", count, count.type(_ON_STACK))):
            kind = ir.FunctionType(cgutils.voidptr_t, [size.type])
            heap = builder.call(cgutils.get_or_insert_function(builder.module, kind, "malloc"), [size])
            with cgutils.if_unlikely(builder, cgutils.is_null(builder, heap)):
                context.call_conv.return_user_exc(builder, MemoryError, ("no memory for a step",))
            builder.store(builder.bitcast(heap, stack.type), found)
        cgutils.memset(builder, builder.load(found), size, 0)
        memory = context.make_array(signature.return_type)(context, builder)
        memory.data = builder.load(found)
        return _part(context, builder, signature.return_type(signature.return_type), [memory._getvalue()], count.type(0), [count])

    return signature, generate


@intrinsic(plain.release)
def release(typing, memory):
    """Give the memory of `scratch` back."""

    def generate(context, builder, signature, arguments):
        memory = context.make_array(signature.args[0])(context, builder, arguments[0])
        (count,) = cgutils.unpack_tuple(builder, memory.shape)
        with builder.if_then(builder.icmp_signed(">", count, count.type(_ON_STACK))):
            kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t])
            free = cgutils.get_or_insert_function(builder.module, kind, "free")
            builder.call(free, [builder.bitcast(memory.data, cgutils.voidptr_t)])
        return context.get_dummy_value()

    return types.void(memory), generate


@intrinsic(plain.array_in)
def array_in(typing, memory, place, shape):
    """The array of that shape that begins at a place of some memory."""
    signature = types.Array(memory.dtype, len(shape), "C")(memory, types.intp, shape)

    def generate(context, builder, signature, arguments):
        return _part(context, builder, signature, arguments, arguments[1], cgutils.unpack_tuple(builder, arguments[2]))

    return signature, generate
