"""The gradient against the derivative of the risk, and the scalar formula against the gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from riskkit.conformance import kinks
from riskkit.conformance.findings import EXACT, Found, disagreement
from riskkit.conformance.subject import Subject
from riskkit.engines import moments
from riskkit.problem import Coordinatewise, Linear


def gradient(s: Subject) -> Found:
    """The gradient is the derivative of the risk at one example, which is the loss."""
    z = s.data(max(s.sizes), 32)[:, -1:]
    points = s.admissible[s.choose(len(s.admissible), 16)]
    theta = points.expand(32, 16, -1).clone()
    given = s.problem.gradient(theta, z)
    theta.requires_grad_(True)
    risk = s.problem.empirical_risk(theta, z)
    if risk.requires_grad:
        (derived,) = torch.autograd.grad(risk.sum(), theta)
        allowed, how = EXACT, "autograd"
    else:
        derived = torch.zeros_like(given)
        with torch.no_grad():
            for i in range(s.problem.dim):
                h = torch.zeros(s.problem.dim, dtype=torch.float64)
                h[i] = 1e-5 * max(1.0, float(points.abs().max()))
                rise = s.problem.empirical_risk(theta + h, z) - s.problem.empirical_risk(theta - h, z)
                derived[..., i] = rise / (2 * h[i])
        allowed, how = 1e-5, "central differences"
    apart = disagreement(given, derived)
    if not kinks.smooth(s):
        return _subgradient(s, points, z, given, derived, f"{apart:.1e} from {how}")
    fault = (
        f"gradient differs from the derivative of empirical_risk at one example ({how}) by {apart:.1e} of its size; "
        "check its sign, factors and terms."
    )
    return Found([fault] if apart > allowed else [], f"{apart:.1e} from {how}")


def _subgradient(s: Subject, points: Tensor, z: Tensor, given: Tensor, derived: Tensor, note: str) -> Found:
    """Where gradients may jump, any element of the subdifferential is one: at the points tried, and where F_S is
    least, which is at a kink as a rule."""
    theta = points.expand(len(z), -1, -1)
    fine = kinks.is_subgradient(s, theta, z, given, derived)
    data = s.data(min(s.sizes), 16)
    least = s.problem.empirical_minimiser(data)[:, None]
    for i in range(min(data.shape[1], 8)):
        own = data[:, i : i + 1]
        g = s.problem.gradient(least, own)
        fine = torch.cat([fine.flatten(), kinks.is_subgradient(s, least, own, g, -g).flatten()])
    fault = (
        f"gradient is no subgradient of empirical_risk at one example, at {int((~fine).sum())} of {fine.numel()} "
        "places; check its sign, factors and terms."
    )
    return Found([] if bool(fine.all()) else [fault], note)


def formula(s: Subject) -> Found:
    """The scalar formula for compiled engines, where there is one, is the gradient."""
    formula = getattr(s.problem, "formula", None)
    if formula is None:
        return Found([], "none given")
    z = s.data(max(s.sizes), 16)[:, 0]
    theta = s.admissible[s.choose(len(s.admissible), 16)]
    given = s.problem.gradient(theta[:, None], z[:, None])[:, 0]
    rows = list(zip(theta.tolist(), z.tolist(), strict=True))
    if isinstance(formula, Linear):
        built = []
        for t, (*x, y) in rows:
            slope = formula.slope(math.fsum(a * b for a, b in zip(x, t, strict=True)), y, formula.parameter)
            built.append([slope * a + formula.ridge * b for a, b in zip(x, t, strict=True)])
    elif isinstance(formula, Coordinatewise):
        built = [[formula.pull(a, b, p) for a, b, p in zip(t, e, formula.parameters, strict=True)] for t, e in rows]
    else:
        return Found([f"formula must be a Linear or Coordinatewise of riskkit.problem; got {formula!r}."])
    apart = disagreement(given, torch.tensor(built, dtype=torch.float64))
    return Found(
        [f"formula differs from gradient by {apart:.1e} of its size."] if apart > EXACT else [], f"{apart:.1e}"
    )


def quadratic(s: Subject) -> Found:
    """What the problem says of quadratic losses, where it does, is true of its gradient, risks and examples."""
    if moments.quadratic(s.problem) is None:
        return Found([], "none given")
    fault = moments.not_quadratic(s.problem, max(2, s.draws))
    return Found([] if fault is None else [f"{fault}."])


def squared(s: Subject) -> Found:
    """What the problem says of squared losses, where it does, is true of its gradient, examples and population risk."""
    if moments.squared(s.problem) is None:
        return Found([], "none given")
    fault = moments.not_squared(s.problem)
    return Found([] if fault is None else [f"{fault}."])
