"""Hypotheses of the printed theorems against their proofs, in both directions: what each covers, and what each refuses.

A theorem is read with the problem's own constants, as the supplement states it: the step sizes of Theorems 1, 2 and 4
are those formulas and no others.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from riskkit import SLRLA, At, Constant, InverseTime, Lookahead, Stage
from riskkit.problem import Regime
from riskkit.problems import AnisotropicMean, LinearOnBall, Logistic, MeanEstimation, MeanOnBall, Ridge, WarpedMean
from riskkit.theory.bound import total
from riskkit.theory.zhou2021 import published

ROUNDS = np.array([6], dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class Stated(MeanEstimation):
    """Mean estimation of which other constants are stated, all of them true."""

    lam_example: float = 1.0
    rho: float = 0.0
    told: str = "strongly convex"

    @property
    def regime(self):
        return Regime(self.told)

    @property
    def constants(self):
        return dataclasses.replace(super().constants, lam_example=self.lam_example, rho=self.rho)


def value(bound, problem, run, form="published"):
    at = At(problem, run, 20, np.array([run.rounds], dtype=np.int64), D2=1.0, f0=0.5, g2=0.0)
    return float(total(bound.evaluate(form, at), at, bound.name)[0])


def first(problem, **constants):
    return Lookahead(6, 2, 0.5, published.first_step(dataclasses.replace(problem.constants, **constants)))


def test_theorem_1_is_about_the_empirical_risk_and_theorem_2_about_every_loss():
    """lam of F_S = 1, of the losses 1/2: Theorem 1 takes the step with 1, Theorem 2 and Corollary 1 that with 1/2."""
    problem = Stated(lam_example=0.5)
    long, short = first(problem, lam=0.5), first(problem)
    assert published.OPTIMIZATION_1.excludes(problem, short) is None
    assert "1/(0.5 (j + 2))" in published.OPTIMIZATION_1.excludes(problem, long)
    for bound in (published.GENERALIZATION_2, published.STABILITY_2, published.EXCESS_1):
        assert f"got {short.stages[0].step!r}" in bound.excludes(problem, short)
    sure = Stated(lam_example=0.5)
    whole = Ridge(dim=2, lam=0.5)  # on a ball no step is too long
    ridge = Lookahead(6, 2, 0.5, published.first_step(whole.constants))
    for bound in (published.GENERALIZATION_2, published.STABILITY_2, published.EXCESS_1):
        assert bound.excludes(whole, ridge) is None
    assert value(published.GENERALIZATION_2, sure, long) == 2 * value(published.GENERALIZATION_2, Stated(), short)
    unknown = Stated(lam_example=0.0)
    assert published.OPTIMIZATION_1.excludes(unknown, short) is None
    assert "every l(.; z) strongly convex" in published.GENERALIZATION_2.excludes(unknown, short)


def test_theorem_1_says_nothing_at_a_minimizer_on_the_boundary():
    """Smoothness at a stationary minimizer turns the distance into the error; the distance itself needs none."""
    problem = Ridge(dim=2, lam=0.5)
    run = Lookahead(6, 2, 0.5, published.first_step(problem.constants))
    at = At(problem, run, 20, ROUNDS, D2=1.0, f0=0.5, g2=0.1)
    assert np.isnan(total(published.OPTIMIZATION_1.evaluate("published", at), at, "")).all()
    assert np.isfinite(total(published.DISTANCE_1.evaluate("published", at), at, "")).all()


def test_theorem_3_bounds_the_optimization_error_at_any_constant_step():
    """Its proof is the telescoping sum; smoothness and eta <= 2/L are for two runs that stay close."""
    problem = Logistic(dim=2)  # L = 1/4, on a ball
    long, short = Lookahead(6, 2, 0.5, Constant(9.0)), Lookahead(6, 2, 0.5, Constant(8.0))
    assert published.OPTIMIZATION_3.excludes(problem, long) is None
    for bound in (published.GENERALIZATION_3, published.GENERALIZATION_LAST_3, published.EXCESS_3):
        assert bound.excludes(problem, short) is None
        assert "2/L" in bound.excludes(problem, long)
        assert "InverseTime" in bound.excludes(problem, Lookahead(6, 2, 0.5, InverseTime(1.0, 2)))
        assert "convexity" in bound.excludes(WarpedMean(), short)
    assert published.GENERALIZATION_3.excludes(LinearOnBall(), Lookahead(6, 2, 0.5, Constant(99.0))) is None  # L = 0


@pytest.mark.parametrize(
    ("bound", "step"),
    [
        (published.GENERALIZATION_3, Constant(1.5)),
        (published.OPTIMIZATION_3, Constant(1.5)),
        (published.GENERALIZATION_4, InverseTime(0.5, 1.0)),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_at_k_1_gradients_are_taken_at_slow_weights(bound, step):
    """G and L are known where gradients are taken: at k = 1 the slow weights move with alpha eta."""
    problem = AnisotropicMean((1.0, 1.0))  # constants hold for steps up to 1
    assert bound.excludes(problem, Lookahead(6, 1, 0.5, step)) is None
    assert "constants hold" in bound.excludes(problem, Lookahead(6, 2, 0.5, step))
    if isinstance(step, Constant):
        assert "constants hold" in bound.excludes(problem, Lookahead(6, 1, 0.9, step))


def test_theorem_4_needs_no_weak_convexity_beside_smoothness():
    """rho <= L: where none is stated the re-derived bound takes L, and the printed one does not read it."""
    unknown, known = Stated(rho=float("inf")), Stated(rho=1.0)
    run = Lookahead(6, 2, 0.5, published.decay_step(known.constants))
    bound = published.OPTIMIZATION_4
    assert bound.excludes(unknown, run) is None
    for form in ("published", "proved"):
        assert value(bound, unknown, run, form) == value(bound, known, run, form)
    assert value(bound, Stated(), run, "proved") < value(bound, known, run, "proved")


def test_theorem_4_bounds_the_optimization_error_without_projection_and_the_generalization_with():
    """A projection breaks the descent lemma, and expands no distance."""
    problem = MeanOnBall()
    run = Lookahead(6, 2, 0.5, published.decay_step(problem.constants))
    assert "without projection" in published.OPTIMIZATION_4.excludes(problem, run)
    assert published.GENERALIZATION_4.excludes(problem, run) is None
    divided = Lookahead(6, 2, 0.5, published.divided_step(problem.constants, 0.5))
    assert published.GENERALIZATION_4.excludes(problem, divided) is None
    assert "1/(1 (j + 1))" in published.OPTIMIZATION_4.excludes(MeanEstimation(), divided)


def stages(*, betas=(0.1, 0.1), alphas=(0.5, 0.5), etas=(0.5, 0.25), output="average", T=96):
    return SLRLA(
        [Stage(T, 1, a, Constant(e), b, output) for a, e, b in zip(alphas, etas, betas, strict=True)]
    )  # eta kT = 48, 24 >= 6/(lam alpha) = 12


OPTIMIZATION = (published.OPTIMIZATION_5, published.OPTIMIZATION_6)
GENERALIZATION = (published.GENERALIZATION_5, published.GENERALIZATION_6)


@pytest.mark.parametrize("bound", [*OPTIMIZATION, *GENERALIZATION], ids=lambda one: one.name)
def test_theorems_5_and_6_ask_of_a_schedule_what_their_proofs_use(bound):
    problem = MeanEstimation()
    assert bound.excludes(problem, stages()) is None
    assert "m/6" in bound.excludes(problem, stages(betas=(0.17, 0.17)))
    assert "one alpha" in bound.excludes(problem, stages(alphas=(0.5, 0.9)))
    assert "last iterate" in bound.excludes(problem, stages(output="last"))
    assert "eta kT >= 6/(m alpha)" in bound.excludes(problem, stages(T=40))
    reason = bound.excludes(problem, stages(betas=(0.1, 0.05)))
    if bound in OPTIMIZATION:  # beta_s <= m/6 is all that it uses
        assert reason is None
    else:
        assert "one beta" in reason


def test_theorem_5s_generalization_asks_for_losses_that_are_strongly_convex():
    """A step on a common example contracts where that example's loss is strongly convex."""
    unknown, weaker = Stated(lam_example=0.0), Stated(lam_example=0.5)
    assert published.OPTIMIZATION_5.excludes(unknown, stages()) is None
    assert "every l(.; z) strongly convex" in published.GENERALIZATION_5.excludes(unknown, stages())
    assert "m/6 = 0.0833" in published.GENERALIZATION_5.excludes(weaker, stages())
    run = stages(betas=(0.05, 0.05))
    assert published.GENERALIZATION_5.excludes(weaker, run) is None
    assert value(published.GENERALIZATION_5, weaker, run) > value(published.GENERALIZATION_5, Stated(), run)


def test_theorem_6s_generalization_asks_for_the_curvature_of_every_loss():
    """rho is stated of F_S; of losses that are not said to be convex no sigma is known."""
    other = Stated(told="nonconvex, PL")
    assert published.OPTIMIZATION_6.excludes(other, stages()) is None
    for bound in (published.GENERALIZATION_6, published.GENERALIZATION_6_II):
        assert "of every l(.; z)" in bound.excludes(other, stages())
    assert published.GENERALIZATION_6.excludes(Stated(told="convex"), stages()) is None
    weak = Stated(rho=0.12)
    assert "beta from 0.12" in published.OPTIMIZATION_6.excludes(weak, stages())
    assert published.OPTIMIZATION_6.excludes(weak, stages(betas=(0.15, 0.15))) is None


def test_theorem_6s_second_case_says_something_above_alpha_L():
    problem, bound = MeanEstimation(), published.GENERALIZATION_6_II
    small = stages(alphas=(0.08, 0.08), T=600)
    assert bound.excludes(problem, small) is None
    assert "beta > alpha L" in bound.excludes(problem, stages())
    assert 0 < value(bound, problem, small) < value(published.GENERALIZATION_6, problem, small) * 10
