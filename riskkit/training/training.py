"""Training of many networks at once: recipes on a block of samples, read at checkpoints.

A replicate is a sample S, initial weights theta_0 and an order of minibatches, all from addressed streams. Every recipe
of a replicate sees the same three. The networks of C recipes and R replicates lie in the rows of one tensor (C R, P);
the gradient of all of them is one call of ``torch.func.vmap``, the update one step of one torch optimizer with a group
a recipe. Steps are taken in float32, risks evaluated in float64. The number of networks in a call is C R, which a
caller keeps fixed where bits matter: a matrix product's bits may change with its shape.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.data import Population
from riskkit.engines import reference
from riskkit.optim import Lookahead
from riskkit.rng.streams import Stream
from riskkit.training.network import Stack, stack
from riskkit.training.recipe import Recipe, optimizer_of
from riskkit.training.risks import Ground, Risks, ground, risks

LOOK = 50
"""Steps between two looks for parameters that are no longer finite."""

QUANTITIES = (
    "optimization",
    "generalization",
    "excess",
    "error",
    "sample_error",
    "test_error",
    "best_test_error",
    "error_at_best",
    "optimism",
    "fast_excess",
    "fast_error",
)


class Trained(NamedTuple):
    """One recipe on R replicates, read after K numbers of steps; O = 2 outputs, last and average.

    Attributes:
        values: quantity -> float64 (R, K, O):
            optimization F_S - L_S, generalization F - F_S, excess: their sum, with L_S the lower end of inf F_S
            (``riskkit.training.risks``); error: the exact error rate on D; sample_error: on S; test_error: on the test
            sample (0 without one); best_test_error: the smallest test_error at the looks and checkpoints so far, and
            error_at_best: the exact error rate there; optimism: how far best_test_error lies below it,
            less what test_error lies below error at this checkpoint, which is 0 on average; fast_excess, fast_error:
            of a wrapper's fast weights, of which ``last`` has the slow ones.
        minimum_width: (R,): inf F_S lies between L_S and L_S + minimum_width; 0 where a certificate was found.
        diverged_at: int64 (R,): gradients after which parameters were seen to be no longer finite, -1 if they were not.
        theta: float32 (R, K, O, P).
    """

    values: dict[str, np.ndarray]
    minimum_width: np.ndarray
    diverged_at: np.ndarray
    theta: np.ndarray


def train(
    population: Population,
    network: Any,
    n: int,
    recipes: Sequence[Recipe],
    checkpoints: Sequence[int],
    stream: Stream,
    *,
    test: int = 0,
    looks: Sequence[int] = (),
    quantities: Sequence[str] = QUANTITIES,
) -> list[Trained]:
    """Recipes of one kind, which differ in lr, weight_decay, alpha, beta and anchor_every, on the stream's replicates.

    Args:
        n: sample size.
        checkpoints: numbers of steps, ascending, at most ``recipe.steps``.
        test: size of a test sample of D, for what is commonly reported; 0 for none.
        looks: further numbers of steps at which the test sample is looked at, for best_test_error.
        quantities: those that are wanted; without any of the fast weights and averages, these are not evaluated.

    Raises ValueError as ``checked`` does.
    """
    made = checked(population, network, n, test)
    with reference.one_thread():
        drawn = population.draw(stream, n)
        apart = Stream(stream.seed, stream.replicates, stream.dtype, stream.device, f"test {stream.family}")
        fresh = (part[:, :test] for part in population.draw(apart, max(test, 1)))
        known = ground(population, *drawn, *fresh)
        steps = sorted({*checkpoints, *looks})
        whole = any(name.startswith("fast") for name in quantities)
        averaged = whole or recipes[0].returns == "average"
        paths = _Paths(made, known, recipes, stream, averaged=averaged)
        return [
            _read(made, known, recipe, path, steps, set(checkpoints), whole=whole)
            for recipe, path in zip(recipes, paths.at(steps), strict=True)
        ]


def checked(population: Population, network: Any, n: int, test: int = 0) -> Stack:
    """The stack of a network for a population, once everything fits; ValueError, in one line, where something does not.

    n must be at least 2 and at most the N rows of the population; ``test``: the size of a test sample.
    """
    if not isinstance(population, Population):
        raise ValueError(f"train: population must be a riskkit.data.Population; got {type(population).__name__}.")
    if not population.classes:
        raise ValueError(f"train: {population.name} is a regression; networks are trained on classes.")
    for name, value, least in (("n", n, 2), ("test", test, 0)):
        if isinstance(value, bool) or value != int(value) or value < least:
            raise ValueError(f"train: {name} must be a whole number >= {least}; got {value!r}.")
    if n > len(population):
        raise ValueError(
            f"train: n = {n:g} asks for more draws than {population.name} has rows ({len(population)}); take a "
            "smaller n."
        )
    return stack(network, population.features.shape[1], population.classes)


class _Path(NamedTuple):
    """The weights of one recipe: (R, P) at each checkpoint."""

    last: list[Tensor]
    average: list[Tensor]
    fast: list[Tensor]
    diverged_at: Tensor


class _Paths:
    """Recipes on their way; unless ``averaged``, the averages of their iterates are nan."""

    def __init__(
        self, made: Stack, known: Ground, recipes: Sequence[Recipe], stream: Stream, *, averaged: bool
    ) -> None:
        self.made, self.recipes, self.stream, self.averaged = made, recipes, stream, averaged
        head, R, n = recipes[0], len(stream.replicates), known.rows.shape[1]
        self.features = known.features.float()[known.rows]  # (R, n, p)
        self.targets = known.targets
        start = made.start(stream)
        self.flat = start.repeat(len(recipes), 1)
        self.sum = torch.full_like(self.flat, 0.0 if averaged else math.nan, dtype=torch.float64)
        self.gradient = torch.zeros_like(self.flat)
        self.own = [self.flat[c * R : (c + 1) * R] for c in range(len(recipes))]
        for c, tensor in enumerate(self.own):
            tensor.grad = self.gradient[c * R : (c + 1) * R]
        self.optimizer = optimizer_of(recipes, self.own)
        drawn = head.steps * head.batch
        order = stream.shuffled(n, 0, drawn) if head.drawing == "without replacement" else stream.indices(n, 0, drawn)
        self.order = order.reshape(R, head.steps, head.batch)

    def at(self, checkpoints: Sequence[int]) -> list[_Path]:
        head, R, C = self.recipes[0], len(self.stream.replicates), len(self.recipes)
        found = [_Path([], [], [], torch.full((R,), -1, dtype=torch.int64)) for _ in self.recipes]
        ends, wanted = set(head.stage_ends), set(checkpoints)
        replicate = torch.arange(R, device=self.flat.device).repeat(C)[:, None]
        for j in range(max(checkpoints)):
            if self.averaged:
                self.sum += self.flat
            drawn = self.order[:, j].repeat(C, 1)
            x, y = self.features[replicate, drawn], self.targets[replicate, drawn]
            self.made.gradient(self.flat, x, y, self.gradient)
            self.optimizer.step()
            step = j + 1
            if step % LOOK == 0 or step in wanted:
                self._look(found, step * head.batch)
            if step in wanted:
                self._read(found, step)
            if step in ends and step < head.steps:
                if isinstance(self.optimizer, Lookahead):
                    self.optimizer.next_stage()
                for group in self.optimizer.param_groups:
                    group["lr"] *= head.factor
        return found

    def _look(self, found: list[_Path], gradients: int) -> None:
        for path, own in zip(found, self.own, strict=True):
            gone = ~own.isfinite().all(1).cpu() & (path.diverged_at < 0)
            path.diverged_at[gone] = gradients

    def _read(self, found: list[_Path], step: int) -> None:
        R = len(self.stream.replicates)
        average = (self.sum / step).float()
        slow = self.optimizer.slow_weights() if isinstance(self.optimizer, Lookahead) else contextlib.nullcontext()
        for path, own in zip(found, self.own, strict=True):
            path.fast.append(own.clone())
        with slow:
            for c, (path, own) in enumerate(zip(found, self.own, strict=True)):
                path.average.append(average[c * R : (c + 1) * R])
                path.last.append(own.clone())


def _read(
    made: Stack, known: Ground, recipe: Recipe, path: _Path, steps: Sequence[int], wanted: set[int], *, whole: bool
) -> Trained:
    """What is measured of one recipe after the wanted ones of the steps of its path; without ``whole`` the other output
    and the fast weights are nan."""
    lasts = path.average if recipe.returns == "average" else path.last
    values: dict[str, list[Tensor]] = {name: [] for name in QUANTITIES}
    best = torch.full_like(known.entropy, math.inf)
    certified = torch.zeros_like(known.entropy, dtype=torch.bool)
    smallest, there = torch.full_like(known.entropy, math.inf), torch.full_like(known.entropy, math.nan)
    for step, last, average, fast in zip(steps, lasts, path.average, path.fast, strict=True):
        own = risks(made, last, known)
        better = own.test_error < smallest
        smallest, there = torch.where(better, own.test_error, smallest), torch.where(better, own.error, there)
        if step not in wanted:
            continue
        nothing = Risks(*(torch.full_like(part.double(), math.nan) for part in own))
        other = own if recipe.returns == "average" else risks(made, average, known) if whole else nothing
        quick = own if torch.equal(fast, last) else risks(made, fast, known) if whole else nothing
        for one in (own, other) if whole else (own,):
            best = torch.fmin(best, one.empirical)
            certified |= one.separates
        optimization = [one.empirical - known.entropy for one in (own, other)]
        generalization = [one.population - one.empirical for one in (own, other)]
        now = {
            "optimization": optimization,
            "generalization": generalization,
            "excess": [a + b for a, b in zip(optimization, generalization, strict=True)],
            "error": [own.error, other.error],
            "sample_error": [own.sample_error, other.sample_error],
            "test_error": [own.test_error, other.test_error],
            "best_test_error": [smallest] * 2,
            "error_at_best": [there] * 2,
            "optimism": [there - smallest - (own.error - own.test_error)] * 2,
            "fast_excess": [quick.population - known.entropy] * 2,
            "fast_error": [quick.error] * 2,
        }
        for name, pair in now.items():
            values[name].append(torch.stack(pair, dim=-1))
    width = (best - known.entropy).clamp_min(0)
    if made.head:
        width = width.masked_fill(certified & (known.entropy == 0), 0.0)
    kept = [pair for step, *pair in zip(steps, lasts, path.average, strict=True) if step in wanted]
    theta = torch.stack([torch.stack(pair, 1) for pair in kept], dim=1)
    return Trained(
        values={name: torch.stack(parts, dim=1).cpu().numpy() for name, parts in values.items()},
        minimum_width=width.cpu().numpy(),
        diverged_at=path.diverged_at.numpy(),
        theta=theta.cpu().numpy(),
    )
