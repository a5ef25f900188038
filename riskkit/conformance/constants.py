"""Every constant against the worst violation that a search among admissible parameters finds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from riskkit.conformance import kinks
from riskkit.conformance.findings import EXACT, Found
from riskkit.conformance.subject import CHORD, LARGE, Subject


def _too_small(name: str, stated: float, found: float, what: str, tolerance: float = EXACT) -> list[str]:
    """A fault if a constant that bounds from above was exceeded."""
    if found <= stated * (1 + tolerance) + tolerance * 1e-3:
        return []
    return [f"constants: {name} = {stated:.6g} is too small: {what} = {found:.6g} at an admissible parameter."]


def _too_large(name: str, stated: float, found: float, what: str, slack: float) -> list[str]:
    """A fault if a constant that bounds from below was undercut."""
    if found >= stated * (1 - 1e-3) - slack:
        return []
    return [f"constants: {name} = {stated:.6g} is too large: {what} = {found:.6g} at an admissible parameter."]


def _pairs(s: Subject, examples: int, keep: int, value: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The ``keep`` pairs (theta, z) of largest ``value`` among all admissible parameters and many examples: theta
    (keep, 1, d), z (keep, 1, w)."""
    n = max(s.sizes)
    z = s.data(n, math.ceil(examples / n), first=500).flatten(0, 1)[:examples, None]
    scores = value(s.admissible.expand(len(z), -1, -1), z)
    top = scores.flatten().topk(min(keep, scores.numel())).indices
    row, column = top // scores.shape[1], top % scores.shape[1]
    return s.admissible[column][:, None], z[row]


def gradient_bound(s: Subject) -> Found:
    """G against the largest gradient found."""
    G = s.constants.G
    if math.isinf(G):
        return Found([], "not claimed")

    def norm(theta: Tensor, z: Tensor) -> Tensor:
        return s.problem.gradient(theta, z).norm(dim=-1)

    theta, z = _pairs(s, 512, 128, norm)

    def field(theta: Tensor) -> Tensor:
        return s.problem.gradient(theta, z)

    # The gradient of ||g||^2 / 2 is H g.
    _, best = s.climb(lambda t: norm(t, z), lambda t: s.chord(t, field(t), field), theta)
    found = float(best.max())
    return Found(_too_small("G", G, found, "||grad l||"), f"{found:.6g} found of {G:.6g}")


def _largest_loss(s: Subject, sign: int) -> float:
    """The largest value found of sign * l."""
    theta, z = _pairs(s, 512, 64, lambda t, e: sign * s.problem.empirical_risk(t, e))
    _, best = s.climb(lambda t: sign * s.problem.empirical_risk(t, z), lambda t: sign * s.problem.gradient(t, z), theta)
    return float(best.max())


def loss_range(s: Subject) -> Found:
    """M against the largest difference of losses found."""
    M = s.constants.M
    if math.isinf(M):
        return Found([], "not claimed")
    found = _largest_loss(s, 1) + _largest_loss(s, -1)
    return Found(_too_small("M", M, found, "sup l - inf l"), f"{found:.6g} found of {M:.6g}")


def loss_supremum(s: Subject) -> Found:
    """l_max against the largest loss found."""
    largest = s.constants.l_max
    if math.isinf(largest):
        return Found([], "not claimed")
    found = _largest_loss(s, 1)
    return Found(_too_small("l_max", largest, found, "sup l"), f"{found:.6g} found of {largest:.6g}")


def self_bounding(s: Subject) -> Found:
    """||grad l||^2 <= 2 L l, where the problem says so."""
    L = s.constants.L
    if not getattr(s.problem, "self_bounding", False) or math.isinf(L):
        return Found([], "not claimed")

    def excess(theta: Tensor, z: Tensor) -> Tensor:
        return s.problem.gradient(theta, z).square().sum(dim=-1) - 2 * L * s.problem.empirical_risk(theta, z)

    theta, z = _pairs(s, 512, 64, excess)
    squares, losses = s.problem.gradient(theta, z).square().sum(dim=-1), s.problem.empirical_risk(theta, z)
    found = float((squares - 2 * L * losses).max())
    scale = float(squares.max()) + 2 * L * float(losses.abs().max())
    faults = [f"self_bounding: ||grad l||^2 is larger than 2 L l by {found:.6g} at an admissible parameter."]
    return Found(faults if found > EXACT * scale else [], f"||grad l||^2 - 2 L l at most {found:.6g} found")


def curvature(s: Subject) -> Found:
    """L and lam_example against the Hessians of losses, lam and rho against those of empirical risks."""
    if not kinks.smooth(s):
        return kinks.convexity(s)
    c, d = s.constants, s.problem.dim
    faults: list[str] = []
    room = max(1, 2**21 // (d * d))
    count = min(len(s.admissible), max(1, room // 64))
    theta = s.admissible[torch.randperm(len(s.admissible), generator=s.generator)[:count]]
    examples, samples, kept, rounds = (64, 16, 16, 12) if d <= LARGE else (8, 4, 4, 6)  # a Hessian costs d^3
    z = s.data(max(s.sizes), examples, first=700)[:, -1:]

    def extremes(theta: Tensor, field: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        values = torch.linalg.eigvalsh(s.hessian(theta, field))
        return values[..., 0], values[..., -1]

    def search(theta: Tensor, of: Callable[[Tensor], Callable[[Tensor], Tensor]], among: Tensor) -> tuple[float, float]:
        """Least and greatest eigenvalue: the best pairs, improved by a local search. among: (R, n, w)."""
        low, high = extremes(theta.expand(len(among), -1, -1), of(among))
        found = []
        for scores, pick in ((-low, 0), (high, 1)):
            top = scores.flatten().topk(min(kept, scores.numel())).indices
            at, own = theta[top % scores.shape[1]][:, None], of(among[top // scores.shape[1]])
            best = scores.flatten()[top][:, None]
            for i in range(rounds):
                trial = s.nearby(at, 0.3 * 0.6**i)
                reached = extremes(trial, own)[pick] * (1 if pick else -1)
                better = reached > best
                at, best = torch.where(better[..., None], trial, at), torch.where(better, reached, best)
            found.append(float(best.max()))
        return -found[0], found[1]

    low, high = search(theta, lambda e: lambda t: s.problem.gradient(t, e), z)
    largest = max(abs(low), abs(high))
    # A chord of length h carries the rounding eps ||g|| / h.
    noise = 1e-15 / CHORD * float(s.problem.gradient(theta.expand(examples, -1, -1), z).norm(dim=-1).max())
    slack = 1e-6 * largest + 100 * noise
    if math.isfinite(c.L) and largest > c.L * (1 + 1e-4) + 100 * noise:
        faults += _too_small("L", c.L, largest, "||Hessian of l||", 1e-4)
    faults += _too_large("lam_example", c.lam_example, low, "least eigenvalue of a Hessian of l", slack) * (
        c.lam_example > 0
    )
    least = math.inf
    for n in s.sizes:
        if d * d * n > 2**21:
            continue
        few = s.admissible[s.choose(len(s.admissible), max(1, min(count, 2**20 // (n * d * d))))]
        data = s.data(n, samples, first=800)
        under, _ = search(few, lambda S: lambda t: s.full_gradient(t, S), data)
        least = min(least, under)
    if c.lam > 0:
        faults += _too_large("lam", c.lam, least, "least eigenvalue of a Hessian of F_S", slack)
    elif -least > c.rho * (1 + 1e-3) + slack:
        regime = f" (the regime is {s.problem.regime})" if c.rho == 0 else ""
        faults.append(
            f"constants: rho = {c.rho:.6g} is too small{regime}: a Hessian of F_S has the eigenvalue {least:.6g} at an "
            "admissible parameter."
        )
    note = f"Hessians of l in [{low:.6g}, {high:.6g}], of F_S above {least:.6g}"
    return Found(faults, note)


def gradient_domination(s: Subject) -> Found:
    """mu against the least ||grad F_S||^2 / (2 (F_S - F_S*)) found."""
    mu = s.constants.mu
    if mu == 0:
        return Found([], "not claimed")
    least, faults = math.inf, []
    for n in s.sizes:
        data = s.data(n, 8, first=900)
        minimum = s.problem.empirical_risk(s.problem.empirical_minimiser(data)[:, None], data)

        def field(theta: Tensor, data: Tensor = data) -> Tensor:
            return s.full_gradient(theta, data)

        def gap(theta: Tensor, data: Tensor = data, minimum: Tensor = minimum) -> Tensor:
            risk = s.problem.empirical_risk(theta, data)
            excess = risk - minimum
            # Below 1e-7 of the risk, the difference is rounding.
            return torch.where(excess > 1e-7 * torch.maximum(risk.abs(), minimum.abs()), excess, math.nan)

        def ratio(theta: Tensor, field: Callable[..., Tensor] = field, gap: Callable[..., Tensor] = gap) -> Tensor:
            value = -field(theta).square().sum(-1) / (2 * gap(theta))
            return torch.where(value.isfinite(), value, -math.inf)

        def downhill(theta: Tensor, field: Callable[..., Tensor] = field, gap: Callable[..., Tensor] = gap) -> Tensor:
            g = field(theta)
            bend = 2 * s.chord(theta, g, field) / g.square().sum(-1, keepdim=True)
            return torch.nan_to_num(g / gap(theta)[..., None] - bend)

        points = s.admissible[s.choose(len(s.admissible), 32)].expand(8, -1, -1)
        _, best = s.climb(ratio, downhill, points)
        least = min(least, -float(best.max()))
    faults += _too_large("mu", mu, least, "||grad F_S||^2 / (2 (F_S - F_S*))", 1e-9)
    return Found(faults, f"{least:.6g} found, {mu:.6g} stated")
