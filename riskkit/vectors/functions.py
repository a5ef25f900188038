"""Elementary functions of lanes: exp, log, sin, cos.

They are numba's ``math`` functions for ``Lanes`` once this module has been imported.
"""

from __future__ import annotations

import math
from typing import Any

import llvmlite.ir as ir
import numpy as np

from riskkit.vectors.arithmetic import unary
from riskkit.vectors.lanes import call, constant


def _integers(vector: ir.Type) -> ir.Type:
    return ir.VectorType(ir.IntType(32 if isinstance(vector.element, ir.FloatType) else 64), vector.count)


def _horner(builder: Any, x: Any, coefficients: list[float]) -> Any:
    """The polynomial with these coefficients, the highest power's first."""
    value = constant(x.type, coefficients[0])
    for coefficient in coefficients[1:]:
        value = call(builder, "llvm.fma", value, x, constant(x.type, coefficient))
    return value


def _estrin(builder: Any, x: Any, coefficients: list[float]) -> Any:
    """The same by pairs of powers, pairs of pairs and so on (Estrin's scheme): a chain of as many operations as the
    degree has binary digits, where Horner's has one a degree and a step would wait for it."""
    terms = [constant(x.type, coefficient) for coefficient in reversed(coefficients)]
    power = x
    while len(terms) > 1:
        pairs = [call(builder, "llvm.fma", b, power, a) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(terms) - len(terms) % 2 :]
        power = builder.fmul(power, power)
    return terms[0]


def _nearest(builder: Any, x: Any, unit: float) -> tuple[Any, Any]:
    """x / unit to the nearest whole number, as a float and, in the low bits, as an integer.

    Adding 1.5 2^52 (or 2^23) leaves no room for a fraction; and NaN stays NaN, which a conversion would not grant.
    """
    magic = constant(x.type, 1.5 * 2.0 ** (23 if isinstance(x.type.element, ir.FloatType) else 52))
    shifted = call(builder, "llvm.fma", x, constant(x.type, 1 / unit), magic)
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


LN2 = "0.693147180559945309417232121458176568075500134360255254120680009"
HALF_PI = "1.570796326794896619231321691639751442098584699687552910487472296"


def _reduce(builder: Any, x: Any, times: Any, unit: list[float]) -> Any:
    """x - times * unit, the unit being a sum of floats."""
    for part in unit:
        x = call(builder, "llvm.fma", times, constant(x.type, -part), x)
    return x


def _exp(builder: Any, x: Any) -> Any:
    """2^m e^r with |r| <= ln(2) / 2 and Taylor's polynomial, off by under 2 units in the last place. Beyond the range
    of finite normal results the argument is moved to its end."""
    single = isinstance(x.type.element, ir.FloatType)
    low, high, degree, bias, shift = (-87.0, 88.0, 7, 127, 23) if single else (-708.0, 709.0, 13, 1023, 52)
    x = builder.select(builder.fcmp_ordered(">", x, constant(x.type, high)), constant(x.type, high), x)
    x = builder.select(builder.fcmp_ordered("<", x, constant(x.type, low)), constant(x.type, low), x)
    times, whole = _nearest(builder, x, math.log(2))
    r = _reduce(builder, x, times, _split(LN2, x.type, 2))
    # 1 + (r + r^2 p): what rounding p leaves behind is small beside 1.
    p = _estrin(builder, r, [1 / math.factorial(i) for i in range(degree, 1, -1)])
    one = constant(x.type, 1.0)
    polynomial = builder.fadd(call(builder, "llvm.fma", builder.fmul(r, r), p, r), one)
    integers = _integers(x.type)
    exponent = builder.shl(builder.add(whole, constant(integers, bias)), constant(integers, shift))
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
    modulus = call(builder, "llvm.fabs", x)
    far = builder.fcmp_ordered(">", modulus, constant(x.type, 2.0**20 if single else 2.0**30))
    x = builder.select(far, constant(x.type, 0.0), x)
    times, whole = _nearest(builder, x, math.pi / 2)
    r = _reduce(builder, x, times, _split(HALF_PI, x.type, 3))
    square = builder.fmul(r, r)
    cube = builder.fmul(square, r)
    sine = call(builder, "llvm.fma", cube, _horner(builder, square, SIN), r)
    # 1 - r^2/2 + r^4 p
    flat = call(builder, "llvm.fma", square, constant(x.type, -0.5), constant(x.type, 1.0))
    cosine = call(builder, "llvm.fma", builder.fmul(square, square), _horner(builder, square, COS), flat)
    integers = _integers(x.type)
    quarter = builder.add(whole, constant(integers, quarters))
    odd = builder.icmp_signed("!=", builder.and_(quarter, constant(integers, 1)), constant(integers, 0))
    value = builder.select(odd, cosine, sine)
    bits = 31 if single else 63
    sign = builder.shl(builder.lshr(quarter, constant(integers, 1)), constant(integers, bits))
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
    bits = builder.sub(builder.bitcast(x, integers), constant(integers, root))
    exponent = builder.ashr(bits, constant(integers, shift))
    mantissa = builder.add(builder.and_(bits, constant(integers, 2**shift - 1)), constant(integers, root))
    m = builder.sitofp(exponent, x.type)
    f = builder.fsub(builder.bitcast(mantissa, x.type), constant(x.type, 1.0))
    s = builder.fdiv(f, builder.fadd(f, constant(x.type, 2.0)))
    z = builder.fmul(s, s)
    half = builder.fmul(constant(x.type, 0.5), builder.fmul(f, f))
    rest = builder.fmul(s, builder.fadd(half, builder.fmul(z, _horner(builder, z, LOG))))
    high, low = _split(LN2, x.type, 2)
    value = builder.fsub(f, builder.fsub(half, call(builder, "llvm.fma", m, constant(x.type, low), rest)))
    return call(builder, "llvm.fma", m, constant(x.type, high), value)


unary(math.exp, _exp)
unary(math.log, _log)
unary(math.sin, lambda builder, x: _sine(builder, x, 0))
unary(math.cos, lambda builder, x: _sine(builder, x, 1))
