"""What a problem says of its losses for the moments, ``quadratic`` or ``squared``, held against the problem itself."""

from __future__ import annotations

import functools

import numpy as np
import torch

from riskkit.engines.draws import DRAWS, drawn, outside
from riskkit.problem import Problem, Quadratic, Squared
from riskkit.rng.streams import Stream

EXACT = 1e-9
"""What is said of gradients and risks is held against them to so many of their size."""


def quadratic(problem: Problem) -> Quadratic | None:
    """What the problem says of its losses, if they are quadratic."""
    found: Quadratic | None = getattr(problem, "quadratic", None)
    return found


def squared(problem: Problem) -> Squared | None:
    """What the problem says of its losses, if they are squared."""
    found: Squared | None = getattr(problem, "squared", None)
    return found


@functools.lru_cache(maxsize=1024)
def not_quadratic(problem: Problem, draws: int = DRAWS) -> str | None:
    """What the problem's attribute ``quadratic`` says that its gradient, risks, minimisers or examples do not; None
    where it says nothing, and where it is right as far as a few examples and so many ``draws`` of z tell."""
    law = quadratic(problem)
    if law is None:
        return None
    d = problem.dim
    if not isinstance(law, Quadratic) or any(np.shape(part) != (d,) for part in law[:4]):
        return f"quadratic must be a Quadratic of riskkit.problem with {d} numbers in each of its first four fields"
    h, w, mean, variance = (torch.tensor(part, dtype=torch.float64) for part in law[:4])
    for name, part, fine in (
        ("curvatures", h, h >= 0),
        ("pulls", w, w != 0),
        ("mean", mean, mean == mean),
        ("variance", variance, variance >= 0),
    ):
        if not bool((fine & part.isfinite()).all()):
            wanted = {"pulls": "numbers other than 0", "mean": "finite numbers"}.get(name, "finite numbers >= 0")
            return f"quadratic: {name} must be {wanted}; got {part.tolist()}"
    data = problem.sample(Stream(0, range(2)), _few(problem)).double()
    if data.shape[-1] != d:
        return f"quadratic needs examples of {d} numbers, as theta has; got {data.shape[-1]}"
    size = 1.0 if problem.radius is None else problem.radius
    return _other_loss(problem, law, data, size) or _other_law(problem, law, size, draws)


def _few(problem: Problem) -> int:
    return int(min(16, getattr(problem, "largest_n", 16)))


def _other_loss(problem: Problem, law: Quadratic, data: torch.Tensor, size: float) -> str | None:
    """Gradient, empirical risk and its minimiser on samples (R, n, d); at parameters of norm ``size`` and less."""
    h, w = (torch.tensor(part, dtype=torch.float64) for part in law[:2])
    theta = torch.linspace(-0.5, 1.0, problem.dim, dtype=torch.float64)
    points = size * torch.stack([theta / theta.norm(), -0.4 * theta / theta.norm(), 0.0 * theta])
    rows = data.flatten(0, 1)[:, None]
    gradient, said = problem.gradient(points.expand(len(rows), -1, -1), rows).double(), h * points - w * rows
    if not _same(gradient, said, said):
        return "quadratic contradicts gradient, which is not curvatures t - pulls z"
    zbar = data.mean(1, keepdim=True)
    risks = problem.empirical_risk(points.expand(len(data), -1, -1), data).double()
    said = (h * points.square() / 2 - w * zbar * points).sum(-1)
    if not _same(risks - risks[:, 2:], said, risks):
        return (
            "quadratic contradicts empirical_risk, which is not sum_i (curvatures t^2/2 - pulls z t), up to a constant"
        )
    if bool((h > 0).all()) and problem.radius is None:
        best = (w / h * zbar)[:, 0]
        if not _same(problem.empirical_minimiser(data).double(), best, best):
            return "quadratic contradicts empirical_minimiser, which is not pulls/curvatures times the mean of S"
    return None


def _other_law(problem: Problem, law: Quadratic, size: float, draws: int) -> str | None:
    """Mean and curvature by the population risk, which has both; what it has not by draws."""
    h, w, mean, variance = (torch.tensor(part, dtype=torch.float64) for part in law[:4])
    axes = size * torch.eye(problem.dim, dtype=torch.float64)
    up, down, zero = problem.population_risk(torch.cat([axes, -axes, 0 * axes])).double().chunk(3)
    if not _same((up + down) / 2 - zero, h * size**2 / 2, up):
        return "quadratic contradicts population_risk, whose Hessian is not diag(curvatures)"
    if not _same((down - up) / 2, w * mean * size, up):
        return "quadratic contradicts population_risk, whose gradient at 0 is not -pulls times mean"
    z = drawn(problem, draws - draws % 2)
    longest = float(z.norm(dim=-1).max())
    if not longest <= law.longest * (1 + EXACT):
        return f"quadratic names longest = {law.longest:g}, and an example has {longest:g}"
    squares = (z - mean).square()
    for name, values, said, reach in (
        ("mean", z, mean, 2 * law.longest),
        ("variance", squares, variance, (2 * law.longest) ** 2),
        ("variance", squares.sum(-1), variance.sum(), (2 * law.longest) ** 2),
        ("apart", (z[::2] - z[1::2]).norm(dim=-1), law.apart, 2 * law.longest),
    ):
        if outside(values, said, reach):
            found = ", ".join(f"{number:.4g}" for number in values.reshape(len(values), -1).mean(0)[:3].tolist())
            stated = ", ".join(f"{number:.4g}" for number in torch.as_tensor(said).reshape(-1)[:3].tolist())
            return f"quadratic names {name} = {stated}, and {len(z)} examples have {found}"
    return None


def _same(found: torch.Tensor, said: torch.Tensor, like: torch.Tensor) -> bool:
    """To EXACT of the size of what the numbers come from."""
    scale = max(float(like.abs().max()), float(said.abs().max()), 1e-300)
    return float((found - said).abs().max()) <= EXACT * scale


@functools.lru_cache(maxsize=256)
def not_squared(problem: Problem) -> str | None:
    """What the problem's attribute ``squared`` says that its gradient, examples or population risk do not; None where
    it says nothing, and where it is right as far as two samples of 16 examples tell."""
    law = squared(problem)
    if law is None:
        return None
    d = problem.dim
    if not isinstance(law, Squared) or np.shape(law.second_moment) != (d, d) or not law.ridge >= 0:
        return (
            f"squared must be a Squared of riskkit.problem with ridge >= 0 and a second moment ({d}, {d}); got {law!r}"
        )
    z = problem.sample(Stream(0, range(2)), _few(problem)).double()
    x, y = z[..., :-1], z[..., -1:]
    if x.shape[-1] != d:
        return f"squared needs examples (x, y) of {d} + 1 numbers; got {z.shape[-1]}"
    theta = torch.linspace(-0.5, 1.0, d, dtype=torch.float64)
    rows = z.flatten(0, 1)[:, None]
    gradient = problem.gradient(theta.expand(len(rows), 1, d), rows)[:, 0].reshape(x.shape)
    said = ((x * theta).sum(-1, keepdim=True) - y) * x + law.ridge * theta
    if not torch.allclose(gradient.double(), said, rtol=0, atol=EXACT * max(1.0, float(said.abs().max()))):
        return "squared contradicts gradient, which is not (<x, t> - y) x + ridge t"
    for name, values, bound in (("longest", x.norm(dim=-1), law.longest), ("largest", y.abs(), law.largest)):
        if not float(values.max()) <= bound * (1 + 1e-9):
            return f"squared names {name} = {bound:g}, and an example has {float(values.max()):g}"
    axes = torch.eye(d, dtype=torch.float64)
    points = torch.cat([(axes[:, None] + axes).reshape(-1, d), axes, torch.zeros(1, d, dtype=torch.float64)])
    risks = problem.population_risk(points).double()
    both, one = risks[: d * d], risks[d * d : -1]
    second = both.reshape(d, d) - one[:, None] - one + risks[-1]
    said = torch.tensor(law.second_moment, dtype=torch.float64) + law.ridge * axes
    if not torch.allclose(second, said, rtol=0, atol=EXACT * max(1.0, float(both.abs().max()))):
        return "squared contradicts population_risk, whose Hessian is not second_moment + ridge"
    return None
