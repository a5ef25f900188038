"""The loops of the fused CPU engine with a formula compiled in, once a machine: the code lies in the cache folder.

numba finds code on disk by the file and the bytecode of a function, and looks through the globals it uses, but not at a
function passed to it. So each formula gets a copy of ``kernel.py`` of its own (and of ``scheme_kernel.py`` where a run
needs it), named after everything that decides the code, in which the formula's functions are globals.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import threading
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numba

from riskkit import vectors
from riskkit.algorithms.formulas import Formulas
from riskkit.engines import formulas
from riskkit.engines.formulas import Part, module_of
from riskkit.engines.numba import printed
from riskkit.vectors import fma, inlined, on_lanes


def _described(function: FunctionType) -> tuple[Any, ...]:
    """Everything that decides what a formula computes."""

    def code(given: CodeType) -> tuple[Any, ...]:
        constants = [code(c) if isinstance(c, CodeType) else repr(c) for c in given.co_consts]
        return (given.co_code, given.co_names, given.co_varnames, constants)

    used: list[tuple[str, Any]] = []
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType):
            used.append((name, _described(value)))
        elif isinstance(value, int | float):
            used.append((name, repr(value)))
        elif isinstance(value, ModuleType):
            used.append((name, value.__name__))
    return (code(function.__code__), used)


_loading = threading.Lock()


LOOPS = ("kernel", "scheme_kernel")
"""Modules with a loop: for staged lookaheads on single examples, and for schemes."""


def kernel(made: Part, step: Formulas | None = None) -> ModuleType:
    """A loop for a problem's formula, compiled when it is first called unless the code is on disk: for plain steps, or
    for those of schemes that have the formulas ``step``."""
    with _loading:
        return _kernel(made, step)


def sources(loop: str = LOOPS[0]) -> list[Path]:
    """The files that decide the compiled code: the loop, which is copied, then the others."""
    here = Path(__file__).parent
    return [
        here / f"{loop}.py",
        here / "state.py",
        Path(__file__),
        Path(formulas.__file__),
        *vectors.sources(),
    ]


@functools.lru_cache(maxsize=64)
def _kernel(made: Part, step: Formulas | None) -> ModuleType:
    text, *rest = (file.read_text() for file in sources(LOOPS[step is not None]))
    if step is not None:
        text += f"\n\n{printed.text(step)}"
    parts = (text, *rest, repr(_described(made.formula)), made.kind, numba.__version__, sys.version)
    name = "riskkit_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    module = module_of(name, text)
    chosen: NamedTuple = _arithmetic(made) if step is None else _sums(made)
    for function, own in chosen._asdict().items():
        setattr(module, function, own)
    return module


class Arithmetic(NamedTuple):
    """What ``kernel.py`` leaves open."""

    linear: bool
    outer: Any
    move: Any
    carry: Any
    energy: Any
    reach: Any


def _arithmetic(made: Part) -> Arithmetic:
    formula = on_lanes(made.formula)
    if made.kind == "coordinatewise":
        return Arithmetic(False, _nothing, _pull(formula), None, _summed, None)
    if made.kind == "linear with ridge":
        return Arithmetic(True, formula, _move_ridge, _carry_ridge, _summed, _reach_ridge)
    return Arithmetic(True, formula, _move, _carry, _energy, _reach)


# A gradient slope x.


@inlined
def _move(back, slope, t, x, weight, square):
    return fma(back * slope, x, t), square


@inlined
def _carry(w, back, slope, product, ridge):
    return fma(back * slope, product, w)


@inlined
def _energy(square, slope, length):
    norm = slope * length
    return norm * norm


@inlined
def _reach(size, back, slope, length, ridge):
    return size + abs(back * slope) * length


# A gradient slope x + ridge t. Not t (1 - eta ridge): in float32 that would be another ridge.


@inlined
def _move_ridge(back, slope, t, x, weight, square):
    g = fma(slope, x, weight * t)
    return fma(back, g, t), fma(g, g, square)


@inlined
def _carry_ridge(w, back, slope, product, ridge):
    return fma(back, fma(slope, product, ridge * w), w)


@inlined
def _summed(square, slope, length):
    return square


@inlined
def _reach_ridge(size, back, slope, length, ridge):
    return abs(1.0 + back * ridge) * size + abs(back * slope) * length


# A gradient that is given coordinate by coordinate.


@inlined
def _nothing(u, y, parameter):
    return parameter


def _pull(formula: Any) -> Any:
    @inlined
    def pull(back, slope, t, x, weight, square):
        g = formula(t, x, weight)
        return fma(back, g, t), fma(g, g, square)

    return pull


# What ``scheme_kernel.py`` leaves open: sums of gradients but for their ridge.


class Sums(NamedTuple):
    """What ``scheme_kernel.py`` leaves open."""

    linear: bool
    outer: Any
    add: Any


def _sums(made: Part) -> Sums:
    formula = on_lanes(made.formula)
    if made.kind == "coordinatewise":
        return Sums(False, _nothing, _add_pull(formula))
    return Sums(True, formula, _add_slope)


@inlined
def _add_slope(g, slope, t, x, weight):
    return fma(slope, x, g)


def _add_pull(formula: Any) -> Any:
    @inlined
    def pulled(g, slope, t, x, weight):
        return g + formula(t, x, weight)

    return pulled
