"""Formulas of scalars as lists of operations: a plain function is run once on symbols, which note what is done to them.

Every engine then computes the same list in its own numbers: tensors, vector lanes, Triton's blocks. The function may
use arithmetic, whole powers, square roots, ``abs``, ``min``, ``max`` and ``FUNCTIONS`` of ``math``, numbers by name and
other such functions. What it does must not depend on the numbers, so that it has no branch on them.
"""

from __future__ import annotations

import builtins
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from types import CellType, FunctionType
from typing import Any, NamedTuple


class Place(NamedTuple):
    """The result of an earlier operation, by its number."""

    number: int


Operand = str | Place | float
"""An input by its name, an earlier result, or a number."""

FUNCTIONS = ("sqrt", "exp", "sin", "cos", "fabs", "copysign")
"""What of ``math`` a formula may call."""

MAY_CALL = f"it may call abs, min, max and math.{', math.'.join(FUNCTIONS)}"

ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "abs": abs,
}
"""Operations that any kind of numbers has."""

SCALAR = ARITHMETIC | {name: getattr(math, name) for name in FUNCTIONS if name != "fabs"} | {"min": min, "max": max}
"""All operations, of floats."""


class Line(NamedTuple):
    """One operation: a key of ``SCALAR``, and what it is applied to."""

    operation: str
    operands: tuple[Operand, ...]


class Program(NamedTuple):
    """A formula: its inputs, its operations in their order, and what it returns."""

    inputs: tuple[str, ...]
    lines: tuple[Line, ...]
    results: tuple[Operand, ...]

    def evaluate(self, given: Mapping[str, Any], operations: Mapping[str, Callable[..., Any]] = SCALAR) -> list[Any]:
        """The results for the inputs ``given``, by these operations."""
        found: list[Any] = []

        def value(operand: Operand) -> Any:
            if isinstance(operand, str):
                return given[operand]
            return found[operand.number] if isinstance(operand, Place) else operand

        for line in self.lines:
            found.append(operations[line.operation](*map(value, line.operands)))
        return [value(operand) for operand in self.results]


class UnsupportedError(TypeError):
    """A formula does what cannot be noted."""


class _Tape:
    """Operations noted so far; one that comes again is the same."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.places: dict[str, Place] = {}

    def note(self, operation: str, *given: Any) -> Any:
        line = Line(operation, tuple(_operand(one) for one in given))
        if (key := repr(line)) not in self.places:
            self.places[key] = Place(len(self.lines))
            self.lines.append(line)
        return _Symbol(self, self.places[key])


def _operand(given: Any) -> Operand:
    if isinstance(given, _Symbol):
        return given.operand
    if isinstance(given, int | float):
        return float(given)
    raise UnsupportedError(f"computes with {type(given).__name__}; it may with numbers alone")


def _branch(*_: Any) -> Any:
    raise UnsupportedError(
        "has a branch that depends on its numbers, which differ from coordinate to coordinate; write it with min, max, "
        "abs or math.copysign"
    )


class _Symbol:
    """Stands for a number of which nothing is known."""

    __array_ufunc__ = None

    def __init__(self, tape: _Tape, operand: Operand) -> None:
        self.tape, self.operand = tape, operand

    def __add__(self, other: Any) -> Any:
        return self.tape.note("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.tape.note("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.tape.note("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.tape.note("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.tape.note("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.tape.note("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.tape.note("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.tape.note("div", other, self)

    def __neg__(self) -> Any:
        return self.tape.note("neg", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.tape.note("abs", self)

    def __pow__(self, power: Any) -> Any:
        if isinstance(power, int | float) and power == 0.5:
            return self.tape.note("sqrt", self)
        if not (isinstance(power, int) and 1 <= power <= 16):
            raise UnsupportedError(
                f"has the power {power if isinstance(power, int | float) else 'that a number is'}; it may have whole "
                "ones from 1 to 16, and 0.5"
            )
        product: Any = self
        for _ in range(power - 1):
            product = product * self
        return product

    def __rpow__(self, base: Any) -> Any:
        raise UnsupportedError(f"has a power of {base!r}; write it with math.exp")

    def __float__(self) -> float:
        raise UnsupportedError(f"calls a function that is not known here; {MAY_CALL}")

    __int__ = __index__ = __round__ = __trunc__ = __floor__ = __ceil__ = __float__
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _branch
    __hash__ = None  # type: ignore[assignment]


def _noted(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers that notes its call where one of them is a symbol."""

    def call(*given: Any) -> Any:
        tape = next((one.tape for one in given if isinstance(one, _Symbol)), None)
        return plain(*given) if tape is None else tape.note(name, *given)

    return call


def _extreme(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """``min`` or ``max`` of two or more."""
    pair = _noted(name, plain)

    def call(*given: Any, **options: Any) -> Any:
        if options or len(given) < 2:
            return plain(*given, **options)
        found = given[0]
        for one in given[1:]:
            found = pair(found, one)
        return found

    return call


CALLS: dict[str, Callable[..., Any]] = {
    name: _noted("abs" if name == "fabs" else name, getattr(math, name)) for name in FUNCTIONS
}


class _Math:
    """``math`` as a formula sees it."""

    def __getattr__(self, name: str) -> Any:
        return CALLS.get(name, getattr(math, name))


_MATH = _Math()
_BUILTINS = vars(builtins) | {"min": _extreme("min", min), "max": _extreme("max", max)}


def _seen(value: Any, known: dict[FunctionType, FunctionType]) -> Any:
    """A value as a formula finds it under a name of its own."""
    if value is math:
        return _MATH
    if isinstance(value, FunctionType):
        return _on_symbols(value, known)
    name = getattr(value, "__name__", None)
    if getattr(value, "__module__", None) == "math" and name in CALLS:
        return CALLS[name]
    return value


def _on_symbols(function: FunctionType, known: dict[FunctionType, FunctionType]) -> FunctionType:
    """The function with ``math``, ``min`` and ``max`` replaced, also in the functions that it calls."""
    if function in known:
        return known[function]
    scope: dict[str, Any] = {"__builtins__": _BUILTINS}
    cells = tuple(CellType() for _ in function.__closure__ or ())
    made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    known[function] = made
    for cell, own in zip(cells, function.__closure__ or (), strict=True):
        cell.cell_contents = _seen(own.cell_contents, known)
    made.__kwdefaults__ = function.__kwdefaults__
    for name, value in function.__globals__.items():
        if name in function.__code__.co_names:
            scope[name] = _seen(value, known)
    return made


TRIALS = (0.37, -0.83, 1.9, -2.7, 0.11, -1.3, 2.3, 0.59)
"""Numbers at which a formula is compared with what was noted of it."""


def inputs_of(function: Any, who: str) -> tuple[str, ...]:
    """The names of a formula's arguments. Raises ValueError for what is no plain function of named ones."""
    if not isinstance(function, FunctionType):
        raise ValueError(f"{who} must be a plain function of numbers; got {type(function).__name__}.")
    arguments = inspect.signature(function).parameters.values()
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in arguments):
        raise ValueError(f"{who} must name its arguments; got {', '.join(map(str, arguments))}.")
    return tuple(one.name for one in arguments)


def traced(function: Any, who: str, results: Sequence[str]) -> Program:
    """The operations of a formula that returns one number for each name in ``results``.

    Raises ValueError, in one line that begins with ``who``, for what cannot be noted: a branch that depends on the
    numbers, a function that is not known, another number of results, or one that does not give the same each time.
    """
    names = inputs_of(function, who)
    found = _noted_once(function, names, who, results)
    again = _noted_once(function, names, who, results)
    changed = f"{who} must give the same for the same numbers; it keeps something, or draws random numbers."
    if found != again:
        raise ValueError(changed)
    for shift in range(len(TRIALS)):
        given = {name: TRIALS[(place + shift) % len(TRIALS)] for place, name in enumerate(names)}
        try:
            plain = function(**given)
            noted = found.evaluate(given)
        except (ArithmeticError, ValueError):
            continue  # not defined there
        plain = list(plain) if isinstance(plain, tuple) else [plain]
        if any(not _near(float(one), float(other)) for one, other in zip(plain, noted, strict=True)):
            raise ValueError(changed)
    return found


def _near(one: float, other: float) -> bool:
    return one == other or abs(one - other) <= 1e-12 * (abs(one) + abs(other)) or (one != one and other != other)


def _noted_once(function: FunctionType, names: tuple[str, ...], who: str, results: Sequence[str]) -> Program:
    tape = _Tape()
    try:
        answer = _on_symbols(function, {})(**{name: _Symbol(tape, name) for name in names})
        answers = answer if isinstance(answer, tuple) else (answer,)
        if len(answers) == len(results):
            return Program(names, tuple(tape.lines), tuple(_operand(one) for one in answers))
    except UnsupportedError as error:
        raise ValueError(f"{who} {error}.") from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(".: ")
        said = f"calls a function of numpy; {MAY_CALL}" if "ufunc" in said else f"raised {said}"
        raise ValueError(f"{who} {said}.") from error
    wanted = f"{len(results)} numbers ({', '.join(results)})" if len(results) > 1 else f"one number ({results[0]})"
    raise ValueError(f"{who} must return {wanted}; got {len(answers)}.")
