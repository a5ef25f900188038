"""Is it Algorithm 2 or 3: the run against the rule by hand, the staged algorithm and the exact moments."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch

from riskkit.algorithms.staged import SLRLA, Algorithm, Lookahead, SLRLAAsCoded, Stage
from riskkit.algorithms.steps import Constant
from riskkit.conformance.claims import DIM, REPLICATES, Claim, parameters
from riskkit.conformance.driven import CURVATURE, Subject, apart, theta_of, told
from riskkit.conformance.findings import EXACT, Found, disagreement
from riskkit.conformance.rounds import faults
from riskkit.measure.simulation import simulate
from riskkit.theory.exact_moments import staged_moments, step_moments

MANY = 2048
"""Replicates of a mean that is compared with its exact moment."""
SIGNIFICANT = 5.0
"""Standard errors between a mean and its exact moment; a correct optimizer exceeds them once in a million means."""


def rounds(s: Subject) -> Found:
    """Which rule explains the run."""
    rule = s.claim.rule
    stage = 2 * rule.k if rule.weight and rule.every is None and s.has_stages else None
    path = s.own(stage)
    if not bool(path.isfinite().all()):
        s.rule = None
        return Found(
            [f"theta is not finite after {s.steps} steps on a quadratic of curvature {CURVATURE:g}; use a smaller lr."]
        )
    expected = s.reference(rule, stage)
    if disagreement(path, expected) <= EXACT:
        if rule.plain:
            return Found([], "no rounds: its own steps")
        ends = ", ".join(str(i * rule.k) for i in (1, 2, 3))
        return Found([], f"rounds end after steps {ends}, ...; alpha = {rule.alpha:g} from the first on")
    for other, sentence in faults(rule):
        if disagreement(path, s.reference(other, stage)) <= EXACT:
            s.rule = other
            return Found([f"theta differs from {s.claim.described} {apart(path, expected)}: {sentence}"])
    s.rule = None
    return Found([f"theta differs from {s.claim.described} {apart(path, expected)}; {_measured(s)}"])


def _measured(s: Subject) -> str:
    """Which steps are not the inner optimizer's, where no known rule explains the run."""
    params, shadow = parameters(), parameters()
    optimizer, inner = s.make(params), s.claim.inner(shadow)
    ends = []
    for j in range(s.steps):
        with torch.no_grad():
            for p, q in zip(params, shadow, strict=True):
                q.copy_(p)
        s.put(params, j)
        for p, q in zip(params, shadow, strict=True):
            q.grad = None if p.grad is None else p.grad.clone()
        optimizer.step()
        inner.step()
        if disagreement(theta_of(params), theta_of(shadow)) > EXACT:
            ends.append(j + 1)
    told = ", ".join(map(str, ends[:6])) + (", ..." if len(ends) > 6 else "")
    return f"steps that are not the inner optimizer's: {told or 'none'}."


def _algorithm(claim: Claim, eta: float, T: int) -> Algorithm:
    """riskkit's own: T rounds, or two stages of T/2."""
    if not claim.beta:
        return Lookahead(T, claim.k, claim.alpha, Constant(eta))
    stages = [Stage(T // 2, claim.k, claim.alpha, Constant(eta), beta=claim.beta)] * 2
    return SLRLA(stages) if claim.anchor_every is None else SLRLAAsCoded(stages, claim.anchor_every)


def staged_algorithm(s: Subject) -> Found:
    """The same examples and indices through riskkit's reference engine."""
    if s.eta is None:
        return Found([], "not compared: the inner optimizer is not SGD with a constant step")
    T, k = 4, s.claim.k
    algorithm = _algorithm(s.claim, s.eta, T)
    staged = len(algorithm.stages) > 1
    if staged and not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."])
    found = simulate(
        s.problem,
        algorithm,
        replicates=REPLICATES,
        data=s.data,
        indices=s.indices[:, : T * k],
        rounds=range(1, T + 1),
        engine="reference",
    )
    params = parameters()
    path = s.run(s.make(params), params, 0, T * k, T // 2 * k if staged else None)[k - 1 :: k]
    apart = disagreement(path, torch.as_tensor(found.theta[:, :, 0]).transpose(0, 1))
    if apart > EXACT:
        return Found([f"after {T} rounds theta differs from riskkit's {algorithm.name} by {apart:.1e} of its size."])
    return Found([], f"{T} rounds of riskkit's {algorithm.name} to {apart:.1e}")


def exact_moments(s: Subject) -> Found:
    """E||theta_T - zbar||^2 over many index sequences against its exact value."""
    if s.eta is None:
        return Found([], "none: the inner optimizer is not SGD with a constant step")
    T, k = 8, s.claim.k
    algorithm = _algorithm(s.claim, s.eta, T)
    if algorithm.anchor_every is not None:
        return Found([], "none for the form as coded")
    staged = len(algorithm.stages) > 1
    if staged and not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."])
    many = copy.copy(s)
    many.data, many.indices = s.drawn(MANY, T * k)
    if staged:
        rounds, moments = algorithm.stage_ends, staged_moments(algorithm, CURVATURE)
    else:
        rounds = np.arange(1, T + 1)
        moments = step_moments(Constant(s.eta), CURVATURE, k, s.claim.alpha, rounds)
    params = parameters(MANY)
    path = many.run(s.make(params), params, 0, T * k, T // 2 * k if staged else None)
    mean = many.data.mean(1)
    start = torch.zeros(DIM, dtype=torch.float64)
    start[0] = 1
    D2, V = (start - mean).square().sum(1), (many.data - mean[:, None]).square().sum(2).mean(1)
    worst, at, measured, exact = 0.0, 0, 0.0, 0.0
    for t, m2, u in zip(rounds.tolist(), moments.m2, moments.u, strict=True):
        value = (path[t * k - 1] - mean).square().sum(1)
        error = value - (m2 * D2 + u * V)
        z = float(error.mean()) / max(float(error.std()) / math.sqrt(MANY), 1e-300)
        if abs(z) >= abs(worst):
            worst, at, measured, exact = z, t, float(value.mean()), float((m2 * D2 + u * V).mean())
    what = f"E||theta - zbar||^2 after round {at}: {measured:.4g}, exactly {exact:.4g}, {worst:+.1f} standard errors"
    return told([f"{what}."] if not abs(worst) <= SIGNIFICANT else [], what)


def stages(s: Subject) -> Found:
    """next_stage closes a round that has been started, and the next one has k steps."""
    if not s.has_stages:
        return Found(["SLRLA has stages, but the optimizer has no next_stage()."] if s.claim.beta else [], "none")
    if s.rule is None:
        return Found([], "not compared")
    path, expected = s.own(s.inside), s.reference(s.rule, s.inside)
    if disagreement(path, expected) <= EXACT:
        return Found([], "next_stage() ends the round that has been started")
    fault = f"after next_stage() inside a round theta differs {apart(path, expected)}"
    return Found([f"{fault}: it must end the round, and the next stage must start from there."])


EVALUATIONS = (("backup_and_load_cache", "clear_and_load_backup"),)
"""Pairs of methods that put the slow weights in and take them out, in optimizers without ``slow_weights``."""


def weights(s: Subject) -> Found:
    """Which weights the parameters are between rounds, and how the slow ones are had."""
    rule = s.rule
    if rule is None or rule.plain:
        return Found([], "one kind" if rule else "not compared")
    params = parameters()
    optimizer: Any = s.make(params)
    staged, others = s.staged(rule)
    s.run(optimizer, params, 0, s.inside)
    s.run(staged, others, 0, s.inside)
    fast, slow = theta_of(params), torch.cat(staged.slow, 1)
    if disagreement(fast, slow) <= EXACT and rule.k > 1:
        return Found(["between rounds the parameters are the slow weights: gradients must be taken at the fast ones."])
    enter = leave = None
    if hasattr(optimizer, "slow_weights"):
        context = optimizer.slow_weights()
        enter, leave = context.__enter__, lambda: context.__exit__(None, None, None)
    else:
        for first, last in EVALUATIONS:
            if hasattr(optimizer, first):
                enter, leave = getattr(optimizer, first), getattr(optimizer, last)
    where = "between rounds the parameters are the fast weights"
    if enter is None or leave is None:
        return Found([], f"{where}; there is no way to evaluate the slow ones")
    enter()
    inside = theta_of(params)
    leave()
    wrong = []
    if disagreement(inside, slow) > EXACT:
        apart = disagreement(inside, slow)
        wrong.append(f"evaluation inside a round differs from the slow weights by {apart:.1e} of their size.")
    if not torch.equal(theta_of(params), fast):
        wrong.append("after evaluation the parameters are not the fast weights that they were.")
    return told(wrong, f"{where}; the slow ones can be evaluated")
