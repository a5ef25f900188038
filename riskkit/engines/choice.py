"""Which engine runs what: ``auto`` takes the fastest that covers the problem, and says why."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import Algorithm
from riskkit.engines.numba import engine as fused_cpu
from riskkit.engines.triton import engine as fused_gpu
from riskkit.problem import Problem

Asked = Literal["auto", "reference", "fused", "moments"]
ASKED: tuple[Asked, ...] = get_args(Asked)


class Choice(NamedTuple):
    """An engine, ``reference``, ``fused_cpu`` or ``fused_gpu``, and the reason for it."""

    engine: str
    reason: str


def choose(problem: Problem, algorithm: Algorithm | Method, device: str, asked: str) -> Choice:
    """The engine that simulates a run; it depends on nothing else, so that a run's bits do not depend on its company.

    Raises ValueError if ``asked`` is no engine, or ``fused`` where no fused engine covers the run, or ``moments``.
    """
    if asked not in ASKED:
        raise ValueError(f"engine must be one of {', '.join(ASKED)}; got {asked!r}.")
    if asked == "moments":
        raise ValueError("engine moments simulates nothing; take riskkit.measure.expectations, or another engine.")
    if problem.radius is not None and traits.overshoots(algorithm):
        raise ValueError(f"{algorithm.name}: alpha > 1 would leave Theta, a ball, on {problem.name}; take alpha <= 1.")
    if asked == "reference":
        return Choice("reference", "asked for")
    fused = "fused_cpu" if device == "cpu" else "fused_gpu"
    obstacle: str | None
    if not traits.has_scheme(algorithm):
        obstacle = f"{algorithm.name} is no staged lookahead, and has no scheme"
    else:
        obstacle = fused_cpu.refusal(problem) if device == "cpu" else fused_gpu.refusal(problem)
    if obstacle is None:
        return Choice(fused, f"the problem has a formula, and the device is {device}")
    if asked == "fused":
        raise ValueError(f"engine fused: {obstacle}; use auto or reference.")
    return Choice("reference", obstacle)
