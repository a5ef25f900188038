"""Vectors of one cache line (16 float32 or 8 float64) as numba values: arithmetic, memory, exp, sin, cos.

Compilers vectorise where and how they see fit, so that a number's last bits would depend on what stands beside it. Here
every operation acts on each lane alone and in the order written, fused multiply-adds where ``fma`` says so: the bits of
a lane depend on that lane only. A formula for floats (``riskkit.engines.formulas``) runs on lanes unchanged, since its
operators and its ``math`` functions are defined for them; ``lanewise`` says whether it uses nothing else.
"""

from __future__ import annotations

import dis
import functools
import math
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

import llvmlite.ir as ir
import numpy as np
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, register_model

LINE = 64
"""Bytes of a vector."""

intrinsic: Any = extending.intrinsic
overload: Any = extending.overload

fragment: Any = functools.partial(njit, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function that only compiled code calls."""

inlined: Any = functools.partial(fragment, forceinline=True)
"""The same, its code put where it is called."""


def count(dtype: np.dtype[Any]) -> int:
    """Lanes of a vector of this type."""
    return LINE // dtype.itemsize


class Lanes(types.Type):
    """The numba type of a vector of ``dtype`` (types.float32 or types.float64), of a cache line or of ``count``."""

    def __init__(self, dtype: types.Float, count: int = 0) -> None:
        self.dtype = dtype
        self.count = count or 8 * LINE // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype}, {self.count})")


def _ir(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def _vector(lanes: Lanes) -> ir.Type:
    return ir.VectorType(_ir(lanes.dtype), lanes.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, _vector(fe_type))


def _all(vector: ir.Type, value: float) -> ir.Constant:
    """The constant vector with ``value`` in every lane."""
    return ir.Constant(vector, [value] * vector.count)


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    """An LLVM intrinsic on vectors of one type, such as ``llvm.fma``."""
    kind = arguments[0].type
    suffix = f"v{kind.count}f{32 if isinstance(kind.element, ir.FloatType) else 64}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(arguments)), f"{name}.{suffix}"
    )
    return builder.call(function, arguments)


def _splat(builder: Any, scalar: Any, lanes: int) -> Any:
    single = builder.insert_element(
        ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined), scalar, ir.IntType(32)(0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(single, ir.Constant(single.type, ir.Undefined), zeros)


def _address(context: Any, builder: Any, array: Any, value: Any, at: Any) -> Any:
    data = context.make_array(array)(context, builder, value).data
    return builder.gep(data, [at])


def _is_line_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and isinstance(array.dtype, types.Float)


# Memory -------------------------------------------------------------------------------------------------------------


@intrinsic
def load(typing, array, at):
    """Lanes array[at], array[at + 1], ..."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        place = _address(context, builder, array, values[0], values[1])
        place = builder.bitcast(place, _vector(kind).as_pointer())
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return kind(array, types.intp), code


@intrinsic
def load_four(typing, array, at, number):
    """A vector of four: array[at], array[at + 1], ... of which only the first ``number`` are read, the others 0."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype, 4)

    def code(context, builder, signature, values):
        vector, word = _vector(kind), ir.IntType(32)
        place = builder.bitcast(_address(context, builder, array, values[0], values[1]), vector.as_pointer())
        mask = builder.icmp_signed(
            "<", ir.Constant(ir.VectorType(ir.IntType(64), 4), [0, 1, 2, 3]), _splat(builder, values[2], 4)
        )
        suffix = f"v4f{array.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [place.type, word, mask.type, vector]),
            f"llvm.masked.load.{suffix}.{'p0' if place.type.is_opaque else 'p0' + suffix}",
        )
        return builder.call(function, [place, word(array.dtype.bitwidth // 8), mask, _all(vector, 0.0)])

    return kind(array, types.intp, types.intp), code


@intrinsic
def store(typing, array, at, lanes):
    """array[at], array[at + 1], ... = the lanes."""
    if not _is_line_array(array) or not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        place = _address(context, builder, array, values[0], values[1])
        place = builder.bitcast(place, _vector(lanes).as_pointer())
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
        result = ir.Constant(_vector(kind), ir.Undefined)
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
            rows.append(builder.load(builder.bitcast(place, _vector(kind).as_pointer()), align=align))
        masks = [
            ir.Constant(ir.VectorType(word, n), [(half * n + i) // 2 + n * (i % 2) for i in range(n)])
            for half in (0, 1)
        ]
        for _ in range(n.bit_length() - 1):
            pairs = zip(rows[: n // 2], rows[n // 2 :], strict=True)
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
        for i, row in enumerate(rows):
            place = _address(context, builder, to, values[3], builder.add(values[4], values[4].type(i * n)))
            builder.store(row, builder.bitcast(place, _vector(kind).as_pointer()), align=align)
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
        return _splat(builder, values[0], kind.count)

    return kind(like.dtype, like), code


@intrinsic
def spread_at(typing, array, at):
    """The number array[at] in every lane; no check of bounds, no counting from the end."""
    if not _is_line_array(array):
        return None
    kind = Lanes(array.dtype)

    def code(context, builder, signature, values):
        scalar = builder.load(_address(context, builder, array, values[0], values[1]))
        return _splat(builder, scalar, kind.count)

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

        upper = builder.shl(words(high, values[1]), _all(wide, 32))
        word = builder.lshr(builder.or_(upper, words(low, values[0])), _all(wide, 11))
        # Below 2^53, so that the signed conversion, which every machine has, is exact.
        number = builder.fadd(builder.sitofp(word, _vector(kind)), _all(_vector(kind), 0.5))
        return builder.fmul(number, _all(_vector(kind), 2.0**-53))

    return kind(low, high, types.intp), code


# Lanes chosen by bits -----------------------------------------------------------------------------------------------


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
        return _bits(builder, builder.fcmp_ordered(">", values[0], _splat(builder, values[1], lanes.count)))

    return types.int64(lanes, lanes.dtype), code


@intrinsic
def beyond(typing, lanes, limit):
    """The bits of the lanes whose modulus is not at most the limit; those of NaN are 1."""
    if not isinstance(lanes, Lanes):
        return None

    def code(context, builder, signature, values):
        modulus = _call(builder, "llvm.fabs", values[0])
        return _bits(builder, builder.fcmp_unordered(">", modulus, _splat(builder, values[1], lanes.count)))

    return types.int64(lanes, lanes.dtype), code


# Arithmetic ---------------------------------------------------------------------------------------------------------


@intrinsic
def fma(typing, a, b, c):
    """a b + c, rounded once."""
    if not isinstance(a, Lanes):
        return None

    def code(context, builder, signature, values):
        return _call(builder, "llvm.fma", *values)

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
                value if isinstance(given, Lanes) else _splat(builder, value, kind.count)
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


def _unary(function: Callable[..., Any], emit: Callable[[Any, Any], Any]) -> None:
    @intrinsic
    def operation(typing, a):
        def code(context, builder, signature, values):
            return emit(builder, values[0])

        return a(a), code

    @overload(function)
    def unary(a):
        return (lambda a: operation(a)) if isinstance(a, Lanes) else None


_unary(operator.neg, lambda builder, a: builder.fneg(a))
_unary(operator.pos, lambda builder, a: a)
_unary(abs, lambda builder, a: _call(builder, "llvm.fabs", a))
_unary(math.fabs, lambda builder, a: _call(builder, "llvm.fabs", a))
_unary(math.sqrt, lambda builder, a: _call(builder, "llvm.sqrt", a))


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


# Elementary functions -----------------------------------------------------------------------------------------------


def _integers(vector: ir.Type) -> ir.Type:
    return ir.VectorType(ir.IntType(32 if isinstance(vector.element, ir.FloatType) else 64), vector.count)


def _horner(builder: Any, x: Any, coefficients: list[float]) -> Any:
    """The polynomial with these coefficients, the highest power's first."""
    value = _all(x.type, coefficients[0])
    for coefficient in coefficients[1:]:
        value = _call(builder, "llvm.fma", value, x, _all(x.type, coefficient))
    return value


def _estrin(builder: Any, x: Any, coefficients: list[float]) -> Any:
    """The same by pairs of powers, pairs of pairs and so on (Estrin's scheme): a chain of as many operations as the
    degree has binary digits, where Horner's has one a degree and a step would wait for it."""
    terms = [_all(x.type, coefficient) for coefficient in reversed(coefficients)]
    power = x
    while len(terms) > 1:
        pairs = [_call(builder, "llvm.fma", b, power, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(terms) - len(terms) % 2 :]
        power = builder.fmul(power, power)
    return terms[0]


def _nearest(builder: Any, x: Any, unit: float) -> tuple[Any, Any]:
    """x / unit to the nearest whole number, as a float and, in the low bits, as an integer.

    Adding 1.5 2^52 (or 2^23) leaves no room for a fraction; and NaN stays NaN, which a conversion would not grant.
    """
    magic = _all(x.type, 1.5 * 2.0 ** (23 if isinstance(x.type.element, ir.FloatType) else 52))
    shifted = _call(builder, "llvm.fma", x, _all(x.type, 1 / unit), magic)
    return builder.fsub(shifted, magic), builder.bitcast(shifted, _integers(x.type))


def _split(value: str, vector: ir.Type, parts: int) -> list[float]:
    """A constant, given by its digits, as a sum of floats of the lanes' type."""
    from fractions import Fraction

    single = isinstance(vector.element, ir.FloatType)
    rest, found = Fraction(value), []
    for _ in range(parts):
        found.append(float(np.float32(float(rest))) if single else float(rest))
        rest -= Fraction(found[-1])
    return found


def _reduce(builder: Any, x: Any, times: Any, unit: list[float]) -> Any:
    """x - times * unit, the unit being a sum of floats."""
    for part in unit:
        x = _call(builder, "llvm.fma", times, _all(x.type, -part), x)
    return x


LN2 = "0.693147180559945309417232121458176568075500134360255254120680009"
HALF_PI = "1.570796326794896619231321691639751442098584699687552910487472296"


def _exp(builder: Any, x: Any) -> Any:
    """2^m e^r with |r| <= ln(2) / 2 and Taylor's polynomial, off by under 2 units in the last place. Beyond the range
    of finite normal results the argument is moved to its end."""
    single = isinstance(x.type.element, ir.FloatType)
    low, high, degree, bias, shift = (-87.0, 88.0, 7, 127, 23) if single else (-708.0, 709.0, 13, 1023, 52)
    x = builder.select(builder.fcmp_ordered(">", x, _all(x.type, high)), _all(x.type, high), x)
    x = builder.select(builder.fcmp_ordered("<", x, _all(x.type, low)), _all(x.type, low), x)
    times, whole = _nearest(builder, x, math.log(2))
    r = _reduce(builder, x, times, _split(LN2, x.type, 2))
    # 1 + (r + r^2 p): what rounding p leaves behind is small beside 1.
    p = _estrin(builder, r, [1 / math.factorial(i) for i in range(degree, 1, -1)])
    one = _all(x.type, 1.0)
    polynomial = builder.fadd(_call(builder, "llvm.fma", builder.fmul(r, r), p, r), one)
    integers = _integers(x.type)
    exponent = builder.shl(builder.add(whole, _all(integers, bias)), _all(integers, shift))
    return builder.fmul(polynomial, builder.bitcast(exponent, x.type))


# fdlibm's polynomials on [-pi/4, pi/4].
SIN = [
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
    -1.66666666666666324348e-01,
]
COS = [
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
]


def _sine(builder: Any, x: Any, quarters: int) -> Any:
    """sin(x + quarters pi/2). Where |x| is so large that floats lie far apart, sin 0 (or cos 0)."""
    single = isinstance(x.type.element, ir.FloatType)
    modulus = _call(builder, "llvm.fabs", x)
    far = builder.fcmp_ordered(">", modulus, _all(x.type, 2.0**20 if single else 2.0**30))
    x = builder.select(far, _all(x.type, 0.0), x)
    times, whole = _nearest(builder, x, math.pi / 2)
    r = _reduce(builder, x, times, _split(HALF_PI, x.type, 3))
    square = builder.fmul(r, r)
    cube = builder.fmul(square, r)
    sine = _call(builder, "llvm.fma", cube, _horner(builder, square, SIN), r)
    # 1 - r^2/2 + r^4 p
    flat = _call(builder, "llvm.fma", square, _all(x.type, -0.5), _all(x.type, 1.0))
    cosine = _call(builder, "llvm.fma", builder.fmul(square, square), _horner(builder, square, COS), flat)
    integers = _integers(x.type)
    quarter = builder.add(whole, _all(integers, quarters))
    odd = builder.icmp_signed("!=", builder.and_(quarter, _all(integers, 1)), _all(integers, 0))
    value = builder.select(odd, cosine, sine)
    bits = 31 if single else 63
    sign = builder.shl(builder.lshr(quarter, _all(integers, 1)), _all(integers, bits))
    return builder.bitcast(builder.xor(builder.bitcast(value, integers), sign), x.type)


# fdlibm's polynomial of (log((1 + s) / (1 - s)) - 2 s) / s.
LOG = [
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
]


def _log(builder: Any, x: Any) -> Any:
    """m ln 2 + log(1 + f), 1 + f = x / 2^m between sqrt(1/2) and sqrt(2), as fdlibm has it, off by under 1 unit in the
    last place; for positive normal finite numbers."""
    single = isinstance(x.type.element, ir.FloatType)
    integers, shift, root = _integers(x.type), 23 if single else 52, 0x3F3504F3 if single else 0x3FE6A09E667F3BCD
    bits = builder.sub(builder.bitcast(x, integers), _all(integers, root))
    exponent = builder.ashr(bits, _all(integers, shift))
    mantissa = builder.add(builder.and_(bits, _all(integers, 2**shift - 1)), _all(integers, root))
    m = builder.sitofp(exponent, x.type)
    f = builder.fsub(builder.bitcast(mantissa, x.type), _all(x.type, 1.0))
    s = builder.fdiv(f, builder.fadd(f, _all(x.type, 2.0)))
    z = builder.fmul(s, s)
    half = builder.fmul(_all(x.type, 0.5), builder.fmul(f, f))
    rest = builder.fmul(s, builder.fadd(half, builder.fmul(z, _horner(builder, z, LOG))))
    high, low = _split(LN2, x.type, 2)
    value = builder.fsub(f, builder.fsub(half, _call(builder, "llvm.fma", m, _all(x.type, low), rest)))
    return _call(builder, "llvm.fma", m, _all(x.type, high), value)


_unary(math.exp, _exp)
_unary(math.log, _log)
_unary(math.sin, lambda builder, x: _sine(builder, x, 0))
_unary(math.cos, lambda builder, x: _sine(builder, x, 1))


# One lane at a time -------------------------------------------------------------------------------------------------


@intrinsic
def _get(typing, lanes, lane):
    def code(context, builder, signature, values):
        return builder.extract_element(values[0], builder.trunc(values[1], ir.IntType(32)))

    return lanes.dtype(lanes, types.intp), code


@intrinsic
def _set(typing, lanes, lane, value):
    def code(context, builder, signature, values):
        return builder.insert_element(values[0], values[2], builder.trunc(values[1], ir.IntType(32)))

    return lanes(lanes, types.intp, lanes.dtype), code


KNOWN = {"exp", "sin", "cos", "sqrt", "fabs", "pi", "e"}
"""What ``math`` offers to lanes."""


def lanewise(function: FunctionType) -> bool:
    """Whether a formula of floats works on lanes as it stands: no branch, and nothing of ``math`` that lanes lack."""
    jumps = {*dis.hasjabs, *dis.hasjrel}
    if any(instruction.opcode in jumps for instruction in dis.get_instructions(function)):
        return False
    return all(_lanewise(function, name) for name in function.__code__.co_names)


def _lanewise(function: FunctionType, name: str) -> bool:
    value = function.__globals__.get(name)
    if value is math or name in KNOWN or isinstance(value, int | float) or name == "abs":
        return True
    return isinstance(value, FunctionType) and lanewise(value)


def on_lanes(function: FunctionType) -> Any:
    """The formula f(a, b, c) compiled for three vectors: as it stands if it is ``lanewise``, else lane by lane."""
    if lanewise(function):
        return inlined(_compiled(function))
    scalar = fragment(_compiled(function))

    @fragment
    def each(a, b, c):
        result = a
        for lane in range(lanes_of(a)):
            result = _set(result, lane, scalar(_get(a, lane), _get(b, lane), _get(c, lane)))
        return result

    return each


def _compiled(function: FunctionType) -> FunctionType:
    """The function with the functions it calls compiled too."""
    scope = {
        name: fragment(_compiled(value)) if isinstance(value, FunctionType) else value
        for name, value in function.__globals__.items()
        if name in function.__code__.co_names
    }
    return FunctionType(function.__code__, {"__builtins__": __builtins__, **scope}, function.__name__)


def lanes_of(vector: Any) -> int:
    """The number of lanes of a vector, or of the vectors in an array; a constant to the compiler."""
    raise TypeError("lanes_of works in compiled code only.")


@overload(lanes_of)
def _lanes_of(vector):
    width = (Lanes(vector.dtype) if isinstance(vector, types.Array) else vector).count
    return lambda vector: width
