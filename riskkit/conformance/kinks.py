"""Losses with kinks: subgradients, stationarity and curvature without second derivatives.

At a kink a gradient is any element of the subdifferential. Where l is convex, g is one at theta exactly if every
one-sided derivative l'(theta; u) is at least <g, u>; theta minimises F_S only if every F_S'(theta; u) into Theta is at
least 0. Both are looked at along many directions, by differences of the risk itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from riskkit.conformance.findings import Found
from riskkit.conformance.subject import Subject

DIRECTIONS = 48
"""Directions along which one-sided derivatives are looked at, beside those that matter most."""


def smooth(s: Subject) -> bool:
    """Whether the problem claims gradients that do not jump."""
    return math.isfinite(s.constants.L)


def is_subgradient(s: Subject, theta: Tensor, z: Tensor, given: Tensor, derived: Tensor) -> Tensor:
    """(R, C) whether ``given`` is a subgradient at theta (R, C, d) as far as directions tell; ``derived``: another."""
    d = theta.shape[-1]
    scale = torch.maximum(given.norm(dim=-1), derived.norm(dim=-1)).clamp(min=1e-12)
    toward = given - derived
    directions = [toward, -toward, *s.normal(DIRECTIONS, d)]
    h = 1e-6 * max(1.0, float(theta.abs().max()))
    here = s.problem.empirical_risk(theta, z)
    fine = torch.ones_like(here, dtype=torch.bool)
    noise = 1e-14 * here.abs().clamp(min=1e-2) / h
    for u in directions:
        unit = torch.nn.functional.normalize(u.expand_as(theta), dim=-1)
        rise = (s.problem.empirical_risk(theta + h * unit, z) - here) / h
        fine &= rise >= (given * unit).sum(-1) - 1e-4 * scale - noise
    return fine


def descends(s: Subject, minimiser: Tensor, data: Tensor) -> float:
    """How far, relative to the gradients' size, F_S falls in the steepest direction from (R, 1, d) that was found."""
    p = s.problem
    here = p.empirical_risk(minimiser, data)
    g = s.full_gradient(minimiser, data)
    size = max(1.0, float(minimiser.abs().max()))
    slopes = g.norm(dim=-1).clamp(min=1e-3)
    axes = torch.eye(minimiser.shape[-1], dtype=torch.float64)
    worst = 0.0
    for h in (1e-3, 1e-5, 1e-7):
        for u in (-g, *axes, *-axes, *s.normal(DIRECTIONS, minimiser.shape[-1])):
            unit = torch.nn.functional.normalize(u.expand_as(minimiser), dim=-1)
            there = p.empirical_risk(s.project(minimiser + h * size * unit), data)
            fall = (here - there) / (h * size) / slopes
            noise = 1e-14 * here.abs() / (h * size) / slopes
            worst = max(worst, float((fall - noise).max()))
    return worst


def segments(s: Subject, examples: int = 256) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of admissible points and an example each: two (P, 1, d), and (P, 1, w)."""
    n = max(s.sizes)
    z = s.data(n, math.ceil(examples / n), first=600).flatten(0, 1)[:examples]
    a = s.admissible[s.choose(len(s.admissible), len(z))]
    b = s.admissible[s.choose(len(s.admissible), len(z))]
    return a[:, None], b[:, None], z[:, None]


def jump(s: Subject) -> float:
    """The largest difference quotient of the gradient of l that bisection finds on segments: at a jump it has no bound.

    Of the two halves of a segment the one with the larger quotient is kept, which is never below that of the whole."""
    a, b, z = segments(s)
    steepest = 0.0
    whole = float((b - a).norm(dim=-1).max())
    at_a, at_b = s.problem.gradient(a, z), s.problem.gradient(b, z)
    noise = 1e-14 * max(float(at_a.norm(dim=-1).max()), 1e-300)
    for _ in range(40):
        length = (b - a).norm(dim=-1)
        quotient = ((at_b - at_a).norm(dim=-1) - noise).clamp(min=0) / length.clamp(min=1e-300)
        sound = length > 1e-9 * max(1.0, whole)
        if not bool(sound.any()):
            break
        steepest = max(steepest, float(quotient[sound].max()))
        middle = (a + b) / 2
        at_m = s.problem.gradient(middle, z)
        left = ((at_m - at_a).norm(dim=-1) >= (at_b - at_m).norm(dim=-1))[..., None]
        a, at_a = torch.where(left, a, middle), torch.where(left, at_a, at_m)
        b, at_b = torch.where(left, middle, b), torch.where(left, at_m, at_b)
    return steepest


def jumps(s: Subject) -> Found:
    """A finite L against the difference quotients of the gradient."""
    L = s.constants.L
    if not smooth(s):
        return Found([], "no finite L is claimed")
    found = jump(s)
    fault = (
        f"constants: L = {L:.6g} is too small: the gradient of l changes at the rate {found:.3g} between two "
        "admissible parameters; where it jumps, L is math.inf."
    )
    return Found([fault] if found > L * (1 + 1e-4) + 1e-9 else [], f"{found:.6g} found of {L:.6g}")


def convexity(s: Subject) -> Found:
    """lam, lam_example and rho where gradients jump: <g(a) - g(b), a - b> / ||a - b||^2 between admissible points."""
    c = s.constants
    faults = []

    def least(field: Callable[[Tensor], Tensor], a: Tensor, b: Tensor) -> float:
        gap = (a - b).square().sum(-1)
        inner = ((field(a) - field(b)) * (a - b)).sum(-1)
        far = gap > 1e-8 * float(gap.max())
        return float((inner / gap.clamp(min=1e-300))[far].min())

    a, b, z = segments(s)
    single = least(lambda theta: s.problem.gradient(theta, z), a, b)
    mean = math.inf
    for n in s.sizes:
        data = s.data(n, 16, first=800)
        pairs = s.choose(len(s.admissible), 2, 16, 24)
        mean = min(mean, least(lambda t, data=data: s.full_gradient(t, data), *s.admissible[pairs]))  # type: ignore[misc]
    slack = 1e-7
    if c.lam_example > single * (1 + 1e-3) + slack and c.lam_example > 0:
        faults.append(
            f"constants: lam_example = {c.lam_example:.6g} is too large: {single:.6g} between two parameters."
        )
    if c.lam > 0 and mean < c.lam * (1 - 1e-3) - slack:
        faults.append(f"constants: lam = {c.lam:.6g} is too large: F_S has {mean:.6g} between two parameters.")
    if c.lam == 0 and -mean > c.rho * (1 + 1e-3) + slack:
        faults.append(
            f"constants: rho = {c.rho:.6g} is too small (the regime is {s.problem.regime}): F_S has {mean:.6g} "
            "between two admissible parameters."
        )
    return Found(faults, f"between pairs of parameters l has at least {single:.6g}, F_S {mean:.6g}")
