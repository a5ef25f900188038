r"""The last iterate of SGD, and the average of its last half: no smoothness, at most a logarithm more than the average.

Setting: F_S convex, E||g_j||^2 <= G^2, indices with replacement, Theta = R^d or a ball. w_t = v_{t-1} is the iterate
    before gradient t = 1, 2, ..., so that v_J = w_T with T = J + 1; r_t = E||w_t - theta*_S||^2, H_t = 1 + ... + 1/t.
Step size: strongly convex, eta_j = 1/(lam (j + 1)); convex, constant.
Claim: optimization error O(log J/(lam J)) of the last iterate, O(1/(lam J)) of the average of the last half (lam > 0).
Explicit, strongly convex: for every s in 1..T, with m = T - s + 1 iterates from w_s on,
    suffix(s) = [lam (s - 1) r_s / 2 + G^2 (H_T - H_{s-1}) / (2 lam)] / m       bounds their average's error, and
    E F_S(w_T) - F_S* <= suffix(s) + sum_{i=1}^{m-1} G^2 (H_T - H_{T-i-1}) / (2 lam i (i + 1));
    r_1 = r_2 = G^2/lam^2, r_{t+1} = (1 - 2/t) r_t + G^2/(lam t)^2. ``proved`` takes the best s.
    Convex, constant step: E F_S(w_T) - F_S* <= D^2/(2 eta T) + (eta G^2/2) (1 + H_{T-1}), with
    D^2 = E||theta_0 - theta*_S||^2.
Proof. Projection is non-expansive, so for any fixed x in Theta, or x = w_s with s <= t,
    E<g_t, w_t - x> <= (E||w_t - x||^2 - E||w_{t+1} - x||^2)/(2 eta_t) + eta_t G^2/2,
    and the left side is at least E[F_S(w_t) - F_S(x)] + (lam/2) E||w_t - x||^2.
    *Suffix.* x = theta*_S, 1/eta_t = lam t: E F_S(w_t) - F_S* <= lam (t-1) r_t/2 - lam t r_{t+1}/2 + G^2/(2 lam t);
    sum over t = s..T and use convexity. With E<g, w - x> >= lam r for x = theta*_S: r_{t+1} <= (1 - 2/t) r_t +
    G^2/(lam t)^2 for t >= 2; lam r_1 <= E<grad F_S(w_1), w_1 - x> <= G sqrt(r_1); and t = 1 gives r_2 <= G^2/lam^2.
    *Last.* x = w_{T-i}: the first distance is 0 and, since 1/eta_t - 1/eta_{t-1} = lam, all later ones cancel against
    strong convexity: with S_i the mean of E F_S over the last i + 1 iterates,
    (i + 1) (S_i - E F_S(w_{T-i})) <= B_i = (G^2/(2 lam)) (H_T - H_{T-i-1}). Now
    i S_{i-1} = (i + 1) S_i - E F_S(w_{T-i}): S_{i-1} <= S_i + B_i/(i (i + 1)).
    Sum from i = 1 to m - 1: S_0 <= S_{m-1} + ..., and S_{m-1} is a suffix.
    For a constant step there is no curvature to pay: B_i = (i + 1) eta G^2/2, and
    S_{T-1} - F_S* <= D^2/(2 eta T) + eta G^2/2.
    The gradient at v_J itself enters the proof though the run ends before it: the bound needs its size only.
Reading: 2 G^2/lam J times some log J. A deterministic function of J dimensions attains the log (``HarveyMaximum``).
Source: Shamir, Zhang, ICML 2013 (last iterate); Rakhlin, Shamir, Sridharan, ICML 2012 (suffix). Constants re-proved.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.algorithms.steps import InverseTime, first_size
from riskkit.algorithms.suffix import SuffixSGD
from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import ROUNDING, constant_steps, sgd
from riskkit.theory.hypotheses import convex, finite, strongly_convex

SHAMIR = Source(
    "shamir2013stochastic",
    "Shamir, Zhang: Stochastic gradient descent for non-smooth optimization",
    """@inproceedings{shamir2013stochastic,
  title     = {Stochastic Gradient Descent for Non-smooth Optimization: Convergence Results and Optimal Averaging
               Schemes},
  author    = {Shamir, Ohad and Zhang, Tong},
  booktitle = {International Conference on Machine Learning},
  year      = {2013},
}
""",
    "re-proved",
)
RAKHLIN = Source(
    "rakhlin2012making",
    "Rakhlin, Shamir, Sridharan: Making gradient descent optimal for strongly convex stochastic optimization",
    """@inproceedings{rakhlin2012making,
  title     = {Making Gradient Descent Optimal for Strongly Convex Stochastic Optimization},
  author    = {Rakhlin, Alexander and Shamir, Ohad and Sridharan, Karthik},
  booktitle = {International Conference on Machine Learning},
  year      = {2012},
}
""",
    "re-proved",
)

LAST = "the last iterate of Shamir and Zhang"
SUFFIX = "the suffix average of Rakhlin et al."


def squared_distances(lam: float, G: float, T: int) -> Floats:
    """r_1 .. r_T at indices 1 .. T; index 0 is not used."""
    found = np.full(max(T, 2) + 1, (G / lam) ** 2)
    for t in range(2, T):
        found[t + 1] = (1 - 2 / t) * found[t] + (G / (lam * t)) ** 2
    return found[: T + 1]


def harmonic(T: int) -> Floats:
    """H_0 .. H_T."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, T + 1))])


def suffix(lam: float, G: float, T: int) -> Floats:
    """The bounds on the averages of w_s .. w_T, at indices s = 1 .. T; index 0 is inf."""
    s, H, r = np.arange(1, T + 1), harmonic(T), squared_distances(lam, G, T)
    bound = (lam * (s - 1) * r[1:] / 2 + G**2 * (H[T] - H[s - 1]) / (2 * lam)) / (T - s + 1)
    return np.concatenate([[np.inf], bound])


def last_strongly_convex(lam: float, G: float, J: int) -> float:
    """The bound on E F_S(v_J) - F_S*: the best s."""
    T = J + 1
    i, H = np.arange(1, T), harmonic(T)
    extra = np.concatenate([[0.0], np.cumsum(G**2 * (H[T] - H[T - i - 1]) / (2 * lam * i * (i + 1)))])
    return float(np.min(suffix(lam, G, T)[1:][::-1] + extra))  # index m - 1 = T - s


def _inverse_time(title: str) -> Any:
    def ask(problem: Problem, algorithm: Any) -> str | None:
        step = algorithm.step_sizes if isinstance(algorithm, SuffixSGD) else algorithm.stages[0].step
        lam = problem.constants.lam
        if isinstance(step, InverseTime) and step.offset == 1 and np.isclose(step.lam, lam, rtol=1e-12, atol=0):
            return None
        return f"{title} needs the step 1/(lam (j + 1)), InverseTime({lam:g}, 1); got {step!r}."

    return ask


def _suffix_sgd(problem: Problem, algorithm: Any) -> str | None:
    if not isinstance(algorithm, SuffixSGD):
        return f"{SUFFIX} is about SGD with the average of its last iterates; got {algorithm.name}."
    if algorithm.radius != problem.radius:
        return f"{SUFFIX} needs the radius of {problem.name}, {problem.radius}; got {algorithm.radius}."
    most = getattr(problem, "largest_step", math.inf)
    eta = first_size(algorithm.step_sizes, algorithm.steps, 1)
    if eta > most * ROUNDING:
        return (
            f"{SUFFIX} needs step sizes <= {most:.4g} on {problem.name}, for which its constants hold; got {eta:.4g}. "
            "Take smaller steps."
        )
    return None


def _last(at: At) -> Floats:
    return np.array([last_strongly_convex(at.constants.lam, at.constants.G, int(J)) for J in at.steps])


def _suffix(at: At) -> Floats:
    """At the end of the run only: before it another half was meant."""
    J, (first, found) = at.algorithm.steps, (at.algorithm.first, np.full(at.rounds.shape, np.nan))
    found[at.rounds == J] = suffix(at.constants.lam, at.constants.G, J)[first + 1]
    return found


STRONGLY_CONVEX_LAST = Inequality(
    name="shamir2013.strongly convex.optimization.last",
    title=LAST,
    quantity="optimization",
    output="last",
    source=SHAMIR,
    hypotheses=(sgd(LAST), convex(LAST), strongly_convex(LAST), finite(LAST, "G"), _inverse_time(LAST)),
    claim=lambda at: (1 + np.log(at.steps)) / (at.constants.lam * at.steps),
    proved=_last,
    statement=r"\min_s\ \mathrm{suffix}(s) + \sum_{i=1}^{T-s} \frac{G^2 (H_T - H_{T-i-1})}{2\lambda i(i+1)}",
    claim_statement=r"\frac{\log J}{\lambda J}",
)

STRONGLY_CONVEX_SUFFIX = Inequality(
    name="rakhlin2012.optimization.average",
    title=SUFFIX,
    quantity="optimization",
    output="average",
    source=RAKHLIN,
    hypotheses=(_suffix_sgd, convex(SUFFIX), strongly_convex(SUFFIX), finite(SUFFIX, "G"), _inverse_time(SUFFIX)),
    claim=lambda at: 1 / (at.constants.lam * at.rounds),
    proved=_suffix,
    statement=r"\frac{1}{T-s+1}\left(\frac{\lambda(s-1)}{2} r_s + \frac{G^2}{2\lambda}(H_T - H_{s-1})\right)",
    claim_statement=r"\frac{1}{\lambda J}",
    scope="at the end of each run",
)

CONVEX_LAST = Inequality(
    name="shamir2013.convex.optimization.last",
    title=LAST,
    quantity="optimization",
    output="last",
    source=SHAMIR,
    hypotheses=(sgd(LAST), convex(LAST), finite(LAST, "G"), constant_steps(LAST)),
    claim=lambda at: {
        "initial": 1 / (at.step_sizes[0] * at.steps),
        "floor": at.step_sizes[0] * (1 + np.log(at.steps)),
    },
    proved=lambda at: {
        "initial": at.D2 / (2 * at.step_sizes[0] * (at.steps + 1)),
        "floor": at.step_sizes[0] * at.constants.G**2 / 2 * (1 + harmonic(int(at.steps.max()))[at.steps]),
    },
    statement=r"\frac{D^2}{2\eta (J+1)} + \frac{\eta G^2}{2}(1 + H_J)",
    claim_statement=r"\frac{1}{\eta J} + \eta \log J",
)
