"""Exact minimisation over a ball {||t|| <= B}, for all replicates at once.

Every answer is certified by the conditions of Karush, Kuhn and Tucker: grad f(t) + nu t = 0 with nu >= 0, and nu = 0
unless ||t|| = B. A replicate that has converged is frozen, so that its answer does not depend on the others'.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from riskkit.problem import NoMinimiserError

TOLERANCE = 1e-12
"""Largest KKT residual of an answer, in units of the gradient's own scale."""

EPS = torch.finfo(torch.float64).eps


def kkt_residual(theta: Tensor, gradient: Tensor, radius: float | None) -> Tensor:
    """min over admissible nu of ||gradient + nu theta||: theta, gradient (R, d) -> (R,)."""
    if radius is None:
        return torch.linalg.vector_norm(gradient, dim=-1)
    norm = torch.linalg.vector_norm(theta, dim=-1)
    nu = (-(gradient * theta).sum(-1) / norm.clamp(min=1e-300).square()).clamp(min=0)
    nu = torch.where(norm >= radius * (1 - 8 * EPS), nu, torch.zeros_like(nu))
    return torch.linalg.vector_norm(gradient + nu[:, None] * theta, dim=-1)


def minimise_quadratic(A: Tensor, b: Tensor, radius: float | None) -> Tensor:
    """The minimiser of (1/2) t'At - b't over the ball nearest 0: A (R, d, d) positive semidefinite, b (R, d) -> (R, d).

    In the eigenbasis of A, t_i = b_i / (a_i + nu). If the solution of least norm (nu = 0) lies outside the ball, nu is
    the root of 1/||t(nu)|| = 1/B, a concave function of nu, which Newton's method from nu = 0 approaches from below
    without fail (More & Sorensen, SIAM J. Sci. Stat. Comput. 4, 1983). b must lie in the range of A; its components
    along eigenvalues below d eps of the largest are rounding and are dropped.
    """
    values, vectors = torch.linalg.eigh(A)
    kept = values > values.shape[-1] * EPS * values[:, -1:]
    values = torch.where(kept, values, torch.ones_like(values))
    coefficients = torch.where(kept, (vectors.mT @ b[:, :, None])[:, :, 0], torch.zeros_like(b))
    nu = torch.zeros_like(b[:, 0])
    t = coefficients / values
    if radius is not None:
        for _ in range(100):
            norm = torch.linalg.vector_norm(t, dim=-1)
            outside = norm > radius * (1 + 2 * EPS)
            if not bool(outside.any()):
                break
            curvature = (t.square() / (values + nu[:, None])).sum(-1)
            nu = torch.where(outside, nu + norm.square() / curvature * (norm - radius) / radius, nu)
            t = torch.where(outside[:, None], coefficients / (values + nu[:, None]), t)
    theta = (vectors @ t[:, :, None])[:, :, 0]
    if radius is not None:
        theta = onto_sphere(theta, nu > 0, radius)
    return theta


def onto_sphere(theta: Tensor, where: Tensor, radius: float) -> Tensor:
    """The rows of theta (R, d) chosen by ``where`` (R,), scaled to the norm ``radius``."""
    norm = torch.linalg.vector_norm(theta, dim=-1)
    return torch.where(where, radius / norm, torch.ones_like(norm))[:, None] * theta


def minimise_convex(
    risk: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]],
    hessian: Callable[[Tensor], Tensor],
    start: Tensor,
    radius: float | None,
    definite: bool = False,
) -> Tensor:
    """The minimiser over the ball of a smooth convex f >= 0, by Newton's method on the exact constraint: -> (R, d).

    Each step minimises the quadratic model over the ball and walks towards it, halving the step until f has not risen
    and the slope at the new point is at most half of minus the slope at the old: the approximate Wolfe conditions of
    Hager & Zhang, SIAM J. Optim. 16, 2005, which see what differences of f cannot resolve near the minimum. On the
    sphere the slope itself drowns in the rounding of the radial gradient; there a halved KKT residual will do.

    Args:
        risk: theta (R, d) -> f (R,), its gradient (R, d), and the scale (R,) of the terms whose sum the gradient is.
        hessian: theta (R, d) -> (R, d, d).
        start: (R, d), in the ball.
        definite: on R^d, every Hessian is positive definite: Newton's step by Cholesky's factors, several times as fast
            as by eigenvectors.

    Raises NoMinimiserError if a KKT residual stays above TOLERANCE of the scale.
    """
    theta = start
    value, gradient, scale = risk(theta)
    moving = torch.ones_like(value, dtype=torch.bool)
    for _ in range(200):
        residual = kkt_residual(theta, gradient, radius)
        moving = moving & (residual > 0.05 * TOLERANCE * scale)
        if not bool(moving.any()):
            break
        H = hessian(theta)
        if definite:
            target = theta - torch.cholesky_solve(gradient[:, :, None], torch.linalg.cholesky(H))[:, :, 0]
        else:
            target = minimise_quadratic(H, (H @ theta[:, :, None])[:, :, 0] - gradient, radius)
        direction = target - theta
        slope = (gradient * direction).sum(-1)
        size = torch.ones_like(value)
        searching = moving
        for _ in range(60):
            # At size 1 the trial is the target itself, which lies on the sphere where the constraint is active.
            trial = torch.where((size == 1)[:, None], target, theta + size[:, None] * direction)
            new_value, new_gradient, new_scale = risk(trial)
            new_slope = (new_gradient * direction).sum(-1)
            calmer = (new_slope <= -0.5 * slope) | (kkt_residual(trial, new_gradient, radius) <= 0.5 * residual)
            accepted = searching & calmer & (new_value <= value + 1e-13 * value.abs())
            theta = torch.where(accepted[:, None], trial, theta)
            gradient = torch.where(accepted[:, None], new_gradient, gradient)
            value = torch.where(accepted, new_value, value)
            scale = torch.where(accepted, new_scale, scale)
            searching = searching & ~accepted
            if not bool(searching.any()):
                break
            size = torch.where(searching, size / 2, size)
        moving = moving & ~searching
    residual = kkt_residual(theta, gradient, radius)
    failed = ~(residual <= TOLERANCE * scale)
    if bool(failed.any()):
        worst = float((residual / scale)[failed].max())
        raise NoMinimiserError(
            f"empirical minimiser: {int(failed.sum())} of {len(failed)} replicates kept a KKT residual above "
            f"{TOLERANCE:g} of scale (worst {worst:.1e}); use a smaller radius or more regularisation."
        )
    return theta
