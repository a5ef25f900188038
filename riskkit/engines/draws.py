"""Numbers that a problem declares of its distribution, held against draws from it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from riskkit.problem import Problem
from riskkit.rng.streams import Stream

DRAWS = 4096

FALSE_ALARM = 1e-9
"""Probability, at most, with which ``outside`` accuses a true mean of values whose range is as stated; without a range
the same of a normal law."""


def drawn(problem: Problem, draws: int = DRAWS) -> Tensor:
    """So many independent examples, (draws, w), float64."""
    n = int(min(64, getattr(problem, "largest_n", math.inf)))
    data = problem.sample(Stream(0, range(-(-draws // n))), n)
    return data.double().flatten(0, 1)[:draws]


def outside(values: Tensor, said: Tensor | float, reach: float) -> bool:
    """Whether a mean that is declared cannot be that of independent ``values`` (N,) or (N, q), which lie in an interval
    of length ``reach``; inf where none is known.

    Empirical Bernstein (Maurer and Pontil 2009, Theorem 4), for either sign and each of the q columns: the mean lies
    within sqrt(2 V log(2/p)/N) + 7 reach log(2/p)/(3 (N - 1)) with probability 1 - p, V being the sample variance.
    """
    N = len(values)
    columns = values.reshape(N, -1)
    said = torch.as_tensor(said, dtype=torch.float64).expand(columns.shape[1])
    log = math.log(4 * columns.shape[1] / FALSE_ALARM)
    allowed = (2 * columns.var(0) * log / N).sqrt()
    if math.isfinite(reach):
        allowed = allowed + 7 * reach * log / (3 * (N - 1))
    rounding = 1e-9 * torch.maximum(columns.abs().amax(0), said.abs())
    return bool(((columns.mean(0) - said).abs() > allowed + rounding).any())
