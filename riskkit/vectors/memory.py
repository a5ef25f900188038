"""Lanes and memory: loads, stores, gathers and transposes of arrays, and single lanes. No bounds are checked."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils

from riskkit.vectors.lanes import Lanes, constant, intrinsic, splat, vector_type


def _address(context: Any, builder: Any, array: Any, value: Any, at: Any) -> Any:
    data = context.make_array(array)(context, builder, value).data
    return builder.gep(data, [at])


def _is_line_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and isinstance(array.dtype, types.Float)


@intrinsic
def load(typing, array, at):
    """Lanes array[at], array[at + 1], ..."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        place = _address(context, builder, array, values[0], values[1])
        place = builder.bitcast(place, vector_type(kind).as_pointer())
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return kind(array, types.intp), code


@intrinsic
def load_four(typing, array, at, number):
    """A vector of four: array[at], array[at + 1], ... of which only the first ``number`` are read, the others 0."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype, 4)

    def code(context, builder, signature, values):
        vector, word = vector_type(kind), ir.IntType(32)
        place = builder.bitcast(_address(context, builder, array, values[0], values[1]), vector.as_pointer())
        mask = builder.icmp_signed(
            "<", ir.Constant(ir.VectorType(ir.IntType(64), 4), [0, 1, 2, 3]), splat(builder, values[2], 4)
        )
        suffix = f"v4f{array.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [place.type, word, mask.type, vector]),
            f"llvm.masked.load.{suffix}.{'p0' if place.type.is_opaque else 'p0' + suffix}",
        )
        return builder.call(function, [place, word(array.dtype.bitwidth // 8), mask, constant(vector, 0.0)])

    return kind(array, types.intp, types.intp), code


@intrinsic
def store(typing, array, at, lanes):
    """array[at], array[at + 1], ... = the lanes."""
    if not _is_line_array(array) or not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        place = _address(context, builder, array, values[0], values[1])
        place = builder.bitcast(place, vector_type(lanes).as_pointer())
        builder.store(values[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def gather(typing, array, places, at, shift):
    """Lane l is array[places[at + l] + shift]."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        first = _address(context, builder, places, values[1], values[2])
        rows = builder.load(builder.bitcast(first, ir.VectorType(ir.IntType(64), kind.count).as_pointer()), align=8)
        result = ir.Constant(vector_type(kind), ir.Undefined)
        data = _address(context, builder, array, values[0], values[3])
        for lane in range(kind.count):
            row = builder.extract_element(rows, ir.IntType(32)(lane))
            result = builder.insert_element(result, builder.load(builder.gep(data, [row])), ir.IntType(32)(lane))
        return result

    return kind(array, places, types.intp, types.intp), code


@intrinsic
def transpose(typing, array, places, shift, to, at):
    """to[at + lanes i + l] = array[places[l] + shift + i] for as many i as there are lanes.

    A perfect shuffle moves the highest bit of a position to the lowest; as many as the logarithm of the number of lanes
    exchange rows and columns.
    """
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        n, word = kind.count, ir.IntType(32)
        first = _address(context, builder, places, values[1], word(0))
        starts = builder.load(builder.bitcast(first, ir.VectorType(ir.IntType(64), n).as_pointer()), align=8)
        data = _address(context, builder, array, values[0], values[2])
        align = array.dtype.bitwidth // 8
        rows = []
        for lane in range(n):
            place = builder.gep(data, [builder.extract_element(starts, word(lane))])
            rows.append(builder.load(builder.bitcast(place, vector_type(kind).as_pointer()), align=align))
        masks = [
            ir.Constant(ir.VectorType(word, n), [(half * n + i) // 2 + n * (i % 2) for i in range(n)])
            for half in (0, 1)
        ]
        for _ in range(n.bit_length() - 1):
            pairs = zip(rows[: n // 2], rows[n // 2 :], strict=True)
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
        for i, row in enumerate(rows):
            place = _address(context, builder, to, values[3], builder.add(values[4], values[4].type(i * n)))
            builder.store(row, builder.bitcast(place, vector_type(kind).as_pointer()), align=align)
        return context.get_dummy_value()

    return types.void(array, places, types.intp, to, types.intp), code


@intrinsic
def prefetch(typing, array, at):
    """Asks for array[at] to be brought into the cache."""

    def code(context, builder, signature, values):
        place = builder.bitcast(_address(context, builder, array, values[0], values[1]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [place.type, word, word, word]),
            "llvm.prefetch.p0" if ir.IntType(8).as_pointer().is_opaque else "llvm.prefetch.p0i8",
        )
        builder.call(function, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), code


@intrinsic
def spread(typing, scalar, like):
    """The scalar in every lane of a vector of the type of the array ``like``."""
    kind = Lanes(like.dtype)

    def code(context, builder, signature, values):
        return splat(builder, values[0], kind.count)

    return kind(like.dtype, like), code


@intrinsic
def spread_at(typing, array, at):
    """The number array[at] in every lane; no check of bounds, no counting from the end."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        scalar = builder.load(_address(context, builder, array, values[0], values[1]))
        return splat(builder, scalar, kind.count)

    return kind(array, types.intp), code


@intrinsic
def peek(typing, array, at):
    """The number array[at]; no check of bounds, no counting from the end."""

    def code(context, builder, signature, values):
        return builder.load(_address(context, builder, array, values[0], values[1]))

    return array.dtype(array, types.intp), code


@intrinsic
def put(typing, array, at, number):
    """array[at] = the number; no check of bounds, no counting from the end."""

    def code(context, builder, signature, values):
        builder.store(values[2], _address(context, builder, array, values[0], values[1]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), code


@intrinsic
def add_double(typing, array, at, lanes):
    """Adds the lanes to the float64 numbers array[at], array[at + 1], ..."""
    if not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        wide = ir.VectorType(ir.DoubleType(), lanes.count)
        place = builder.bitcast(_address(context, builder, array, values[0], values[1]), wide.as_pointer())
        value = values[2] if lanes.dtype.bitwidth == 64 else builder.fpext(values[2], wide)
        builder.store(builder.fadd(builder.load(place, align=8), value), place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def store_pairs(typing, array, at, first, second):
    """array[at], array[at + 1], ... = first[0], second[0], first[1], second[1], ..."""
    if not _is_line_array(array) or not isinstance(first, Lanes):
        return None

    def code(context, builder, signature, values):
        n = first.count
        order = [i // 2 + n * (i % 2) for i in range(2 * n)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 2 * n), order)
        both = builder.shuffle_vector(values[2], values[3], mask)
        place = _address(context, builder, array, values[0], values[1])
        builder.store(both, builder.bitcast(place, both.type.as_pointer()), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, first, first), code


@intrinsic
def uniform(typing, low, high, at):
    """Lanes (floor(word / 2^11) + 1/2) 2^-53 of the 64-bit words high[at] 2^32 + low[at], ..."""
    kind = Lanes(types.float64)

    def code(context, builder, signature, values):
        wide = ir.VectorType(ir.IntType(64), kind.count)

        def words(array, value):
            place = _address(context, builder, array, value, values[2])
            return builder.load(builder.bitcast(place, wide.as_pointer()), align=8)

        upper = builder.shl(words(high, values[1]), constant(wide, 32))
        word = builder.lshr(builder.or_(upper, words(low, values[0])), constant(wide, 11))
        # Below 2^53, so that the signed conversion, which every machine has, is exact.
        number = builder.fadd(builder.sitofp(word, vector_type(kind)), constant(vector_type(kind), 0.5))
        return builder.fmul(number, constant(vector_type(kind), 2.0**-53))

    return kind(low, high, types.intp), code


@intrinsic
def get_lane(typing, lanes, lane):
    """The number in one lane."""

    def code(context, builder, signature, values):
        return builder.extract_element(values[0], builder.trunc(values[1], ir.IntType(32)))

    return lanes.dtype(lanes, types.intp), code


@intrinsic
def set_lane(typing, lanes, lane, value):
    """The vector with another number in one lane."""

    def code(context, builder, signature, values):
        return builder.insert_element(values[0], values[2], builder.trunc(values[1], ir.IntType(32)))

    return lanes(lanes, types.intp, lanes.dtype), code
