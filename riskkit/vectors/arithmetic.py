"""Arithmetic on lanes: operators, absolute values, roots, fused multiply-adds, sums, extremes, and choices by bits.

The operators and ``math`` functions are numba's for ``Lanes`` once this module has been imported.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir
from numba import types

from riskkit.vectors.lanes import Lanes, call, intrinsic, overload, splat


def _bits(builder: Any, mask: Any) -> Any:
    return builder.zext(builder.bitcast(mask, ir.IntType(mask.type.count)), ir.IntType(64))


@intrinsic
def choose(typing, bits, yes, no):
    """Lane l is yes[l] where bit l of the integer is set, else no[l]."""
    if not isinstance(yes, Lanes):
        return None

    def code(context, builder, signature, values):
        word = builder.trunc(values[0], ir.IntType(yes.count))
        return builder.select(builder.bitcast(word, ir.VectorType(ir.IntType(1), yes.count)), values[1], values[2])

    return yes(types.int64, yes, yes), code


@intrinsic
def above(typing, lanes, limit):
    """The bits of the lanes greater than the limit; those of NaN are 0."""
    if not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        return _bits(builder, builder.fcmp_ordered(">", values[0], splat(builder, values[1], lanes.count)))

    return types.int64(lanes, lanes.dtype), code


@intrinsic
def beyond(typing, lanes, limit):
    """The bits of the lanes whose modulus is not at most the limit; those of NaN are 1."""
    if not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        modulus = call(builder, "llvm.fabs", values[0])
        return _bits(builder, builder.fcmp_unordered(">", modulus, splat(builder, values[1], lanes.count)))

    return types.int64(lanes, lanes.dtype), code


@intrinsic
def fma(typing, a, b, c):
    """a b + c, rounded once."""
    if not isinstance(a, Lanes):
        return None

    def code(context, builder, signature, values):
        return call(builder, "llvm.fma", *values)

    return a(a, a, a), code


def _operation(instruction: str) -> Any:
    """An elementwise operation on two vectors, or a vector and a number, which is first rounded to the lanes' type."""

    @intrinsic
    def operation(typing, a, b):
        kind = a if isinstance(a, Lanes) else b
        if not isinstance(kind, Lanes):
            return None

        def code(context, builder, signature, values):
            whole = [
                value if isinstance(given, Lanes) else splat(builder, value, kind.count)
                for value, given in zip(values, signature.args, strict=True)
            ]
            return getattr(builder, instruction)(*whole)

        return kind(*(given if isinstance(given, Lanes) else kind.dtype for given in (a, b))), code

    return operation


_add, _subtract, _multiply, _divide = (_operation(name) for name in ("fadd", "fsub", "fmul", "fdiv"))


def _number(kind: Any) -> bool:
    return isinstance(kind, types.Float | types.Integer | Lanes)


def _binary(function: Callable[..., Any], operation: Any) -> None:
    @overload(function)
    def binary(a, b):
        if (isinstance(a, Lanes) and _number(b)) or (isinstance(b, Lanes) and _number(a)):
            return lambda a, b: operation(a, b)
        return None


_binary(operator.add, _add)
_binary(operator.sub, _subtract)
_binary(operator.mul, _multiply)
_binary(operator.truediv, _divide)


def unary(function: Callable[..., Any], emit: Callable[[Any, Any], Any]) -> None:
    """Defines a function of one number for lanes, by the code that ``emit(builder, value)`` makes."""

    @intrinsic
    def operation(typing, a):
        def code(context, builder, signature, values):
            return emit(builder, values[0])

        return a(a), code

    @overload(function)
    def unary(a):
        return (lambda a: operation(a)) if isinstance(a, Lanes) else None


unary(operator.neg, lambda builder, a: builder.fneg(a))
unary(operator.pos, lambda builder, a: a)
unary(abs, lambda builder, a: call(builder, "llvm.fabs", a))
unary(math.fabs, lambda builder, a: call(builder, "llvm.fabs", a))
unary(math.sqrt, lambda builder, a: call(builder, "llvm.sqrt", a))


@overload(operator.pow)
def _power(a, b):
    """A positive whole power, by multiplication."""
    if not (isinstance(a, Lanes) and isinstance(b, types.Integer)):
        return None

    def power(a, b):
        product = a
        for _ in range(b - 1):
            product = product * a
        return product

    return power


def _extreme(relation: str) -> Any:
    """The smaller or larger of two vectors, lane by lane; NaN where one of them is."""

    @intrinsic
    def extreme(typing, a, b):
        if not isinstance(a, Lanes):
            return None

        def code(context, builder, signature, values):
            a, b = values
            found = builder.select(builder.fcmp_ordered(relation, a, b), a, b)
            return builder.select(builder.fcmp_unordered("uno", a, a), a, found)

        return a(a, a), code

    return extreme


smaller, larger = _extreme("<"), _extreme(">")


@intrinsic
def with_sign(typing, a, b):
    """|a| with the sign of b, lane by lane."""
    if not isinstance(a, Lanes):
        return None

    def code(context, builder, signature, values):
        return call(builder, "llvm.copysign", *values)

    return a(a, a), code


@intrinsic
def across(typing, lanes):
    """The sum of the lanes: of the first half and the second, lane by lane, and so on."""
    if not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        value, n = values[0], lanes.count
        while n > 1:
            n //= 2
            low, high = (
                builder.shuffle_vector(
                    value, value, ir.Constant(ir.VectorType(ir.IntType(32), n), list(range(first, first + n)))
                )
                for first in (0, n)
            )
            value = builder.fadd(low, high)
        return builder.extract_element(value, ir.IntType(32)(0))

    return lanes.dtype(lanes), code
