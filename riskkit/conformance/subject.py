"""The problem under attack, with the data, the admissible parameters and the searches that the checks share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from riskkit.problem import Problem
from riskkit.rng.streams import Stream

CHORD = 1e-5
"""Length, relative to the parameters' size, of the chords of the gradient that stand for second derivatives."""

ADMISSIBLE = 256
"""Parameters at which constants are first tried."""


LARGE = 100
"""Dimension up to which samples near it and above are tried by default."""


class Subject:
    """A problem with the data, the parameters and the random numbers the checks share. Float64 unless said."""

    def __init__(
        self, problem: Problem, sizes: Sequence[int] | None, step: float | None, draws: int, seed: int
    ) -> None:
        d = problem.dim
        self.problem, self.draws, self.seed = problem, draws, seed
        most = getattr(problem, "largest_n", math.inf)
        near = min(d, LARGE)  # a minimizer of n rows in d dimensions costs n d^2
        usual = {min(n, most) for n in (2, max(2, near // 2), near + 2, 4 * near + 8 if d <= LARGE else 2)}
        self.sizes = sorted(int(n) for n in (usual if sizes is None else set(sizes)))
        self.constants, self.radius = problem.constants, problem.radius
        self.start = torch.as_tensor(problem.start, dtype=torch.float64)
        self.best = torch.as_tensor(problem.population_minimiser(), dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(seed)
        L = self.constants.L
        default = getattr(problem, "largest_step", 1 / L if 0 < L < math.inf else 0.01)
        self.step = float(default if step is None else step)

    def data(self, n: int, replicates: int, first: int = 0) -> Tensor:
        return self.problem.sample(Stream(self.seed, range(first, first + replicates)), n)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def choose(self, among: int, *shape: int) -> Tensor:
        return torch.randint(among, shape, generator=self.generator)

    def project(self, theta: Tensor) -> Tensor:
        if self.radius is None:
            return theta
        return theta * (self.radius / theta.norm(dim=-1, keepdim=True).clamp(min=1e-300)).clamp(max=1)

    @functools.cached_property
    def admissible(self) -> Tensor:
        """(P, d) points of Theta, or points that the iterates can reach."""
        known = torch.stack([self.start, self.best])
        if self.radius is None:
            reached = self._walks()
            mixed = reached[self.choose(len(reached), ADMISSIBLE // 4)]
            weight = torch.rand(len(mixed), 1, generator=self.generator, dtype=torch.float64)
            mixed = weight * mixed + (1 - weight) * reached[self.choose(len(reached), len(mixed))]
            far = reached[(reached - self.start).norm(dim=-1).argsort(descending=True)[: ADMISSIBLE // 4]]
            return torch.cat([known[:1], far, mixed, reached[self.choose(len(reached), ADMISSIBLE // 2)]])
        direction = torch.nn.functional.normalize(self.normal(ADMISSIBLE, self.problem.dim), dim=-1)
        size = torch.rand(ADMISSIBLE, 1, generator=self.generator, dtype=torch.float64) ** (1 / self.problem.dim)
        size[: ADMISSIBLE // 2] = 1
        return torch.cat([known, self.radius * size * direction])

    def _walks(self) -> Tensor:
        """Points that stochastic gradient steps and averaging reach from theta_0; some walkers choose, out of 8 random
        examples, the one with the largest gradient or the one that leads farthest away."""
        walkers, choices, length = 64, 8, 60
        pool = self.data(max(self.sizes), walkers)
        who = torch.arange(walkers)
        v = self.start.repeat(walkers, 1)
        seen = [v]
        for _ in range(length):
            z = pool[who[:, None], self.choose(pool.shape[1], walkers, choices)].flatten(0, 1)[:, None]
            at = v.repeat_interleave(choices, 0)[:, None]
            g = self.problem.gradient(at, z)[:, 0].reshape(walkers, choices, -1)
            eta = self.step * torch.rand(walkers, 1, 1, generator=self.generator, dtype=torch.float64).sqrt()
            eta[::2] = self.step
            moved = v[:, None] - eta * g
            liking = torch.where(who[:, None] % 4 == 1, g.norm(dim=-1), (moved - self.start).norm(dim=-1))
            liking = torch.where(who[:, None] % 4 >= 2, liking, 0) + 1e-9 * self.normal(walkers, choices)
            v = moved[who, liking.argmax(1)]
            averaging = who % 8 == 7
            v = torch.where(averaging[:, None], (v + seen[-1]) / 2, v)
            seen.append(v)
        points = torch.cat(seen)
        if not bool(points.isfinite().all()):
            raise ArithmeticError(f"steps of {self.step:g} from theta_0 diverge; give check() a smaller step.")
        return points

    def nearby(self, theta: Tensor, size: float) -> Tensor:
        """Admissible points near theta (..., d)."""
        if self.radius is not None:
            return self.project(theta + size * self.radius * self.normal(*theta.shape) / math.sqrt(theta.shape[-1]))
        others = self.admissible[self.choose(len(self.admissible), *theta.shape[:-1])]
        return theta + size * torch.rand(*theta.shape[:-1], 1, generator=self.generator, dtype=torch.float64) * (
            others - theta
        )

    def chord(self, theta: Tensor, direction: Tensor, field: Callable[[Tensor], Tensor]) -> Tensor:
        """The derivative of ``field`` (a gradient) at theta along ``direction``, by a chord: all (R, C, d)."""
        norm = direction.norm(dim=-1, keepdim=True).clamp(min=1e-300)
        half = CHORD * (self.radius or max(1.0, float(self.admissible.abs().max()))) * direction / norm
        return (field(theta + half) - field(theta - half)) / (2 * half.norm(dim=-1, keepdim=True)) * norm

    def hessian(self, theta: Tensor, field: Callable[[Tensor], Tensor]) -> Tensor:
        """(R, C, d, d), symmetrised."""
        d = theta.shape[-1]
        columns = [self.chord(theta, torch.eye(d, dtype=theta.dtype)[i].expand_as(theta), field) for i in range(d)]
        H = torch.stack(columns, dim=-1)
        return (H + H.mT) / 2

    def full_gradient(self, theta: Tensor, data: Tensor) -> Tensor:
        """grad F_S: theta (R, C, d), data (R, n, w) -> (R, C, d). By automatic differentiation of the empirical risk,
        with which the gradient was compared, where it has any; else the mean over the examples, n times as long."""
        variable = theta.detach().requires_grad_(True)
        risk = self.problem.empirical_risk(variable, data)
        if risk.requires_grad:
            (derived,) = torch.autograd.grad(risk.sum(), variable)
            return derived
        (R, C, d), n = theta.shape, data.shape[1]
        total = torch.zeros_like(theta)
        together = max(1, min(n, 2**16 // (R * C * d)))
        for first in range(0, n, together):
            z = data[:, first : first + together]
            at = theta.repeat_interleave(z.shape[1], 0)
            total += self.problem.gradient(at, z.flatten(0, 1)[:, None]).reshape(R, z.shape[1], C, d).sum(1)
        return total / n

    def climb(
        self,
        value: Callable[[Tensor], Tensor],
        direction: Callable[[Tensor], Tensor],
        theta: Tensor,
        rounds: int = 40,
    ) -> tuple[Tensor, Tensor]:
        """Admissible theta (R, C, d) improved until ``value`` (R, C) is locally large: along ``direction`` within a
        ball, at random within the hull of what is reachable. Answers theta and its value."""
        best = value(theta)
        for i in range(rounds):
            size = 0.5 * 0.75**i
            trials = [self.nearby(theta, size)]
            if self.radius is not None:
                ahead = torch.nn.functional.normalize(direction(theta), dim=-1)
                trials += [self.project(theta + 4 * size * self.radius * ahead)]
            for trial in trials:
                reached = value(trial)
                better = reached > best
                theta, best = torch.where(better[..., None], trial, theta), torch.where(better, reached, best)
        return theta, best
