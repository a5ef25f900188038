"""A step's formulas as source text for the loop of schemes in ``kernel.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from riskkit.algorithms.formulas import Formulas
from riskkit.algorithms.tracing import Operand, Place, Program

CALLS = {name: f"tl.{name}({{}})" for name in ("sqrt", "exp", "sin", "cos", "abs")} | {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "neg": "-{}",
    "min": "tl.minimum({}, {}, propagate_nan=tl.PropagateNan.ALL)",
    "max": "tl.maximum({}, {}, propagate_nan=tl.PropagateNan.ALL)",
    "copysign": "tl.where(({1} < 0) | (({1} == 0) & (1.0 / {1} < 0)), -tl.abs({0}), tl.abs({0}))",
}


def inserted(kernel: str, formulas: Formulas) -> str:
    """The text of ``kernel.py`` with these formulas between its marks."""
    states, numbers = range(len(formulas.states)), range(len(formulas.numbers))
    names = {"v": "V", "g": "g", "j": "number", "eta": "step", "norm": "norm"}
    names |= {name: f"s{place}" for place, name in enumerate(formulas.states)}
    names |= {name: f"c{place}" for place, name in enumerate(formulas.numbers)}
    lines, (moved, *others) = _blocks(formulas.update, names)
    parts = {
        "load": [
            *(f"s{s} = tl.load(states + {s} * size + at, mask=inside, other=0.0)" for s in states),
            *(f"c{p} = tl.load(own + {p} * C + c, mask=moving, other=0.0)[:, None]" for p in numbers),
        ],
        "step": [
            *(["norm = tl.sqrt(tl.sum(g * g, 1))[:, None]"] if formulas.normed else []),
            *lines,
            # A state may come from what another was before.
            *(f"n{s} = {other}" for s, other in enumerate(others)),
            f"V = tl.where(inside & (step > float('-inf')), {moved}, V)",
            *(f"s{s} = tl.where(inside, n{s}, s{s})" for s in states),
        ],
        "store": [f"tl.store(states + {s} * size + at, s{s}, mask=inside)" for s in states],
    }
    for name, body in parts.items():
        kernel = re.sub(
            rf"^( *)# begin {name}$.*?^ *# end {name}$",
            lambda found, body=body: "\n".join(f"{found[1]}{line}" for line in body),  # type: ignore[misc]
            kernel,
            count=1,
            flags=re.MULTILINE | re.DOTALL,
        )
    return kernel


def _blocks(program: Program, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """A program's operations on blocks (C_BLOCK, D_BLOCK), and its results."""

    def block(operand: Operand) -> str:
        if isinstance(operand, Place):
            return f"a{operand.number}"
        # A number by itself would be one of single precision.
        return names[operand] if isinstance(operand, str) else f"tl.full((1, 1), {operand!r}, V.dtype)"

    lines = [
        f"a{place} = {CALLS[operation].format(*map(block, operands))}"
        for place, (operation, operands) in enumerate(program.lines)
    ]
    return lines, [block(operand) for operand in program.results]
