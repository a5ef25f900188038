"""A step's formulas as source text for ``scheme_kernel.py``: on lanes in the loop, on single numbers where it is read.

A product that is added to, or taken from, something becomes one fused multiply-add.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from riskkit.algorithms.formulas import SHIPPED, Formulas
from riskkit.algorithms.staged import OUTPUTS
from riskkit.algorithms.tracing import Operand, Place, Program

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
COMMON = {name: f"math.{name}({{}})" for name in ("sqrt", "exp", "sin", "cos")} | {"neg": "-{}", "abs": "abs({})"}
LANES = COMMON | {"min": "smaller({}, {})", "max": "larger({}, {})", "copysign": "with_sign({}, {})"}
NUMBERS = COMMON | {"min": "min({}, {})", "max": "max({}, {})", "copysign": "math.copysign({}, {})"}


def text(formulas: Formulas) -> str:
    """What ``scheme_kernel.py`` leaves open of a step."""
    count = len(formulas.states)
    flags = f"normed = {formulas.normed}\naveraged = {formulas.averaged}\nresting = {formulas not in SHIPPED}\n"
    loads = [f"load(numbers, {place} * lanes + lane)" for place in range(len(formulas.numbers))]
    constants = _function("inlined", "constants(numbers, lane, lanes)", [f"return {_tuple(loads)}"])
    groups = [f"states[{place}][group]" for place in range(count)]
    of_group = _function("inlined", "of_group(states, group)", [f"return {_tuple(groups)}"])
    copies = [f"    store(to[{s}][place], at, load(source[{s}][group], at))" for s in range(count)]
    copied = _function(
        "inlined",
        "copy_states(source, group, to, place, first, last, width)",
        ["for at in range(first, last, width):", *copies] if copies else ["pass"],
    )
    return "\n\n".join([flags, constants, of_group, copied, _update(formulas), _answer(formulas)])


def _function(decorator: str, head: str, body: list[str]) -> str:
    return f"@{decorator}\ndef {head}:\n{textwrap.indent(chr(10).join(body), '    ')}\n"


def _tuple(items: list[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _update(formulas: Formulas) -> str:
    names = {"v": "v", "g": "g", "j": "j", "eta": "eta", "norm": "norm"}
    names |= {name: f"s{place}" for place, name in enumerate(formulas.states)}
    names |= {name: f"own[{place}]" for place, name in enumerate(formulas.numbers)}
    loads = [f"s{place} = load(states[{place}], at)" for place in range(len(formulas.states))]
    lines, (moved, *states) = on_lanes(formulas.update, names)
    stores = [f"store(states[{place}], at, {state})" for place, state in enumerate(states)]
    head = "update(at, v, g, j, eta, norm, states, own, like)"
    return _function("inlined", head, [*loads, *lines, *stores, f"return {moved}"])


def on_lanes(program: Program, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """A program's operations on vectors, and its results; ``like`` is an array of the vectors' type."""

    def vector(operand: Operand) -> str:
        return _named(operand, names) if not isinstance(operand, float) else f"spread({operand!r}, like)"

    def product(operand: Operand) -> tuple[str, str] | None:
        if not isinstance(operand, Place) or program.lines[operand.number].operation != "mul":
            return None
        a, b = program.lines[operand.number].operands
        return vector(a), vector(b)

    def said(operation: str, operands: tuple[Operand, ...]) -> str | None:
        if operation not in ("add", "sub"):
            return None
        a, b = operands
        less = "-" if operation == "sub" else ""
        if (found := product(a)) is not None:
            return f"fma({found[0]}, {found[1]}, {less}{vector(b)})"
        if (found := product(b)) is not None:
            return f"fma({less}{found[0]}, {found[1]}, {vector(a)})"
        return None

    lines = _lines(program, names, LANES, vector, said)
    return lines, [vector(operand) for operand in program.results]


def _answer(formulas: Formulas) -> str:
    """What is read where it is a formula, lane by lane."""
    names = {"v": "v", "j": "j"}
    names |= {name: f"s{place}" for place, name in enumerate(formulas.states)}
    names |= {name: f"c{place}" for place, name in enumerate(formulas.numbers)}
    body = [
        "replicate = replicate_of(group, reading.lane, order, schedule)",
        "width, lanes, lane, j = lanes_of(state.v), state.alpha.shape[1], reading.lane, reading.at",
        "base = (lane // width) * d * width + lane % width",
        *(f"c{place} = scheme.numbers[{place} * lanes + lane]" for place in range(len(formulas.numbers))),
        "for i in range(d):",
        "    at = base + i * width",
        "    v = state.v[group, at]",
        *(f"    s{place} = scheme.states[{place}][group, at]" for place in range(len(formulas.states))),
    ]
    any_formula = False
    for program, place in ((formulas.last, OUTPUTS.index("last")), (formulas.average, OUTPUTS.index("average"))):
        if program is not None:
            any_formula = True
            lines = _lines(program, names, NUMBERS, lambda operand: _named(operand, names), lambda *_: None)
            body += [f"    {line}" for line in lines]
            result = _named(program.results[0], names)
            body.append(f"    results.theta[replicate, reading.slot, {place}, i] = {result}")
    return _function(
        "fragment",
        "answer(reading, group, d, order, schedule, scheme, state, results)",
        body if any_formula else ["pass"],
    )


def _named(operand: Operand, names: Mapping[str, str]) -> str:
    if isinstance(operand, Place):
        return f"a{operand.number}"
    return names[operand] if isinstance(operand, str) else repr(operand)


def _lines(
    program: Program,
    names: Mapping[str, str],
    calls: Mapping[str, str],
    argument: Callable[[Operand], str],
    said: Callable[[str, tuple[Operand, ...]], str | None],
) -> list[str]:
    """One assignment an operation; a call's arguments are written by ``argument``, and what ``said`` knows better as
    it says."""
    found = []
    for place, (operation, operands) in enumerate(program.lines):
        own = said(operation, operands)
        if own is None and operation in SIGNS:
            own = f" {SIGNS[operation]} ".join(_named(operand, names) for operand in operands)
        elif own is None:
            own = calls[operation].format(*map(argument, operands))
        found.append(f"a{place} = {own}")
    return found
