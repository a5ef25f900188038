"""What compiled engines share: the part of a formula that is compiled, what cannot be, and where the code lies."""

from __future__ import annotations

import builtins
import importlib.util
import math
import os
import sys
import tempfile
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple

from platformdirs import user_cache_path

from riskkit.problem import Coordinatewise, Linear


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
    chosen = os.path.expanduser(os.environ.get("RISKKIT_CACHE", ""))
    path = Path(chosen) if chosen else user_cache_path("riskkit")
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.access(path, os.W_OK):
            return path
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="riskkit-"))


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
