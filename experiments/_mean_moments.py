"""What is known exactly of Lookahead on mean estimation (``riskkit.theory.exact_moments``)."""

from __future__ import annotations

import numpy as np

from riskkit.theory import exact_moments
from riskkit.theory.bound import At, Floats


def moments(at: At) -> exact_moments.Moments:
    (stage,) = at.algorithm.stages
    return exact_moments.step_moments(stage.step, at.constants.lam, stage.k, stage.alpha, at.rounds)


def optimization(at: At) -> Floats:
    """(lam/2) E ||theta_T - zbar||^2: E V_S = 1 - 1/n, E D_S^2 = ||theta_0||^2 + 1/n."""
    known, start = moments(at), float(np.square(at.problem.start).sum())
    return at.constants.lam / 2 * (known.m2 * (start + 1 / at.n) + known.u * (1 - 1 / at.n))


def generalization(at: At) -> Floats:
    return exact_moments.mean_estimation_generalization(moments(at).m, at.constants.lam, 1.0, at.n)
