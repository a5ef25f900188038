"""A problem of one's own, tried at a few points before it is trusted with hours.

A run takes what a problem declares as it comes: its gradient, risks and minimisers, its constants, and what it says of
its losses for the engines (``formula``, ``mean_gradient``, ``quadratic``, ``squared``, ``companion``). Here each is
held against the others, on a few examples and at a few parameters. That finds what is wrong nearly everywhere: a sign,
a factor, a constant of another problem, a formula of another loss. ``riskkit.conformance`` searches for the worst case.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.engines import moments
from riskkit.engines.draws import drawn, outside
from riskkit.engines.reference import one_thread
from riskkit.problem import (
    Constants,
    Coordinatewise,
    Linear,
    NoMinimiserError,
    Problem,
    Regime,
    constants_of,
    inconsistent,
)
from riskkit.rng.streams import Stream

REPLICATES, EXAMPLES = 2, 8
"""Datasets that are looked at, and examples of each at most."""

SAME = 1e-7
"""How far apart, relative to their size, two ways to one number may be; and a constant from what it bounds."""

ROUGH = 1e-4
"""The same of a difference quotient."""


class Fault(NamedTuple):
    """What is wrong, and the name of the member that is to blame."""

    said: str
    member: str

    def told(self, problem: Problem) -> str:
        """One line, without its full stop."""
        return f"{type(problem).__name__}: {self.member} {self.said}"


class _At(NamedTuple):
    """What all looks share.

    Attributes:
        data: (R, n, w), and ``rows``, its examples as datasets of their own, (E, 1, w).
        points: (C, d), where the constants hold; losses (E, C) and gradients (E, C, d) there.
        minimiser: theta*_S (R, d), None where there is none.
        best: theta*, (d,).
    """

    problem: Problem
    constants: Constants
    data: Tensor
    rows: Tensor
    points: Tensor
    losses: Tensor
    gradients: Tensor
    minimiser: Tensor | None
    best: Tensor

    def of_sample(self, of_examples: Tensor) -> Tensor:
        """The mean over the examples of each dataset: (E, ...) -> (R, ...)."""
        return of_examples.reshape(len(self.data), -1, *of_examples.shape[1:]).mean(1)

    def risk(self, theta: Tensor) -> Tensor:
        """F_S at (P, d), or (R, P, d): (R, P)."""
        return self.problem.empirical_risk(theta.expand(len(self.data), -1, -1), self.data)


@functools.lru_cache(maxsize=1024)
def problem_fault(problem: Problem) -> Fault | None:
    """The first thing that a problem declares and that is not so, or None. A comparison with draws accuses a faultless
    problem with probability ``draws.FALSE_ALARM`` at most; there are up to six of them."""
    with one_thread():
        wrong = next(_shapes(problem), None)
        if wrong is not None:
            return wrong
        at = _at(problem)
        return next((fault for look in LOOKS for fault in look(at)), None)


def _shapes(p: Problem) -> Iterator[Fault]:
    """Answers of another shape or type, and numbers that are not finite."""
    d = p.dim
    best = p.population_minimiser()
    for member, given in (("start", p.start), ("population_minimiser", best)):
        point = np.asarray(given, dtype=np.float64)
        if point.shape != (d,) or not np.isfinite(point).all():
            yield Fault(f"must be dim = {d} finite numbers; got shape {point.shape}", member)
        elif p.radius is not None and np.linalg.norm(point) > p.radius * (1 + SAME):
            said = f"must lie in Theta, the ball of radius {p.radius:g}; its norm is {np.linalg.norm(point):g}"
            yield Fault(said, member)
    n = _n(p)
    data = p.sample(Stream(0, range(REPLICATES)), n)
    if not isinstance(data, Tensor) or data.ndim != 3 or data.shape[:2] != (REPLICATES, n):
        yield Fault(f"must return a tensor (R, n, w), here ({REPLICATES}, {n}, w); got {_said(data)}", "sample")
    data = data.double()
    rows = data.flatten(0, 1)[:, None]
    few = torch.as_tensor(np.array([p.start, best], dtype=np.float64))
    R, E = REPLICATES, len(rows)
    asked: tuple[tuple[str, Callable[[], Any], tuple[int, ...]], ...] = (
        ("gradient", lambda: p.gradient(few.expand(E, 2, d), rows), (E, 2, d)),
        ("empirical_risk", lambda: p.empirical_risk(few.expand(R, 2, d), data), (R, 2)),
        ("population_risk", lambda: p.population_risk(few.expand(E, 2, d)), (E, 2)),
        ("empirical_minimiser", lambda: _minimiser(p, data), (R, d)),
    )
    for member, answer, shape in asked:
        found = answer()
        if found is None:
            continue  # this dataset has none
        if not isinstance(found, Tensor) or found.shape != shape:
            yield Fault(f"must return a tensor of shape {shape} here; got {_said(found)}", member)
        elif not bool(found.isfinite().all()):
            yield Fault(f"must be finite; got {float(found[~found.isfinite()][0])}", member)


def _n(p: Problem) -> int:
    return int(min(EXAMPLES, getattr(p, "largest_n", math.inf)))


def _said(found: Any) -> str:
    return f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__


def _minimiser(p: Problem, data: Tensor) -> Tensor | None:
    try:
        return p.empirical_minimiser(data)
    except NoMinimiserError:
        return None


def _at(p: Problem) -> _At:
    data = p.sample(Stream(0, range(REPLICATES)), _n(p)).double()
    rows = data.flatten(0, 1)[:, None]
    start, best = (torch.as_tensor(np.asarray(x, dtype=np.float64)) for x in (p.start, p.population_minimiser()))
    points = _points(p, start, best, rows)
    theta = points.expand(len(rows), -1, -1)
    losses, gradients = p.empirical_risk(theta, rows), p.gradient(theta, rows)
    return _At(p, constants_of(p), data, rows, points, losses, gradients, _minimiser(p, data), best)


def _line(d: int) -> Tensor:
    """A direction in which no coordinate is 0 or like another."""
    slope = torch.linspace(-1.0, 1.3, d, dtype=torch.float64) if d > 1 else torch.ones(1, dtype=torch.float64)
    return slope / slope.norm()


def _points(p: Problem, start: Tensor, best: Tensor, rows: Tensor) -> Tensor:
    """Points of a ball; on R^d what two steps of the largest admitted size reach from theta_0, and mixtures of them."""
    L = constants_of(p).L
    if p.radius is not None:
        axes = torch.stack([torch.eye(p.dim, dtype=torch.float64)[0], _line(p.dim)])
        return torch.cat([start[None], best[None], p.radius * axes, -p.radius * axes, 0.3 * p.radius * axes])
    # Not farther than 1/L, where steps of any size are admitted: there may be nothing left of a gradient.
    step = min(float(getattr(p, "largest_step", math.inf)), 1 / L if L > 0 else math.inf)
    if not 0 < step < math.inf:
        return start[None]
    few = rows[:: max(1, len(rows) // 4)][:4]
    once = start - step * p.gradient(start.expand(len(few), 1, -1), few)
    twice = once - step * p.gradient(once, few.flip(0))
    reached = torch.cat([start[None], once[:, 0], twice[:, 0]])
    return torch.cat([reached, (reached[1:] + start) / 2])


# What is looked at; each yields the faults it finds.


def _gradient(at: _At) -> Iterator[Fault]:
    """Where losses are smooth, the gradient is the derivative of the loss: by automatic differentiation of the risk at
    one example where it has any, else by difference quotients along two directions."""
    p, theta = at.problem, at.points.repeat(len(at.rows), 1, 1)
    if not math.isfinite(at.constants.L):
        return
    steepest = at.gradients / at.gradients.norm(dim=-1, keepdim=True).clamp(min=1e-300)
    directions = torch.stack([_line(p.dim).expand_as(theta), steepest])
    said = (at.gradients * directions).sum(-1)
    risk = p.empirical_risk(theta.requires_grad_(True), at.rows)
    if risk.requires_grad:
        (derived,) = torch.autograd.grad(risk.sum(), theta)
        off, allowed = (at.gradients - derived).norm(dim=-1), SAME
        found = (derived * directions).sum(-1)
    else:
        h = 1e-5 * max(1.0, float(at.points.abs().max()))
        ends = [[p.empirical_risk(at.points + s * h * u, at.rows) for s in (1, -1)] for u in directions]
        found = torch.stack([(up - down) / (2 * h) for up, down in ends])
        off, allowed = (said - found).abs().amax(0), ROUGH
    size = max(float(at.gradients.norm(dim=-1).max()), float(found.abs().max()))
    if float(off.max()) > allowed * size + 1e-10 * float(at.losses.abs().max()):
        worst = int((said - found).abs().argmax())
        numbers = f"{float(said.flatten()[worst]):.4g}, not {float(found.flatten()[worst]):.4g}"
        yield Fault(f"is not the derivative of empirical_risk at one example: along a line it is {numbers}", "gradient")


def _convex(at: _At) -> Iterator[Fault]:
    """A loss that is said to be convex lies above its tangents, by what lam_example says."""
    p, lam = at.problem, at.constants.lam_example
    if p.regime not in (Regime.CONVEX, Regime.STRONGLY_CONVEX):
        return
    apart = at.points[None] - at.points[:, None]
    tangents = at.losses[:, :, None] + torch.einsum("eid,ijd->eij", at.gradients, apart)
    below = float((tangents - at.losses[:, None, :] + lam / 2 * apart.square().sum(-1)).max())
    size = float(at.losses.abs().max()) + float(at.gradients.norm(dim=-1).max() * apart.norm(dim=-1).max())
    if below > SAME * size:
        what = f"lam_example = {lam:g}" if lam else f"the regime {p.regime}"
        yield Fault(f"contradicts {what}: a loss is below its tangent at another parameter by {below:.3g}", "gradient")


def _empirical(at: _At) -> Iterator[Fault]:
    """F_S is the mean of the losses; nothing tried lies below its minimum, a gradient step from there included."""
    p, best, radius = at.problem, at.minimiser, at.problem.radius
    risks = at.risk(at.points)
    if float((risks - at.of_sample(at.losses)).abs().max()) > SAME * float(at.losses.abs().max()):
        yield Fault("is not the mean of its values at single examples", "empirical_risk")
    if best is None:
        return
    if radius is not None and float(best.norm(dim=-1).max()) > radius * (1 + SAME):
        far = float(best.norm(dim=-1).max())
        yield Fault(f"must lie in Theta, the ball of radius {radius:g}; a norm is {far:g}", "empirical_minimiser")
    n, L = at.data.shape[1], at.constants.L
    slope = at.of_sample(p.gradient(best.repeat_interleave(n, 0)[:, None], at.rows)[:, 0])
    moved = _into(radius, best - (1 / L if 0 < L < math.inf else 0.1) * slope)
    least = at.risk(best[:, None])
    others = torch.cat([risks, at.risk(at.best[None]), at.risk(moved[:, None])], dim=1)
    lower = float((least - others).max())
    if lower > SAME * float(others.abs().max()):
        yield Fault(f"is not one: another parameter has an empirical risk lower by {lower:.3g}", "empirical_minimiser")


def _into(radius: float | None, theta: Tensor) -> Tensor:
    """The projection onto Theta."""
    if radius is None:
        return theta
    return theta * (radius / theta.norm(dim=-1, keepdim=True).clamp(min=1e-300)).clamp(max=1)


def _population(at: _At) -> Iterator[Fault]:
    """F is least at its minimiser, and the mean of the losses of draws."""
    p, near = at.problem, torch.eye(at.problem.dim, dtype=torch.float64) * max(1.0, float(at.best.abs().max()))
    around = torch.cat([at.best + sign * size * near for sign in (1, -1) for size in (0.1, 0.01, 1e-3)])
    points = torch.cat([at.points, _into(p.radius, around), at.best[None]])
    risks = p.population_risk(points)
    lower = float(risks[-1] - risks.min())
    if lower > SAME * float(risks.abs().max()):
        yield Fault(f"is not one: another parameter has a population risk lower by {lower:.3g}", "population_minimiser")
    rows = drawn(p)[:, None]
    for point, said in ((points[0], risks[0]), (points[-1], risks[-1])):
        losses = p.empirical_risk(point.expand(len(rows), 1, -1), rows)[:, 0]
        if outside(losses, said, at.constants.M):
            found = f"{float(said):.6g}, and the mean of {len(rows)} losses {float(losses.mean()):.6g}"
            yield Fault(f"is not E l: at a parameter it is {found}", "population_risk")


def _constants(at: _At) -> Iterator[Fault]:
    """Every constant, at the points where it holds and between them."""
    c, p = at.constants, at.problem
    norms, losses = at.gradients.norm(dim=-1), at.losses
    G, high, low = float(norms.max()), float(losses.max()), float(losses.min())
    for name, stated, what, found in (
        ("G", c.G, "||grad l||", G),
        ("M", c.M, "sup l - inf l", high - low),
        ("l_max", c.l_max, "l", high),
    ):
        if found > stated * (1 + SAME) + 1e-12:
            yield Fault(f"say {name} = {stated:.6g}, and {what} = {found:.6g} at admissible parameters", "constants")
    yield from (Fault(f"say that {said}", "constants") for said in inconsistent(p.regime, c))
    yield from _chords(at, G)
    if c.mu > 0 and at.minimiser is not None:
        gap = at.risk(at.points) - at.risk(at.minimiser[:, None])
        ratio = at.of_sample(at.gradients).square().sum(-1) / (2 * gap)
        # Below that, the gap is rounding.
        least = float(torch.where(gap > SAME * losses.abs().max(), ratio, math.inf).min())
        if least < c.mu * (1 - 1e-5):
            said = (
                f"say mu = {c.mu:.6g}, and ||grad F_S||^2 / (2 (F_S - F_S*)) = {least:.6g} at an admissible parameter"
            )
            yield Fault(said, "constants")
    if getattr(p, "self_bounding", False) and math.isfinite(c.L):
        above = float((norms.square() - 2 * c.L * losses).max())
        if above > SAME * (G**2 + 2 * c.L * max(abs(high), abs(low))):
            yield Fault(f"is not so: ||grad l||^2 exceeds 2 L l by {above:.3g}", "self_bounding")


def _chords(at: _At, size: float) -> Iterator[Fault]:
    """L, and lam or rho, by differences of gradients between the points."""
    c = at.constants
    i, j = torch.triu_indices(len(at.points), len(at.points), 1)
    apart = at.points[j] - at.points[i]
    length = apart.norm(dim=-1)
    kept = length > 1e-6 * max(1.0, float(at.points.abs().max()))
    i, j, apart, length = i[kept], j[kept], apart[kept], length[kept]
    if not len(length):
        return
    noise = 1e-12 * size / length
    turned = at.gradients[:, j] - at.gradients[:, i]
    steepest = float((turned.norm(dim=-1) / length - noise).max())
    if steepest > c.L * (1 + SAME) + 1e-12:
        said = f"say L = {c.L:.6g}, and ||grad l(t) - grad l(u)|| / ||t - u|| = {steepest:.6g} at admissible parameters"
        yield Fault(said, "constants")
    least = float(((at.of_sample(turned) * apart).sum(-1) / length**2 + noise).min())
    name, stated = ("lam", c.lam) if c.lam > 0 else ("rho", c.rho)
    if least < (c.lam if c.lam > 0 else -c.rho) - SAME * max(stated, abs(least)) - 1e-12:
        found = f"<grad F_S(t) - grad F_S(u), t - u> / ||t - u||^2 = {least:.6g}"
        yield Fault(f"say {name} = {stated:.6g}, and {found} at admissible parameters", "constants")


def _declared(at: _At) -> Iterator[Fault]:
    """What is said of the losses for the engines; a companion is a problem on the same rows, tried like this one."""
    p = at.problem
    if (formula := getattr(p, "formula", None)) is not None:
        yield from _formula(at, formula)
    if (of_batch := getattr(p, "mean_gradient", None)) is not None:
        found, said = of_batch(at.points[-1].expand(len(at.data), 1, -1), at.data), at.of_sample(at.gradients)[:, -1:]
        if found.shape != said.shape or not _same(found, said):
            yield Fault("is not the mean of gradient over the examples", "mean_gradient")
    for member, wrong in (("quadratic", moments.not_quadratic(p)), ("squared", moments.not_squared(p))):
        if wrong is not None:
            yield Fault(wrong.removeprefix(f"{member} ").removeprefix(f"{member}: "), member)
    companion = getattr(p, "companion", None)
    if companion is not None:
        theirs = companion.sample(Stream(0, range(REPLICATES)), at.data.shape[1]).double()
        if theirs.shape != at.data.shape or not _same(theirs, at.data):
            yield Fault("has other examples than the problem, on the same stream", "companion")
        if (fault := problem_fault(companion)) is not None:
            yield Fault(f"is wrong: its {fault.member} {fault.said}", "companion")


def _formula(at: _At, formula: Any) -> Iterator[Fault]:
    if not isinstance(formula, Linear | Coordinatewise):
        yield Fault(f"must be a Linear or Coordinatewise of riskkit.problem; got {formula!r}", "formula")
        return
    places = [(e, c) for e in range(len(at.rows)) for c in (e % len(at.points),)]
    built = []
    for e, c in places:
        t, z = at.points[c].tolist(), at.rows[e, 0].tolist()
        if isinstance(formula, Linear):
            slope = formula.slope(math.fsum(a * b for a, b in zip(z, t, strict=False)), z[-1], formula.parameter)
            built.append([slope * a + formula.ridge * b for a, b in zip(z, t, strict=False)])
        else:
            built.append([formula.pull(*one) for one in zip(t, z, formula.parameters, strict=True)])
    said = torch.stack([at.gradients[e, c] for e, c in places])
    if not _same(torch.tensor(built, dtype=torch.float64), said):
        yield Fault("is not gradient", "formula")


def _same(found: Tensor, said: Tensor) -> bool:
    return float((found - said).abs().max()) <= SAME * max(float(said.abs().max()), 1e-300)


LOOKS = (_gradient, _convex, _empirical, _population, _constants, _declared)
"""In this order: what a look takes for granted was looked at before."""
