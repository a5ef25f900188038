"""The empirical risk against the mean of the losses, the population risk against draws, and both minimisers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor

from riskkit.conformance import kinks
from riskkit.conformance.findings import EXACT, Found
from riskkit.conformance.subject import Subject
from riskkit.problem import Regime

FALSE_ALARM = 1e-6
"""Probability that a faultless problem is accused by the Monte Carlo comparison (Bonferroni over its z-scores)."""


def mean_of_losses(s: Subject) -> Found:
    """F_S is the mean of the losses, each of which is the risk at one example."""
    faults, worst = [], 0.0
    for n in s.sizes:
        data = s.data(n, 8)
        theta = s.admissible[s.choose(len(s.admissible), 8)].expand(8, 8, -1)
        losses = torch.stack([s.problem.empirical_risk(theta, data[:, i : i + 1]) for i in range(n)])
        # Terms may cancel in the mean: compare with their size.
        gap = (s.problem.empirical_risk(theta, data) - losses.mean(0)).abs().max()
        apart = float(gap / losses.abs().max().clamp(min=1e-300))
        worst = max(worst, apart)
        if not apart <= EXACT:
            faults.append(f"empirical_risk differs from the mean of the {n} losses by {apart:.1e} of their size.")
    return Found(faults, f"to {worst:.1e}")


def _kkt(theta: Tensor, gradient: Tensor, radius: float | None) -> Tensor:
    """Norm of the gradient, less what the ball's normal cone absorbs: (..., d) -> (...)."""
    if radius is None:
        return gradient.norm(dim=-1)
    norm = theta.norm(dim=-1)
    multiplier = (-(gradient * theta).sum(-1) / norm.clamp(min=1e-300).square()).clamp(min=0)
    multiplier = torch.where(norm >= radius * (1 - EXACT), multiplier, 0)
    return (gradient + multiplier[..., None] * theta).norm(dim=-1)


def _descend(
    s: Subject, theta: Tensor, risk: Callable[[Tensor], Tensor], field: Callable[[Tensor], Tensor], rounds: int = 150
) -> tuple[Tensor, Tensor]:
    """Projected gradient descent with a step size of its own for each (r, c): the points and values reached."""
    value, gradient = risk(theta), field(theta)
    eta = torch.full_like(value, 1.0)
    for _ in range(rounds):
        trial = s.project(theta - eta[..., None] * gradient)
        reached = risk(trial)
        better = reached < value
        theta, value = torch.where(better[..., None], trial, theta), torch.where(better, reached, value)
        eta = torch.where(better, eta * 1.6, eta / 3)
        gradient = field(theta)
    return theta, value


def empirical_minimiser(s: Subject) -> Found:
    """Feasible, first-order conditions, no lower value from elsewhere, and the minimiser nearest theta_0."""
    faults, p, worst = [], s.problem, 0.0
    for n in s.sizes:
        data = s.data(n, 8)
        minimiser = p.empirical_minimiser(data)[:, None]
        norm = float(minimiser.norm(dim=-1).max())
        if s.radius is not None and norm > s.radius * (1 + EXACT):
            faults.append(f"empirical_minimiser (n = {n}) has norm {norm:g}, outside the ball of radius {s.radius:g}.")
            continue
        each = torch.stack([p.gradient(minimiser, data[:, i : i + 1]) for i in range(n)])
        elsewhere = p.gradient(s.admissible[:64].expand(8, 64, -1)[:, : len(s.admissible)], data[:, :1]).norm(dim=-1)
        scale = torch.maximum(each.norm(dim=-1).mean(0), 1e-3 * elsewhere.max())
        residual = _kkt(minimiser, each.mean(0), s.radius) / scale
        if not kinks.smooth(s):
            # A mean of subgradients that was picked at kinks need not be the one that vanishes.
            residual = torch.tensor(max(0.0, kinks.descends(s, minimiser, data) - 1e-6))
        worst = max(worst, float(residual.max()))
        if not bool((residual <= EXACT).all()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not stationary: the first-order condition fails by "
                f"{float(residual.max()):.1e} of the gradients' size, expected below {EXACT:g}."
            )
        least = p.empirical_risk(minimiser, data)
        begin = torch.cat([s.start[None], s.best[None], s.admissible[s.choose(len(s.admissible), 24)]]).expand(
            8, 26, -1
        )
        begin = torch.cat([begin, s.nearby(minimiser.expand(8, 6, -1), 1e-3)], dim=1)
        risk, field = functools.partial(p.empirical_risk, data=data), functools.partial(s.full_gradient, data=data)
        reached, values = _descend(s, begin, risk, field)
        size = torch.maximum(p.empirical_risk(begin, data).abs().amax(1, keepdim=True), least.abs())
        lower = (least - values) / size.clamp(min=1e-300)  # a sample of which no example tells anything has F_S = 0
        if not bool((lower <= EXACT).all()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not a global minimiser: a descent from elsewhere reached a risk "
                f"lower by {float((least - values).max()):.3g}."
            )
        nearer = (s.start - minimiser).norm(dim=-1) - (s.start - reached).norm(dim=-1)
        as_good = (values - least).abs() <= 1e-14 * size
        distinct = nearer > 1e-4 * (s.start - minimiser).norm(dim=-1) + 1e-6
        if p.regime is not Regime.NONCONVEX and bool((as_good & distinct).any()):
            faults.append(
                f"empirical_minimiser (n = {n}) is not the minimiser nearest theta_0: another is nearer by "
                f"{float(nearer[as_good & distinct].max()):.3g}."
            )
    return Found(faults, f"n in {s.sizes}, first-order residual {worst:.1e} of scale")


def population_risk(s: Subject) -> Found:
    """F against the mean of the losses of draws, at several parameters and in differences between them."""
    n = max(s.sizes)
    block = max(1, min(1024, 2**20 // (n * 16)))
    blocks = max(2, math.ceil(s.draws / (n * block)))
    theta = torch.cat([s.start[None], s.best[None], s.admissible[s.choose(len(s.admissible), 10)]])
    means = torch.cat(
        [
            s.problem.empirical_risk(theta.expand(block, -1, -1), s.data(n, block, first=1000 + b * block))
            for b in range(blocks)
        ]
    )
    error = means - s.problem.population_risk(theta)
    error = torch.cat([error, error[:, 1:] - error[:, :1]], dim=1)
    R, count = error.shape
    size = means.abs().mean().clamp(min=1e-300)
    spread = error.std(0) / math.sqrt(R)
    score = error.mean(0) / torch.maximum(spread, EXACT * size)
    normal = float(-torch.special.ndtri(torch.tensor(FALSE_ALARM / 2 / count, dtype=torch.float64)))
    limit = normal + (normal**3 + normal) / (4 * (R - 1))  # Student's quantile, Cornish-Fisher
    worst = int(score.abs().argmax())
    note = f"largest |z| {float(score.abs().max()):.1f} of {limit:.1f} allowed, {R * n} draws"
    if bool(score.abs().max() <= limit):
        return Found([], note)
    point = theta[worst if worst < len(theta) else worst - len(theta) + 1]
    shown = ", ".join(f"{value:.3g}" for value in point[:4].tolist()) + (", ..." if len(point) > 4 else "")
    what = "" if worst < len(theta) else " less its value at theta_0"
    fault = (
        f"population_risk at ({shown}){what} is off by {float(-error.mean(0)[worst]):.3g}: z = "
        f"{float(-score[worst]):.1f} against {R * n} draws (false-alarm rate {FALSE_ALARM:g})."
    )
    return Found([fault], note)


def population_minimiser(s: Subject) -> Found:
    """No parameter tried, far or near, has a lower population risk."""
    p = s.problem
    least = p.population_risk(s.best)
    solved = p.empirical_minimiser(s.data(max(s.sizes), 32))
    tried = [s.admissible, solved, s.start[None]]
    for exponent in range(1, 7):
        direction = torch.nn.functional.normalize(s.normal(64, p.dim), dim=-1)
        near = s.best + 10.0**-exponent * max(1.0, float(s.best.abs().max())) * direction
        tried.append(s.project(near))
    values = p.population_risk(torch.cat(tried))
    size = torch.maximum(least.abs(), values.abs().max())
    lower = float(least - values.min())
    fault = f"population_minimiser is not one: a parameter was found whose population risk is lower by {lower:.3g}."
    return Found([fault] if not lower <= 1e-12 * float(size) else [], f"{len(values)} parameters tried")
