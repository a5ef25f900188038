"""What a check finds: sentences that each name a fault, and the report that collects them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

EXACT = 1e-9
"""Relative disagreement allowed between two ways to compute the same number in float64."""


class Finding(NamedTuple):
    """What one check found: sentences that each name a fault, and what was measured."""

    title: str
    faults: tuple[str, ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """What ``check`` found of a ``problem``; prints one line a check.

    ``faults`` is empty if the problem passes, and ``findings`` has each check with its title, note and faults.
    """

    problem: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[str]:
        return [fault for finding in self.findings for fault in finding.faults]

    def __str__(self) -> str:
        lines = [f"{self.problem}: {len(self.faults)} fault(s)" if self.faults else f"{self.problem}: conforms"]
        for finding in self.findings:
            mark = "FAULT" if finding.faults else "ok"
            lines.append(f"  {mark:5}  {finding.title}" + (f": {finding.note}" if finding.note else ""))
            lines.extend(f"         {fault}" for fault in finding.faults)
        return "\n".join(lines)


class Found(NamedTuple):
    faults: Sequence[str]
    note: str = ""


def guarded(title: str, run: Callable[[], Found]) -> Finding:
    """An exception inside a problem's method is a fault of the problem, to be named like the others."""
    try:
        with torch.random.fork_rng(devices=[]):
            faults, note = run()
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        return Finding(title, (f"{title}: raised {type(error).__name__}: {said}",))
    return Finding(title, tuple(faults), note)


def disagreement(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the larger of the two sides' sizes; inf where one of them is not finite."""
    if not (bool(a.isfinite().all()) and bool(b.isfinite().all())):
        return math.inf
    return (
        float((a - b).abs().max() / torch.maximum(a.abs().max(), b.abs().max()).clamp(min=1e-300)) if a.numel() else 0
    )
