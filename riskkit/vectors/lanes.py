"""Vectors of one cache line (16 float32 or 8 float64) as numba values: the type, and how code for it is made.

Compilers vectorise where and how they see fit, so that a number's last bits would depend on what stands beside it. Here
every operation acts on each lane alone and in the order written, fused multiply-adds where ``fma`` says so: the bits of
a lane depend on that lane only.
"""

from __future__ import annotations

import functools
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


def _scalar_type(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def vector_type(lanes: Lanes) -> ir.Type:
    """LLVM's type of the vector."""
    return ir.VectorType(_scalar_type(lanes.dtype), lanes.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, vector_type(fe_type))


def constant(vector: ir.Type, value: float) -> ir.Constant:
    """The constant vector with ``value`` in every lane."""
    return ir.Constant(vector, [value] * vector.count)


def call(builder: Any, name: str, *arguments: Any) -> Any:
    """An LLVM intrinsic on vectors of one type, such as ``llvm.fma``."""
    kind = arguments[0].type
    suffix = f"v{kind.count}f{32 if isinstance(kind.element, ir.FloatType) else 64}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(arguments)), f"{name}.{suffix}"
    )
    return builder.call(function, arguments)


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """The scalar in every lane."""
    single = builder.insert_element(
        ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined), scalar, ir.IntType(32)(0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(single, ir.Constant(single.type, ir.Undefined), zeros)


def lanes_of(vector: Any) -> int:
    """The number of lanes of a vector, or of the vectors in an array; a constant to the compiler."""
    raise TypeError("lanes_of works in compiled code only.")


@overload(lanes_of)
def _lanes_of(vector):
    width = (Lanes(vector.dtype) if isinstance(vector, types.Array) else vector).count
    return lambda vector: width
