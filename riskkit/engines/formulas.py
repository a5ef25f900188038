"""Formulas compiled into the fused CPU engine's loop, once a machine: the code lies in the user's cache folder.

numba finds code on disk by the file and the bytecode of a function, and looks through the globals it uses, but not at a
function passed to it. So each formula gets a copy of ``lane_kernel.py`` of its own, named after everything that decides
the code, in which the formula's functions are globals.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib.util
import math
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numba
from platformdirs import user_cache_path

from riskkit.problem import Coordinatewise, Linear
from riskkit.vectors import lanes
from riskkit.vectors.lanes import inlined


class Part(NamedTuple):
    """What of a formula is compiled in: its function (a plain one), and how a gradient is made of it."""

    formula: Any
    kind: str


def part(formula: Linear | Coordinatewise) -> Part:
    if isinstance(formula, Linear):
        return Part(formula.slope, "linear with ridge" if formula.ridge else "linear")
    return Part(formula.pull, "coordinatewise")


def refusal(formula: object) -> str | None:
    """Why a formula cannot be compiled, or None."""
    if not isinstance(formula, Linear | Coordinatewise):
        return "its formula is neither Linear nor Coordinatewise"
    function = formula.slope if isinstance(formula, Linear) else formula.pull
    if not isinstance(function, FunctionType):
        return "its formula is not a plain function"
    return _strange(function)


def _strange(function: FunctionType) -> str | None:
    """What a formula uses beyond arithmetic, ``math``, numbers and other such functions, as a reason; or None."""
    if function.__closure__ is not None:
        return f"{function.__name__} of its formula uses variables of an enclosing function"
    for name in function.__code__.co_names:
        value = function.__globals__.get(name, getattr(builtins, name, getattr(math, name, None)))
        if isinstance(value, FunctionType):
            if (reason := _strange(value)) is not None:
                return reason
        elif value is not math and not isinstance(value, int | float | BuiltinFunctionType):
            return f"{function.__name__} of its formula uses {name}"
    return None


def folder() -> Path:
    """Where compiled formulas lie: RISKKIT_CACHE, else the user's cache folder, else (read-only) a temporary one."""
    chosen = os.environ.get("RISKKIT_CACHE")
    path = Path(chosen) if chosen else user_cache_path("riskkit")
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.access(path, os.W_OK):
            return path
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="riskkit-"))


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


def kernel(made: Part) -> ModuleType:
    """``lane_kernel`` for a formula, compiled when it is first called unless the code is on disk."""
    with _loading:
        return _kernel(made)


def module_of(name: str, text: str) -> ModuleType:
    """The source as a module, from a file of that name in ``folder``: compilers keep their code by the file. The name
    must change with the text."""
    path = folder() / f"{name}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.lru_cache(maxsize=64)
def _kernel(made: Part) -> ModuleType:
    here = Path(__file__).parent
    files = [here / "numba" / "kernel.py", here / "numba" / "state.py", Path(__file__), Path(lanes.__file__)]
    text, *rest = (file.read_text() for file in files)
    parts = (text, *rest, repr(_described(made.formula)), made.kind, numba.__version__, sys.version)
    name = "riskkit_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    module = module_of(name, text)
    for function, own in _arithmetic(made)._asdict().items():
        setattr(module, function, own)
    return module


class Arithmetic(NamedTuple):
    """What ``lane_kernel`` leaves open."""

    linear: bool
    outer: Any
    move: Any
    carry: Any
    energy: Any
    reach: Any


def _arithmetic(made: Part) -> Arithmetic:
    formula = lanes.on_lanes(made.formula)
    if made.kind == "coordinatewise":
        return Arithmetic(False, _nothing, _pull(formula), None, _summed, None)
    if made.kind == "linear with ridge":
        return Arithmetic(True, formula, _move_ridge, _carry_ridge, _summed, _reach_ridge)
    return Arithmetic(True, formula, _move, _carry, _energy, _reach)


# A gradient slope x.


@inlined
def _move(back, slope, t, x, weight, square):
    return lanes.fma(back * slope, x, t), square


@inlined
def _carry(w, back, slope, product, ridge):
    return lanes.fma(back * slope, product, w)


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
    g = lanes.fma(slope, x, weight * t)
    return lanes.fma(back, g, t), lanes.fma(g, g, square)


@inlined
def _carry_ridge(w, back, slope, product, ridge):
    return lanes.fma(back, lanes.fma(slope, product, ridge * w), w)


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
        return lanes.fma(back, g, t), lanes.fma(g, g, square)

    return pull
